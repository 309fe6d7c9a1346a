"""In-register transpose of a square tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...ir import Pointer, Vector
from ...ir.types import QUAD


def transposed(rows: Sequence[Vector]) -> list[Vector]:
    """Return the columns of as many vectors as each has lanes.

    Quadrants are exchanged first, then the quadrants of these: every element moves log₂(lanes) times.
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
    """Yield the columns of a square in memory, four at a time; its rows are `row` floats apart.

    Four floats of every row are loaded directly into their lanes. This leaves 4×4 squares within quads of lanes,
    for which every processor has shuffles without constants. Shuffles with constants would keep these in registers
    and spill others.
    """
    lanes = start.code.target.width
    for column in range(0, lanes, QUAD):
        rows = [start.load_quads([at * row + column for at in range(first, lanes, QUAD)]) for first in range(QUAD)]
        pairs = [[_woven(rows[at], rows[at + 1], 1, side) for at in (0, 2)] for side in (0, 2)]
        yield [_woven(one, other, 2, side) for one, other in pairs for side in (0, 2)]


def _woven(one: Vector, other: Vector, size: int, side: int) -> Vector:
    """Interleave groups of `size` lanes of two vectors, from one half (side 0 or 2) of each quad."""
    lanes = one.code.target.width
    pieces = [range(side + at, side + at + size) for at in range(0, 2, size)]
    quad = [lane + skipped for piece in pieces for skipped in (0, lanes) for lane in piece]
    return one.shuffle([start + lane for start in range(0, lanes, QUAD) for lane in quad], other)
