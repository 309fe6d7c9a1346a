"""Products of rows and blocks of weights, shared by a dense layer and its input gradient.

y[n, block] = Σ over k of x[n, k] · weight[k, block]. A tile is a few rows by a few blocks, held in registers. The
depth is cut into panels whose weights stay in the cache while all rows go by; the sums of the panels are added up
in y. So sums are taken on two levels, which keeps them accurate, and their order depends on the sizes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...codegen.target import Target
from ...ir import Code, Index, Mask, Pointer, Vector, maximum, minimum
from ..common.gemm_tile import UNROLL, Operands, accumulate
from ..common.loops import added

LEAST_ITEMS = 8
"""Pieces of work wanted of a layer with few outputs, so that as many threads have something to do."""

PANEL = 512
"""Most steps of depth in a panel: its weights take 128 KiB where vectors are largest."""


def widths(target: Target) -> tuple[int, ...]:
    """Return the blocks of tiles: as many as registers allow, and one for the remainder."""
    return (4, 1) if target.registers == 32 else (2, 1)


def heights(target: Target) -> tuple[int, ...]:
    """Return the rows of tiles: as many as registers allow, then fewer for the remainder.

    Without a fused multiply-add, products take registers of their own.
    """
    return (4, 2, 1) if target.width == 4 and target.registers == 16 else (6, 4, 2, 1)


def parts_of(blocks: int) -> int:
    """Return the number of parts of the rows, if the blocks alone are too few work items."""
    return max(1, LEAST_ITEMS >> (blocks.bit_length() - 1))


def rows_of(part: Index, parts: int, batch: Index) -> tuple[Index, Index]:
    """Return the first row of a part and the row after its last."""
    return batch * part // parts, batch * (part + 1) // parts


@dataclass(frozen=True)
class Panel:
    """One tile's operands for a part of the depth; pointers are at row 0.

    `vectors` and `step` say where the weights of each block and of each step of depth lie after `weight`; weights
    that follow within the next panel are asked for `ahead` floats early.
    """

    x: Pointer
    x_row: int
    weight: Pointer
    vectors: Sequence[int]
    step: int
    y: Pointer
    y_row: int
    depth: int | Index
    ahead: int = 0


Finish = Callable[[Vector, Pointer, int], Vector]
"""Makes a result of (a panel's sum, where it goes, the number of the block within the tile)."""


def for_groups(
    code: Code, blocks: int, batch: Index, write: Callable[[Index, int, tuple[Index, Index]], None]
) -> None:
    """Write work for all items: `write(first block, number of blocks, (first row, row after the last))`.

    An item is one block for one part of the rows. Neighboring items of a call are done together, several blocks
    at a time; that changes no sum.
    """
    parts = parts_of(blocks)
    with code.loop(code.first // blocks, (code.last + (blocks - 1)) // blocks) as part:
        start = part.index * blocks
        at, end = maximum(code.first - start, 0), minimum(code.last - start, blocks)
        rows = rows_of(part.index, parts, batch)
        for width in widths(code.target):
            if width <= blocks:
                whole = end - (end - at) % width
                with code.loop(at, whole, width) as group:
                    write(group.index, width, rows)
                at = whole


def for_panels(
    code: Code, depth: int, write: Callable[[int | Index, int | Index, Mask | bool, Mask | bool], None]
) -> None:
    """Write work for all panels: `write(first step, steps, whether it is the first, whether it is the last)`.

    Both answers come lane by lane: chosen by lanes, results need no branch each.
    """
    count = -(-depth // PANEL)
    if count == 1:
        write(0, depth, True, True)
        return
    size = -(-depth // (count * code.target.width)) * code.target.width
    with code.loop(0, depth, size) as panel:
        steps = size if depth % size == 0 else minimum(depth - panel.index, size)
        at = panel.index.to_lanes()
        write(panel.index, steps, at.eq(0), at >= depth - size)


def starting(first: Mask | bool, start: Vector, place: Pointer) -> Vector:
    """Return what a panel's sum is added to: `start` for the first panel, then the stored value."""
    return first.select(start, place.load()) if isinstance(first, Mask) else start


def write_panel(code: Code, panel: Panel, rows: tuple[Index, Index], finish: Finish) -> None:
    """Write the products of all rows with a panel of weights."""
    at, last = rows
    for count in heights(code.target):
        end = last - (last - at) % count
        with code.loop(at, end, count) as tile:
            x, y = panel.x + tile.index * panel.x_row, panel.y + tile.index * panel.y_row
            sums = _products(code, panel, x, count)
            for place, total in enumerate(sums):
                row, vector = divmod(place, len(panel.vectors))
                at_result = y + (row * panel.y_row + vector * code.target.width)
                at_result.store(finish(total, at_result, vector))
        at = end


def _products(code: Code, panel: Panel, x: Pointer, rows: int) -> list[Vector]:
    """Return the sums of a tile; one of few rows interleaves steps of the depth to hide latency."""
    chains = max(1, UNROLL // rows) if rows < UNROLL else 1
    operands = Operands([row * panel.x_row for row in range(rows)], 1, panel.vectors, panel.step)
    size = rows * len(panel.vectors)
    with code.loop(0, panel.depth, UNROLL, carry=code.zeros(chains * size)) as loop:
        sums = [loop.values[chain * size : (chain + 1) * size] for chain in range(chains)]
        left, right = x + loop.index, panel.weight + loop.index * panel.step
        for step in range(UNROLL):
            at_left, at_right = left + step, right + step * panel.step
            if panel.ahead and rows == heights(code.target)[0]:
                for vector in panel.vectors:
                    at_right.prefetch(vector + panel.ahead)
            own = step % chains
            sums[own] = accumulate(code, sums[own], at_left, at_right, operands, 1)
        loop.next([total for chain in sums for total in chain])
    return [added(loop.results[place::size]) for place in range(size)]
