"""Layouts of a convolution's weights, and kernels that convert between them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, Vector
from ...layout import Channels, FilterBlocks, GroupedFilterBlocks, blocks_of
from ..common.shapes import ConvolutionShape
from ..common.transpose import transposed

MOST_FEW = 4
"""Channels that are few, at most."""
AHEAD = 2
"""Squares between the one that is turned and the one that is fetched."""


def weights_layout(shape: ConvolutionShape) -> FilterBlocks | GroupedFilterBlocks | Channels:
    """Return the layout of a convolution's weights (filters, channels / groups, kh, kw)."""
    if shape.depthwise:
        return Channels(shape.channels, shape.lanes, shape.kernel[0] * shape.kernel[1])
    return blocks_layout(shape.filters, shape.channels, shape)


def transposed_layout(shape: ConvolutionShape) -> FilterBlocks | GroupedFilterBlocks:
    """Return the layout of the transposed weights, with filters and channels exchanged.

    For few channels they lie as the weights themselves do: see `few_channels`.
    """
    if few_channels(shape):
        return FilterBlocks(shape.filters, shape.channels, shape.kernel, shape.lanes)
    return blocks_layout(shape.channels, shape.filters, shape)


def few_channels(shape: ConvolutionShape) -> bool:
    """Say whether the input gradient does best to multiply lanes of filters, and to add the lanes up at the end.

    With a channel in each lane nearly all lanes would be empty.
    """
    lanes_of_work = shape.channels * blocks_of(shape.filters, shape.lanes)
    return shape.groups == 1 and shape.channels <= MOST_FEW and 2 * lanes_of_work <= shape.filters


def blocks_layout(filters: int, channels: int, shape: ConvolutionShape) -> FilterBlocks | GroupedFilterBlocks:
    """Return the layout of weights from channels to filters."""
    if shape.groups == 1:
        return FilterBlocks(filters, channels, shape.kernel, shape.lanes)
    return GroupedFilterBlocks(filters, channels, shape.groups, shape.kernel, shape.lanes)


@dataclass(frozen=True)
class TransposedWeights(Kernel):
    """weight_t = weight with filters and channels exchanged; taps keep their order.

    Shapes:   weight as `weights_layout` says → weight_t as `transposed_layout` says
    """

    shape: ConvolutionShape

    def __post_init__(self) -> None:
        if self.shape.depthwise:
            raise ValueError("depthwise weights are their own transposed ones")

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("weight", "weight_t")

    def items(self, batch: int) -> int:
        into = transposed_layout(self.shape)
        if few_channels(self.shape):
            return into.filter_blocks
        return into.filter_blocks * _columns(into)

    def write(self, code: Code) -> None:
        into = transposed_layout(self.shape)
        with code.loop(code.first, code.last) as item:
            block, column = item.index // _columns(into), item.index % _columns(into)
            if few_channels(self.shape):
                self._copied(code, into.block_floats, item.index)
            elif isinstance(into, GroupedFilterBlocks):
                self._grouped(code, into, block, column)
            else:
                self._plain(code, into, block, column)

    def _copied(self, code: Code, floats: int, block: Index) -> None:
        source, into = (code.pointer(name) + block * floats for name in self.pointers)
        with code.loop(0, floats, code.target.width) as at:
            into.store(source.load(at.index), at.index)

    def _plain(self, code: Code, into: FilterBlocks, block: Index, column: Index) -> None:
        source = FilterBlocks(into.channels, into.filters, into.kernel, into.lanes)
        lanes, taps = into.lanes, prod(into.kernel)
        for rows, is_row in _sizes(source.channels, lanes, block):
            for columns, is_column in _sizes(into.channels, lanes, column):
                with code.when(is_row), code.when(is_column):
                    at = code.pointer("weight") + column * source.block_floats
                    to = code.pointer("weight_t") + block * into.block_floats
                    at, to = at + block * (lanes * taps * lanes), to + column * (lanes * taps * lanes)
                    with code.loop(0, taps) as tap:
                        self._fetch(at, (tap.index + AHEAD) * rows, rows, for_writing=False)
                        self._fetch(to, (tap.index + AHEAD) * columns, columns, for_writing=True)
                        square = _square(at + tap.index * (rows * lanes), rows, code)
                        for row, vector in enumerate(transposed(square)[:columns]):
                            to.store(vector, (tap.index * columns + row) * lanes)

    def _fetch(self, place: Pointer, first: Index, count: int, for_writing: bool) -> None:
        """Prefetch the vectors of a later square, as large weights do not fit the cache."""
        for row in range(count):
            place.prefetch((first + row) * self.shape.lanes, for_writing=for_writing)

    def _grouped(self, code: Code, into: GroupedFilterBlocks, block: Index, column: Index) -> None:
        source = GroupedFilterBlocks(into.channels, into.filters, into.groups, into.kernel, into.lanes)
        lanes, taps = into.lanes, prod(into.kernel)
        other = into.first_block(block) + column
        place = block - source.first_block(other)
        at = code.pointer("weight") + other * source.block_floats + place * (taps * source.tap_floats)
        to = code.pointer("weight_t") + block * into.block_floats + column * (taps * into.tap_floats)
        kept = (place >= 0) & (place < source.seen)
        with code.loop(0, taps) as tap:
            with code.when(kept):
                square = _square(at + tap.index * source.tap_floats, source.block_channels, code)
                for row, vector in enumerate(transposed(square)[: into.block_channels]):
                    to.store(vector, tap.index * into.tap_floats + row * lanes)
            with code.when(~kept):
                for row in range(into.block_channels):
                    to.store(code.constant(0), tap.index * into.tap_floats + row * lanes)


