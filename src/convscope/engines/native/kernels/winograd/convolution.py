"""Convolution by Winograd's algorithm, by blocks of tiles: transform, multiply, transform back.

Between the transforms there is one matrix product, tiles × channels × filters, for each element of a tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ...codegen.kernel import Kernel, own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector
from ...layout import blocks_of
from ..activation.pointwise import EpilogueFunction
from ..common.gemm_tile import Operands, accumulate
from ..common.shapes import ConvolutionShape
from .blocking import cut, heights_of, most_tiles, tiles_of, transforms_of, vectors_of
from .tiles import Epilogue, Gather, Spread, TransformedPlanes
from .weights import GroupWeights


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


def input_gradient_shape(shape: ConvolutionShape) -> ConvolutionShape:
    """Return the convolution that gives the gradient for the input from the gradient of the output.

    Its weights are those of the forward pass with channels and filters exchanged and taps turned around.
    """
    return replace(
        shape,
        channels=shape.filters,
        filters=shape.channels,
        height=shape.output[0],
        width=shape.output[1],
        before=(2 - shape.before[0], 2 - shape.before[1]),
        output=(shape.height, shape.width),
    )


@dataclass(frozen=True)
class WinogradConvolution(Kernel):
    """Correlate images with 3×3 filters: F(tile×tile, 3×3).

    A piece of work is a block of tiles and a group of the filters. Pieces that share a block follow each other, so
    that a thread transforms the input of a block once. NaN and infinity reach all outputs of their tile.

    With `raw_weights` a piece transforms its weights itself: better where tiles are few against the weights.
    `transposed` says that they are those of the convolution whose input gradient this is.

    Shapes:   x Blocked(channels), u as `WinogradWeights` writes it or weight FilterBlocks, y and residual
              Blocked(filters)
    """

    shape: ConvolutionShape
    tile: int
    bias: bool = False
    activation: EpilogueFunction | None = None
    residual: bool = False
    raw_weights: bool = False
    transposed: bool = False

    def __post_init__(self) -> None:
        if self.transposed and not self.raw_weights:
            raise ValueError("transformed weights are transposed already")

    @property
    def pointers(self) -> tuple[str, ...]:
        return (
            "x",
            "weight" if self.raw_weights else "u",
            *(("bias",) if self.bias else ()),
            *(("residual",) if self.residual else ()),
            "y",
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def block(self) -> int:
        """Return the tiles of a block, at most."""
        return most_tiles(self.shape, self.raw_weights)

    @property
    def vectors(self) -> int:
        """Return the blocks of filters of a group."""
        return vectors_of(self.shape.filter_blocks)

    @property
    def groups(self) -> int:
        """Return the groups of filters."""
        return self.shape.filter_blocks // self.vectors

    def items(self, batch: int) -> int:
        down, across = tiles_of(self.shape, self.tile)
        return blocks_of(batch * down * across, self.block) * self.groups

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)

    def scratch_floats(self, target: Target) -> int:
        """Return the floats for a block: strip, edge, transformed inputs, products."""
        planes = transforms_of(self.shape, self.tile).planes
        room = self._left.plane * planes + self._out.plane * planes
        weights = self._group_weights.scratch_floats if self.raw_weights else 0
        return self._spread.scratch_floats + self._gather.scratch_floats + room + weights

    @property
    def _group_weights(self) -> GroupWeights:
        return GroupWeights(self.shape, self.tile, self.vectors, self.transposed)

    @property
    def _spread(self) -> Spread:
        shape = self.shape
        return Spread(
            transforms_of(shape, self.tile).input,
            self.tile,
            shape.before,
            tiles_of(shape, self.tile),
            shape.channel_blocks,
            shape.height,
            shape.width,
            shape.lanes,
        )

    @property
    def _gather(self) -> Gather:
        shape = self.shape
        return Gather(
            transforms_of(shape, self.tile).output,
            tiles_of(shape, self.tile),
            shape.filters,
            shape.filter_blocks,
            *shape.output,
            shape.lanes,
        )

    @property
    def _rows(self) -> int:
        """Return the tiles of the allocation: the last register tile may exceed the block."""
        return self.block + 32

    @property
    def _left(self) -> TransformedPlanes:
        lanes, block = self.shape.lanes, self._rows * self.shape.lanes
        return TransformedPlanes(lanes, block, block * self.shape.channel_blocks + lanes)

    @property
    def _out(self) -> TransformedPlanes:
        lanes, width = self.shape.lanes, self.vectors
        return TransformedPlanes(width * lanes, lanes, self._rows * width * lanes + lanes)

    def write(self, code: Code) -> None:
        per_image = tiles_of(self.shape, self.tile)[0] * tiles_of(self.shape, self.tile)[1]
        total = code.number("batch") * per_image
        scratch = own_scratch(self, code)
        inputs = scratch + self._spread.scratch_floats + self._gather.scratch_floats
        products = inputs + self._left.plane * transforms_of(self.shape, self.tile).planes
        weights = products + self._out.plane * transforms_of(self.shape, self.tile).planes
        self._spread.prepare(code, scratch)
        with code.loop(code.first, code.last) as item:
            number, group = item.index // self.groups, item.index % self.groups
            tiles = cut(number, (total + (self.block - 1)) // self.block, total)
            with code.when(item.index.eq(code.first) | group.eq(0)):
                blocks = (0, self.shape.channel_blocks)
                self._spread.write(code, code.pointer("x"), inputs, self._left, scratch, tiles, blocks)
            first_block = group * self.vectors
            if self.raw_weights:
                self._multiply_raw(code, (inputs, weights, products), first_block, tiles[1] - tiles[0])
            else:
                self._multiply(code, inputs, products, first_block, tiles[1] - tiles[0])
            self._gather.write(
                code,
                products,
                code.pointer("y"),
                self._out,
                scratch + self._spread.scratch_floats,
                tiles,
                (first_block, self.vectors),
                self._epilogue(code),
            )

    def _multiply(self, code: Code, inputs: Pointer, products: Pointer, first_block: Index, count: Index) -> None:
        shape, transforms = self.shape, transforms_of(self.shape, self.tile)
        plane = shape.channels * shape.lanes
        block = plane * transforms.planes
        heights = heights_of(code.target, self.vectors)
        product = TileProduct(
            shape.channels, shape.lanes, self._left, plane, block, self._out, self.vectors, heights
        )
        weights = code.pointer("u") + first_block * block
        with code.loop(0, transforms.planes) as at:
            left, out = inputs + at.index * self._left.plane, products + at.index * self._out.plane
            product.write(code, left, weights + at.index * plane, out, count)

    def _multiply_raw(
        self, code: Code, places: tuple[Pointer, Pointer, Pointer], first_block: Index, count: Index
    ) -> None:
        """Transform the weights for one row of the tile, multiply, and continue with the next row."""
        inputs, own, products = places
        shape, size, group = self.shape, transforms_of(self.shape, self.tile).size, self._group_weights
        heights, weight = heights_of(code.target, self.vectors), code.pointer("weight")
        plane, block = group.row.plane, group.row.block
        product = TileProduct(
            shape.channels, shape.lanes, self._left, plane, block, self._out, self.vectors, heights
        )
        group.prepare(code, weight, own, first_block)
        with code.loop(0, size) as row:
            group.write(code, weight, own, first_block, row.index)
            with code.loop(0, size) as column:
                at = row.index * size + column.index
                left, out = inputs + at * self._left.plane, products + at * self._out.plane
                product.write(code, left, own + column.index * plane, out, count)

    def _epilogue(self, code: Code) -> Epilogue:
        bias = code.pointer("bias") if self.bias else None
        residual = code.pointer("residual") if self.residual else None
        return Epilogue(bias, residual, self.activation)
