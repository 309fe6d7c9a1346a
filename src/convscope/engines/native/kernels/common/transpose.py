"""A square of numbers turned over in registers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ir import Pointer, Vector
from ...ir.types import QUAD


def transposed(rows: Sequence[Vector]) -> list[Vector]:
    """Return the columns of as many vectors as each has lanes.

    Squares of half the size change places first, then squares within these: every number moves log₂(lanes) times.
    """
    result, lanes = list(rows), len(rows)
    half = lanes // 2
    while half:
        near = [lane if not lane & half else lanes + (lane ^ half) for lane in range(lanes)]
        far = [lane | half if not lane & half else lanes + lane for lane in range(lanes)]
        for one in range(lanes):
            if not one & half:
                upper, lower = result[one], result[one | half]
                result[one], result[one | half] = upper.shuffle(near, lower), upper.shuffle(far, lower)
        half //= 2
    return result


def transposed_from(start: Pointer, row: int) -> Iterator[list[Vector]]:
    """Yield the columns of a square in memory, four at a time; `row` floats lie between two of its rows.

    Four floats of every row go straight to their lanes when they are read. What is left are squares of four in
    quads of lanes, for which every processor has shuffles without a constant. A loop of the other way around it
    would keep constants, which products that follow push onto the stack.
    """
    lanes = start.code.target.width
    for column in range(0, lanes, QUAD):
        rows = [start.load_quads([at * row + column for at in range(first, lanes, QUAD)]) for first in range(QUAD)]
        pairs = [[_woven(rows[at], rows[at + 1], 1, side) for at in (0, 2)] for side in (0, 2)]
        yield [_woven(one, other, 2, side) for one, other in pairs for side in (0, 2)]


def _woven(one: Vector, other: Vector, size: int, side: int) -> Vector:
    """Return pieces of so many lanes of two vectors in turn, from one half (side 0 or 2) of each quad of lanes."""
    lanes = one.code.target.width
    pieces = [range(side + at, side + at + size) for at in range(0, 2, size)]
    quad = [lane + skipped for piece in pieces for skipped in (0, lanes) for lane in piece]
    return one.shuffle([start + lane for start in range(0, lanes, QUAD) for lane in quad], other)
