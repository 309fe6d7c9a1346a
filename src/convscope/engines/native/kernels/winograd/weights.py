"""Winograd transform of weights, directly from the layout of convolutions.

The weights of a whole layer are transformed in a pass of their own, or those of a group of filters just before
use, by the thread that multiplies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.kernel import Kernel, own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, minimum
from ...layout import blocks_of
from ..common.shapes import ConvolutionShape
from ..common.transpose import transposed
from .blocking import transforms_of
from .matrices import Transform
from .tiles import TransformedPlanes

TAPS = 9


def u_floats(shape: ConvolutionShape, tile: int, transposed: bool = False) -> int:
    """Return the floats of the transformed weights."""
    outputs, inputs = (shape.channels, shape.filters) if transposed else (shape.filters, shape.channels)
    return blocks_of(outputs, shape.lanes) * transforms_of(shape, tile).planes * inputs * shape.lanes


@dataclass(frozen=True)
class WinogradWeights(Kernel):
    """Transform the weights: u = G·g·Gᵀ for each filter and channel.

    Transposed, for the gradient of the input: channels and filters change places and the taps are turned around.

    Shapes:   weight FilterBlocks; u (filter blocks, numbers of a tile, channels, lanes of filters), or transposed
              (channel blocks, numbers of a tile, filters, lanes of channels)
    """

    shape: ConvolutionShape
    tile: int
    transposed: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("weight", "u")

    def items(self, batch: int) -> int:
        return self.shape.filter_blocks * self.shape.channel_blocks

    def scratch_floats(self, target: Target) -> int:
        return (TAPS * self.shape.lanes + 1) * self.shape.lanes if self.transposed else 0

    def write(self, code: Code) -> None:
        shape, lanes = self.shape, self.shape.lanes
        if self.transposed:
            own_scratch(self, code).store(code.constant(0), TAPS * lanes * lanes)
        with code.loop(code.first, code.last) as item:
            block, part = self._pair(item.index)
            own = minimum(shape.channels - part * lanes, lanes)
            source = (
                code.pointer("weight") + block * (TAPS * shape.channels * lanes) + part * (TAPS * lanes * lanes)
            )
            if self.transposed:
                turned = own_scratch(self, code)
                zeros = turned + TAPS * lanes * lanes
                turn_square(code, (source, own, shape.channels % lanes != 0), turned, zeros)
                there = minimum(shape.filters - block * lanes, lanes)
                taps = [(TAPS - 1 - tap) * lanes * lanes for tap in range(TAPS)]
                self._transform(code, turned, taps, self._place(code, part, block, shape.filters), there)
            else:
                taps = [own * (tap * lanes) for tap in range(TAPS)]
                self._transform(code, source, taps, self._place(code, block, part, shape.channels), own)

    def _pair(self, item: Index) -> tuple[Index, Index]:
        """Return an item's block of filters and block of channels: one thread writes what it is likely to read."""
        if self.transposed:
            return item % self.shape.filter_blocks, item // self.shape.filter_blocks
        return item // self.shape.channel_blocks, item % self.shape.channel_blocks

    def _place(self, code: Code, block: Index, part: Index, depth: int) -> Pointer:
        """Return where the first row of a block of outputs and a part of the inputs goes."""
        planes, lanes = transforms_of(self.shape, self.tile).planes, self.shape.lanes
        return code.pointer("u") + (block * (planes * depth) + part * lanes) * lanes

    def _transform(
        self, code: Code, source: Pointer, taps: Sequence[int | Index], place: Pointer, count: Index
    ) -> None:
        """Transform `count` rows of nine taps each, one row of the tile after another.

        All 36 numbers of F(4,3) at once would go to places a power of two apart, which share one set of the cache.
        """
        transforms, lanes = transforms_of(self.shape, self.tile), self.shape.lanes
        plane = lanes * (self.shape.filters if self.transposed else self.shape.channels)
        for number in range(transforms.size):
            out = place + number * transforms.size * plane
            transform_row(code, transforms.weight, number, (source, taps), (out, plane), count)


def turn_square(code: Code, source: tuple[Pointer, Index, bool], place: Pointer, zeros: Pointer) -> None:
    """Exchange channels and filters of a block for each tap; missing channels count as zero.

    `source` is where the block starts, how many channels it has, and whether that may be fewer than lanes.
    """
    start, own, partial = source
    lanes = code.target.width
    with code.loop(0, TAPS) as tap:
        first, out = start + tap.index * (own * lanes), place + tap.index * (lanes * lanes)
        rows = []
        for channel in range(lanes):
            row = first + channel * lanes
            rows.append(((own > channel).select(row, zeros) if partial else row).load())
        for number, turned in enumerate(transposed(rows)):
            out.store(turned, number * lanes)


def transform_row(
    code: Code,
    transform: Transform,
    number: int,
    source: tuple[Pointer, Sequence[int | Index]],
    out: tuple[Pointer, int],
    count: Index,
) -> None:
    """Transform `count` vectors of nine taps each, for one row of the tile.

    `source` is where the vectors start and how far each tap is from there, `out` where the row's first numbers go
    and how far it is to the next ones.
    """
    (start, taps), (place, plane), lanes = source, out, code.target.width
    with code.loop(0, count) as vector:
        own, to = start + vector.index * lanes, place + vector.index * lanes
        numbers = [transform.apply([own.load(taps[3 * tap + j]) for tap in range(3)])[number] for j in range(3)]
        for j, value in enumerate(transform.apply(numbers)):
            to.store(value, j * plane)


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
