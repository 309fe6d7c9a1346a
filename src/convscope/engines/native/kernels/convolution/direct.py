"""Direct convolution and its input gradient, as loops around a register tile.

The input gradient is also the forward pass of the transposed convolution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, maximum, minimum
from ...layout import FilterBlocks, GroupedFilterBlocks
from ..activation.pointwise import EpilogueFunction
from ..common.gemm_tile import evenly
from ..common.shapes import ConvolutionShape
from .axes import Axis, Strip, Tile, across_tile, best_tile, forward_axis, gradient_phases, strips
from .block import AcrossBlock, Phase, ResultBlock
from .weights import blocks_layout, few_channels, transposed_layout

NEAR_FLOATS = 1 << 15
"""Floats of an image that are worked on in one go: 128 KiB stay near, with weights beside them."""
FAR_FLOATS = 1 << 17
"""Weights beyond half a megabyte are read once for many images, not once for each."""
ENOUGH_ITEMS = 32
"""Pieces of work for one image, so that several threads have equal shares of it."""


@dataclass(frozen=True)
class Strides:
    """Floats from one image, block, row, column or channel to the next."""

    image: int
    block: int
    row: int
    column: int
    channel: int

    @staticmethod
    def blocked(blocks: int, height: int, width: int, lanes: int) -> Strides:
        """Return the strides of images in blocks."""
        return Strides(blocks * height * width * lanes, height * width * lanes, width * lanes, lanes, 1)

    @staticmethod
    def plain(channels: int, height: int, width: int, lanes: int) -> Strides:
        """Return the strides of images (n, c, h, w)."""
        return Strides(channels * height * width, lanes * height * width, width, 1, height * width)


def same_source_blocks(weights: FilterBlocks | GroupedFilterBlocks) -> int:
    """Return how many consecutive filter blocks read the same channel blocks."""
    if isinstance(weights, FilterBlocks):
        return weights.filter_blocks
    whole = weights.group_filters % weights.lanes == 0
    return weights.group_filters // weights.lanes if whole else 1


@dataclass(frozen=True)
class Loops:
    """A direct convolution from `source` to `target`, with its epilogue."""

    weights: FilterBlocks | GroupedFilterBlocks
    rows: tuple[Axis, ...]
    columns: tuple[Axis, ...]
    source: Strides
    target: Strides
    tile: Tile
    names: tuple[str, str, str]
    bias: bool
    activation: EpilogueFunction | None
    residual: bool
    across: bool = False
    """Sums lie across the lanes: `weights` are those of the images read, and each result is one lane's."""

    @property
    def cuts(self) -> list[int]:
        """Return the filter blocks of a group of filters, split into tiles."""
        if self.across:
            return [self.tile.vectors]
        return evenly(self.group_blocks, self.tile.vectors)

    @property
    def group_blocks(self) -> int:
        """Return the filter blocks that read the same channel blocks."""
        return same_source_blocks(self.weights)

    @property
    def pieces(self) -> int:
        """Return the number of slices of all filters."""
        if self.across:
            return 1
        return self.weights.filter_blocks // self.group_blocks * len(self.cuts)

    @property
    def by_rows(self) -> bool:
        """Say whether images are split between rows; one long row is split itself."""
        return max(axis.count for axis in self.rows) > 1

    @property
    def chunks(self) -> int:
        """Return the number of parts of an image: an even number if threads share it.

        They share a cut of the filters, too, where the cuts are odd.
        """
        most = self.tile.rows if self.by_rows else self.tile.columns
        axes = self.rows if self.by_rows else self.columns
        tiles = min(len(evenly(axis.count, most)) for axis in axes)
        near = -(-self.source.image // NEAR_FLOATS)
        wanted = max(near, -(-ENOUGH_ITEMS // self.pieces))
        whole_cuts = self.weights_first and self.pieces % 2 == 0
        return min(tiles, wanted if whole_cuts else wanted + wanted % 2)

    @property
    def weights_first(self) -> bool:
        """Say whether all images are processed with one slice of the filters before the next."""
        return self.weights.floats > FAR_FLOATS

    def items(self, batch: int) -> int:
        return batch * self.chunks * self.pieces

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            place, piece = self._place(code, item.index)
            image, chunk = place // self.chunks, place % self.chunks
            cuts, size = self.cuts, self.cuts[0]
            group, cut = piece // len(cuts), piece % len(cuts)
            longer = sum(one == size for one in cuts)
            short = cut - minimum(cut, longer)
            first = group * self.group_blocks + cut * size - short
            for vectors in sorted(set(cuts)):
                with _when(code, (cut < longer) if vectors == size else (cut >= longer), len(set(cuts)) > 1):
                    Piece(self, code, image, chunk, first, vectors).write()

    def _place(self, code: Code, item: Index) -> tuple[Index, Index]:
        if not self.weights_first:
            return item // self.pieces, item % self.pieces
        places = code.number("batch") * self.chunks
        return item % places, item // places


@contextmanager
def _when(code: Code, condition: Any, needed: bool) -> Iterator[None]:
    with code.when(condition if needed else True):
        yield


@dataclass(frozen=True)
class Piece:
    """One work item being written: some filter blocks, starting at `first`, over a part of an image."""

    loops: Loops
    code: Code
    image: Index
    chunk: Index
    first: Index
    vectors: int
    source: Pointer = field(init=False)
    weights: Pointer = field(init=False)

    def __post_init__(self) -> None:
        loops, code = self.loops, self.code
        layout = loops.weights
        source = code.pointer(loops.names[0]) + self.image * loops.source.image
        if isinstance(layout, GroupedFilterBlocks):
            source = source + layout.first_block(self.first) * loops.source.block
        object.__setattr__(self, "source", source)
        weights = code.pointer(loops.names[1]) + self.first * layout.block_floats
        object.__setattr__(self, "weights", weights)

    def write(self) -> None:
        for rows in self.loops.rows:
            for columns in self.loops.columns:
                with self.code.loop(0, rows.phases) as high, self.code.loop(0, columns.phases) as wide:
                    self._phase(Phase(rows, high.index), Phase(columns, wide.index))

    def _phase(self, rows: Phase, columns: Phase) -> None:
        loops = self.loops
        row_strips = _alike(rows.axis) if loops.tile.rows == 1 else strips(rows.axis, loops.tile.rows)
        column_strips = strips(columns.axis, loops.tile.columns)
        for high in row_strips:
            with self._tiles(high, row_strips, cut=loops.by_rows) as row:
                for wide in column_strips:
                    with self._tiles(wide, column_strips, cut=not loops.by_rows) as column:
                        kind = AcrossBlock if loops.across else ResultBlock
                        kind(self, rows, columns, row, column, high, wide).write()

    @contextmanager
    def _tiles(self, strip: Strip, all_strips: Sequence[Strip], cut: bool) -> Iterator[Any]:
        """Loop over a strip's tiles, those of this part of the image; give the first result of each."""
        first, last = strip.first_tile, strip.first_tile + strip.count
        low: Any = first
        high: Any = last
        if cut and self.loops.chunks > 1:
            tiles = sum(one.count for one in all_strips)
            low = maximum(self.chunk * tiles // self.loops.chunks, first)
            high = minimum((self.chunk + 1) * tiles // self.loops.chunks, last)
        with self.code.loop(low, high) as tile:
            yield (tile.index - first) * strip.size + strip.start


def _alike(axis: Axis) -> list[Strip]:
    """Return single rows as one strip; their taps are determined at run time."""
    return [Strip(0, 1, axis.count, 0, ((True,),) * axis.taps)]


class _Direct(Kernel):
    """A kernel whose work is that of its loops."""

    shape: ConvolutionShape

    @property
    def _loops(self) -> Loops:
        raise NotImplementedError(f"{type(self).__name__}._loops")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self._loops.items(batch)

    def write(self, code: Code) -> None:
        """Write the loops; those of the input gradient phase by phase."""
        self._loops.write(code)

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)


@dataclass(frozen=True)
class Convolution(_Direct):
    """y = activation(convolution of x + bias + residual), with the last three optional.

    Shapes:   x `Blocked`, or (n, c, h, w) with `plain_input`; weight as `weights_layout` says; bias `Channels`;
              residual and y `Blocked`
    Errors:   ValueError for a plain input in groups, and for a depthwise convolution
    """

    shape: ConvolutionShape
    plain_input: bool = False
    bias: bool = False
    activation: EpilogueFunction | None = None
    residual: bool = False
    tile: Tile | None = None

    def __post_init__(self) -> None:
        if self.plain_input and self.shape.groups > 1:
            raise ValueError("a convolution in groups reads images in blocks")
        _check(self.shape)

    @property
    def pointers(self) -> tuple[str, ...]:
        return (
            "x",
            "weight",
            *(("bias",) if self.bias else ()),
            *(("residual",) if self.residual else ()),
            "y",
        )

    @property
    def _loops(self) -> Loops:
        shape = flat(self.shape)
        rows, columns = ((forward_axis(*numbers),) for numbers in axes_of(shape))
        layout = blocks_layout(shape.filters, shape.channels, shape)
        kind = Strides.plain if self.plain_input else Strides.blocked
        count = shape.channels if self.plain_input else shape.channel_blocks
        return Loops(
            layout,
            rows,
            columns,
            kind(count, shape.height, shape.width, shape.lanes),
            Strides.blocked(shape.filter_blocks, *shape.output, shape.lanes),
            self.tile or tile_for(layout, rows, columns),
            ("x", "weight", "y"),
            self.bias,
            self.activation,
            self.residual,
        )


@dataclass(frozen=True)
class ConvolutionInputGradient(_Direct):
    """dx = gradient of a convolution's input; with bias and activation, a transposed convolution.

    Input pixels that no window reads get zero (or the bias). All sizes are the convolution's: a transposed
    convolution has `shape.filters` inputs and `shape.channels` outputs.

    A tile given counts only where a vector's lanes are channels: see `few_channels`.

    Shapes:   dy and dx `Blocked`; weight_t as `transposed_layout` says; bias `Channels` of shape.channels
    """

    shape: ConvolutionShape
    bias: bool = False
    activation: EpilogueFunction | None = None
    tile: Tile | None = None

    def __post_init__(self) -> None:
        _check(self.shape)

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "weight_t", *(("bias",) if self.bias else ()), "dx")

    @property
    def _loops(self) -> Loops:
        shape = flat(self.shape)
        rows, columns = (gradient_phases(*numbers) for numbers in axes_of(shape))
        layout, few = transposed_layout(shape), few_channels(shape)
        columns_most = max(axis.count for axis in columns)
        across = across_tile(shape.lanes, shape.channels, columns_most) if few else None
        return Loops(
            layout,
            rows,
            columns,
            Strides.blocked(shape.filter_blocks, *shape.output, shape.lanes),
            Strides.blocked(shape.channel_blocks, shape.height, shape.width, shape.lanes),
            across or self.tile or tile_for(layout, rows, columns),
            ("dy", "weight_t", "dx"),
            self.bias,
            self.activation,
            residual=False,
            across=few,
        )


def _check(shape: ConvolutionShape) -> None:
    if shape.depthwise:
        raise ValueError("a depthwise convolution has kernels of its own")


def flat(shape: ConvolutionShape) -> ConvolutionShape:
    """Return a 1×1 convolution as one over a single row."""
    pixels, single = (shape.height, shape.width), ((1, 1), (1, 1), (0, 0))
    if (shape.kernel, shape.stride, shape.before) != single or shape.output != pixels:
        return shape
    count = shape.height * shape.width
    return replace(shape, height=1, width=count, output=(1, count))


def axes_of(shape: ConvolutionShape) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return size, kernel, stride, before, dilation and output of both axes."""
    first, second = zip(shape.kernel, shape.stride, shape.before, shape.dilation, shape.output, strict=True)
    return (shape.height, *first), (shape.width, *second)


def tile_for(
    layout: FilterBlocks | GroupedFilterBlocks, rows: tuple[Axis, ...], columns: tuple[Axis, ...]
) -> Tile:
    """Return the tile for a convolution by rule: the best one for its largest phase."""
    blocks = same_source_blocks(layout)
    return best_tile(layout.lanes, blocks, max(axis.count for axis in rows), max(axis.count for axis in columns))
