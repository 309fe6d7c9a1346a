"""Flat arrays cut into a fixed number of pieces of whole vectors."""

from __future__ import annotations

from collections.abc import Callable

from ...ir import Code, Index, Vector

PIECES = 32
"""Work items of an array: a number that any usual number of threads divides."""


def for_vectors(
    code: Code,
    piece: Index,
    pieces: int,
    write: Callable[[Index, tuple[Vector, ...]], tuple[Vector, ...]],
    unroll: int,
    carry: tuple[Vector, ...] = (),
) -> tuple[tuple[Vector, ...], ...]:
    """Write work for every vector of a piece of `floats` floats, which are a whole number of vectors.

    `write(offset, carried)` is written `unroll` times in a row, each time with carried values of its own; what
    they are in the end is returned, one tuple for each.
    """
    lanes = code.target.width
    vectors = code.number("floats") // lanes
    at, end = vectors * piece // pieces * lanes, vectors * (piece + 1) // pieces * lanes
    values = carry * unroll
    for count in (unroll, 1):
        whole = end - (end - at) % (count * lanes)
        with code.loop(at, whole, count * lanes, carry=values) as loop:
            following = list(loop.values)
            for number in range(count):
                own = slice(number * len(carry), (number + 1) * len(carry))
                following[own] = write(loop.index + number * lanes, tuple(following[own]))
            loop.next(following)
        at, values = whole, tuple(loop.results)
    return tuple(values[at : at + len(carry)] for at in range(0, len(values), len(carry))) if carry else ()
