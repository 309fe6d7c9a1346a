"""The matrix products between the transforms: tiles × channels × filters for each element of a tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...ir import Code, Index, Pointer, Vector
from ..common.gemm_tile import Operands, accumulate
from .spread import TransformedPlanes


@dataclass(frozen=True)
class TileProduct:
    """Products of transformed tiles and transformed weights, over all channels.

    Shapes:   left planes of (channel blocks, tiles, lanes); right planes of (channels, lanes), one for each block
              of filters, `right_block` floats apart
    """

    channels: int
    lanes: int
    left: TransformedPlanes
    right_plane: int
    right_block: int
    out: TransformedPlanes
    vectors: int
    heights: tuple[int, ...]

    def write(self, code: Code, left: Pointer, right: Pointer, out: Pointer, count: Index) -> None:
        most, *smaller = self.heights
        whole = count // most * most
        with code.loop(0, whole, most) as tile:
            self._tile(code, left, right, out, tile.index, most)
        rest, sizes = count - whole, [0, *reversed(smaller), most]
        for below, height in pairwise(sizes):
            with code.when((rest > below) & (rest <= height)):
                self._tile(code, left, right, out, whole, height)

    def _tile(self, code: Code, left: Pointer, right: Pointer, out: Pointer, tile: Index, height: int) -> None:
        totals = self._over_channels(
            code, left + tile * self.left.tile, right, [row * self.left.tile for row in range(height)]
        )
        place = out + tile * self.out.tile
        for number, total in enumerate(totals):
            row, vector = divmod(number, self.vectors)
            place.store(total, row * self.out.tile + vector * self.out.block)

    def _over_channels(self, code: Code, left: Pointer, right: Pointer, rows: Sequence[int]) -> list[Vector]:
        lanes = self.lanes
        operands = Operands(rows, 1, [v * self.right_block for v in range(self.vectors)], lanes)
        totals = code.zeros(len(rows) * self.vectors)
        blocks, rest = divmod(self.channels, lanes)
        if blocks:
            with code.loop(0, blocks, carry=totals) as block:
                at_left = left + block.index * self.left.block
                at_right = right + block.index * (lanes * lanes)
                block.next(accumulate(code, block.values, at_left, at_right, operands, lanes))
            totals = block.results
        if rest:
            at_left, at_right = left + blocks * self.left.block, right + blocks * lanes * lanes
            totals = accumulate(code, totals, at_left, at_right, operands, rest)
        return totals
