"""Weights of a group of filters, transformed just before use by the thread that multiplies them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import Code, Index, Pointer, minimum
from ..common.shapes import ConvolutionShape
from .blocking import transforms_of
from .spread import TransformedPlanes
from .weights import TAPS, transform_row, turn_square


@dataclass(frozen=True)
class GroupWeights:
    """Transforms the weights of `vectors` blocks of filters, one row of the tile after another.

    A row stays in a core's own cache until it is multiplied. Transposed, the weights are those of the convolution
    whose input gradient `shape` is; they are turned around first, once for a group.

    Shapes:   a row is (blocks of filters, numbers of a row, channels, lanes of filters)
    """

    shape: ConvolutionShape
    tile: int
    vectors: int
    transposed: bool

    @property
    def scratch_floats(self) -> int:
        turned = self.vectors * self.shape.channel_blocks * self._square + self.shape.lanes
        return self.vectors * self.row.block + (turned if self.transposed else 0)

    @property
    def row(self) -> TransformedPlanes:
        """Return the location of a row; distances between planes avoid powers of two."""
        lanes, size = self.shape.lanes, transforms_of(self.shape, self.tile).size
        plane = self.shape.channels * lanes + lanes
        return TransformedPlanes(0, size * plane, plane)

    @property
    def _square(self) -> int:
        """Return the floats of the taps between a block of channels and one of filters."""
        return TAPS * self.shape.lanes**2

    def prepare(self, code: Code, weight: Pointer, scratch: Pointer, first_block: Index) -> None:
        """Transpose the weights of the blocks starting at `first_block`, if needed."""
        if not self.transposed:
            return
        shape, lanes = self.shape, self.shape.lanes
        turned, zeros = self._turned(scratch), self._zeros(scratch)
        zeros.store(code.constant(0))
        with code.loop(0, shape.channel_blocks) as part, code.loop(0, self.vectors) as vector:
            block = vector.index + first_block
            own = minimum(shape.filters - block * lanes, lanes)
            start = weight + part.index * (TAPS * shape.filters * lanes) + block * self._square
            place = turned + (vector.index * shape.channel_blocks + part.index) * self._square
            partial = shape.filters % lanes != 0
            turn_square(code, (start, own, partial), place, zeros)

    def write(self, code: Code, weight: Pointer, scratch: Pointer, first_block: Index, row: Index) -> None:
        shape, lanes = self.shape, self.shape.lanes
        with code.loop(0, self.vectors) as vector:
            if self.transposed:
                start = self._turned(scratch) + vector.index * (shape.channel_blocks * self._square)
            else:
                start = weight + (vector.index + first_block) * (TAPS * shape.channels * lanes)
            place = scratch + vector.index * self.row.block
            with code.loop(0, shape.channel_blocks) as part:
                own = minimum(shape.channels - part.index * lanes, lanes)
                taps = self._taps(own)
                source, out = start + part.index * self._square, place + part.index * (lanes * lanes)
                for number in range(transforms_of(shape, self.tile).size):
                    with code.when(row.eq(number)):
                        transforms = transforms_of(shape, self.tile)
                        transform_row(code, transforms.weight, number, (source, taps), (out, self.row.plane), own)

    def _taps(self, own: Index) -> Sequence[int | Index]:
        lanes = self.shape.lanes
        if self.transposed:
            return [(TAPS - 1 - tap) * lanes * lanes for tap in range(TAPS)]
        return [own * (tap * lanes) for tap in range(TAPS)]

    def _turned(self, scratch: Pointer) -> Pointer:
        return scratch + self.vectors * self.row.block

    def _zeros(self, scratch: Pointer) -> Pointer:
        return self._turned(scratch) + self.vectors * self.shape.channel_blocks * self._square