def _columns(into: FilterBlocks | GroupedFilterBlocks) -> int:
    return into.seen if isinstance(into, GroupedFilterBlocks) else blocks_of(into.channels, into.lanes)


def _sizes(count: int, lanes: int, block: Index) -> list[tuple[int, Any]]:
    """Return the sizes that blocks of `count` channels have, each with the condition that a block has it."""
    whole, tail = divmod(count, lanes)
    if not tail:
        return [(lanes, True)]
    return [(tail, True)] if not whole else [(lanes, block < whole), (tail, block >= whole)]


def _square(at: Pointer, rows: int, code: Code) -> list[Vector]:
    """Return a square's rows; those that are not stored are zero."""
    lanes = code.target.width
    return [at.load(row * lanes) if row < rows else code.constant(0) for row in range(lanes)]


@dataclass(frozen=True)
class GroupMask(Kernel):
    """Set the gradient of weights between different groups to zero.

    Shapes:   gradient, as `weights_layout` says, is changed in place
    """

    shape: ConvolutionShape

    def __post_init__(self) -> None:
        if self.shape.groups == 1 or self.shape.depthwise:
            raise ValueError("only weights in groups have entries outside of them")

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("gradient",)

    def items(self, batch: int) -> int:
        return blocks_of(self.shape.filters, self.shape.lanes)

    def write(self, code: Code) -> None:
        """Write one filter block for each item: every lane belongs to a filter, every vector to a channel."""
        shape, lanes = self.shape, self.shape.lanes
        layout = blocks_layout(shape.filters, shape.channels, shape)
        assert isinstance(layout, GroupedFilterBlocks)
        with code.loop(code.first, code.last) as block:
            gradient = code.pointer("gradient") + block.index * layout.block_floats
            with code.loop(0, layout.seen) as column, code.loop(0, layout.block_channels) as row:
                channel = (layout.first_block(block.index) + column.index) * lanes + row.index
                first = channel // layout.group_channels * layout.group_filters - block.index * lanes
                lane = code.lane_numbers()
                own = ~(lane < first.to_lanes()) & (lane < (first + layout.group_filters).to_lanes())
                own = own & (lane < (block.index * -lanes + layout.filters).to_lanes())
                at = gradient + column.index * (prod(layout.kernel) * layout.tap_floats) + row.index * lanes
                with code.loop(0, prod(layout.kernel)) as tap:
                    place = tap.index * layout.tap_floats
                    at.store(own.select(at.load(place), code.constant(0)), place)
