"""Loops over vectors that follow each other in memory, some written side by side to keep the processor busy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...ir import Code, Index, Vector, minimum

UNROLL = 4
"""Vectors of one trip: enough independent sums to hide the time an addition takes."""
CHUNK = 256
"""Vectors added in a row before their sum joins the total: long running sums lose digits."""

MOST_STRIPS = 8
LEAST_POSITIONS = 32

Position = int | Index
Step = Callable[[Position], None]
Adding = Callable[[Position, Sequence[Vector]], Sequence[Vector]]


def strips_of(positions: int) -> int:
    """Return into how many equal strips an image is cut, so that threads can share a single one.

    Few are better: long runs through memory are the fast ones.
    """
    fitting = [count for count in range(1, MOST_STRIPS + 1) if positions % count == 0]
    return max((count for count in fitting if positions // count >= LEAST_POSITIONS), default=1)


def sweep(code: Code, count: int, stride: int, step: Step) -> None:
    """Write `step(offset)` for `count` vectors, `stride` floats apart; a rest of them without a loop."""
    whole = count - count % UNROLL
    if whole:
        with code.loop(0, whole * stride, UNROLL * stride) as loop:
            for own in range(UNROLL):
                step(loop.index + own * stride)
    for own in range(whole, count):
        step(own * stride)


def flat_sweep(code: Code, first: Index, last: Index, step: Step) -> None:
    """Write `step(offset)` for the vectors from number `first` up to `last`, known when the kernel runs."""
    lanes = code.target.width
    whole = first + (last - first) // UNROLL * UNROLL
    with code.loop(first * lanes, whole * lanes, UNROLL * lanes) as loop:
        for own in range(UNROLL):
            step(loop.index + own * lanes)
    with code.loop(whole * lanes, last * lanes, lanes) as single:
        step(single.index)


def sweep_sums(code: Code, count: int, stride: int, sums: int, adding: Adding) -> list[Vector]:
    """Return sums, lane by lane, over `count` vectors, `stride` floats apart.

    `adding(offset, sums)` returns the sums with the terms of one vector added. Sums take a quarter of the
    registers: the rest is for what is added.
    """
    unroll = min(UNROLL, code.target.registers // (4 * sums))
    totals, whole = code.zeros(sums), count - count % unroll
    if whole:
        with code.loop(0, whole * stride, CHUNK * stride, carry=totals) as chunk:
            end = whole * stride if whole <= CHUNK else minimum(chunk.index + CHUNK * stride, whole * stride)
            with code.loop(chunk.index, end, unroll * stride, carry=code.zeros(unroll * sums)) as loop:
                parts: list[Vector] = []
                for own in range(unroll):
                    before = loop.values[own * sums : (own + 1) * sums]
                    parts += adding(loop.index + own * stride, before)
                loop.next(parts)
            chunk.next(_added(chunk.values, _folded(loop.results, sums)))
        totals = chunk.results
    for own in range(whole, count):
        totals = list(adding(own * stride, totals))
    return totals


def _added(sums: Sequence[Vector], others: Sequence[Vector]) -> list[Vector]:
    return [one + other for one, other in zip(sums, others, strict=True)]


def _folded(parts: Sequence[Vector], sums: int) -> list[Vector]:
    """Add up the independent sums of one trip, by pairs."""
    halves = list(parts)
    while len(halves) > sums:
        middle = len(halves) // 2
        halves = _added(halves[:middle], halves[middle:])
    return halves
