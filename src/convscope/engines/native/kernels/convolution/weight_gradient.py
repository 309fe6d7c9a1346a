"""Gradient of a convolution's weights: sums over all positions of all images.

Tiles of weights are accumulated in registers, over chunks of rows that fit the L1 cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, Vector, maximum, minimum
from ...layout import GroupedFilterBlocks
from ..common.gemm_tile import Operands, accumulate, evenly, most_rows
from ..common.shapes import ConvolutionShape
from .weights import blocks_layout

Bound = int | Index
Bounds = tuple[Bound, Bound]

NEAR_FLOATS = 9_000
"""Floats of both operands that a chunk may have: 36 kB, so that they stay in the nearest cache."""
LONGEST_ROW = 256
"""Columns of a row at most, where rows of an image are joined."""
FEWEST_ITEMS = 16
"""Work items that a layer should have at least, and parts that its batch is cut into at most."""


@dataclass(frozen=True)
class ColumnSegment:
    """Columns of the output from first up to last, at which the same rows of a tile read inside the image."""

    first: int
    last: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class RowBand:
    """Rows of the output from first up to last, with one list of segments."""

    first: int
    last: int
    segments: tuple[ColumnSegment, ...]


@dataclass(frozen=True)
class Weight:
    """One row of a tile: a row and a column of the kernel, a channel within its block."""

    row: int
    column: int
    channel: int


@dataclass(frozen=True)
class WeightTile:
    """Weights summed together, and the part of the output that each is summed over."""

    weights: tuple[Weight, ...]
    bands: tuple[RowBand, ...]

    @property
    def unroll(self) -> bool:
        """Say whether no two weights read the same pixel at neighboring output positions."""
        return len({(weight.row, weight.column) for weight in self.weights}) == 1


def whole_tile(shape: ConvolutionShape, channels: int, most_rows: int) -> WeightTile | None:
    """Return the tile of a whole kernel that fits, over a number of channels of a block."""
    rows, columns = shape.kernel
    if rows == 1 or rows * columns * channels > most_rows:
        return None
    weights = [Weight(*place) for place in product(range(rows), range(columns), range(channels))]
    reach = [inside(shape, 0, row) for row in range(rows)]
    bands = []
    for first, last in _between_ends(reach, shape.output[0]):
        live = {row for row, (start, end) in enumerate(reach) if start <= first and last <= end}
        bands.append(RowBand(first, last, _segments(shape, weights, live)))
    return WeightTile(tuple(weights), tuple(bands))


def tiles(shape: ConvolutionShape, channels: int, most_rows: int) -> list[WeightTile]:
    """Split one row of the kernel, over a number of channels of a block, into tiles.

    Where a block is full every column of the kernel has tiles of its own. A few channels do not fill a tile:
    then all columns of the kernel lie in one sequence, which is cut.
    """
    columns = range(shape.kernel[1])
    if channels * 2 > most_rows:
        sequences = [[Weight(0, column, channel) for channel in range(channels)] for column in columns]
    else:
        sequences = [[Weight(0, column, channel) for column in columns for channel in range(channels)]]
    found = []
    for sequence in sequences:
        at = 0
        for size in evenly(len(sequence), most_rows):
            weights = sequence[at : at + size]
            segments = _segments(shape, weights, {0})
            found.append(WeightTile(tuple(weights), (RowBand(0, shape.output[0], segments),)))
            at += size
    return found


def _segments(shape: ConvolutionShape, weights: Sequence[Weight], rows: set[int]) -> tuple[ColumnSegment, ...]:
    """Split the output's columns where the set of weights that read inside the image changes."""
    reach = {
        number: inside(shape, 1, weight.column) for number, weight in enumerate(weights) if weight.row in rows
    }
    found = []
    for first, last in _between_ends(list(reach.values()), shape.output[1]):
        live = tuple(number for number, (start, end) in reach.items() if start <= first and last <= end)
        if live:
            found.append(ColumnSegment(first, last, live))
    return tuple(found)


def _between_ends(ranges: Sequence[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Split 0 … size wherever one of the ranges begins or ends."""
    return list(
        pairwise(sorted({0, size, *(end for first, last in ranges if first < last for end in (first, last))}))
    )


def inside(shape: ConvolutionShape, axis: int, tap: int) -> tuple[int, int]:
    """Return the positions on an output axis at which a row or column of the kernel is inside the image."""
    shift, stride = tap * shape.dilation[axis] - shape.before[axis], shape.stride[axis]
    size = (shape.height, shape.width)[axis]
    return max(0, -(shift // stride)), min(shape.output[axis], (size - 1 - shift) // stride + 1)


def rows_inside(shape: ConvolutionShape, tap: Bound, rows: Bounds) -> Bounds:
    """Return the output rows at which a row of the kernel is inside the image."""
    stride, shift = shape.stride[0], shape.before[0] - tap * shape.dilation[0]
    first = maximum(shift + (stride - 1), 0) // stride
    last = maximum(shift + (shape.height - 1 + stride), 0) // stride
    return maximum(first, rows[0]), minimum(last, rows[1])


def joined_rows(shape: ConvolutionShape) -> ConvolutionShape:
    """Return a 1×1 convolution as one over long rows: consecutive pixels may be of several rows."""
    plain = (shape.kernel, shape.stride, shape.before) == ((1, 1), (1, 1), (0, 0))
    if not plain or shape.output != (shape.height, shape.width):
        return shape
    pixels = shape.height * shape.width
    width = max(n for n in range(1, max(LONGEST_ROW, shape.width) + 1) if pixels % n == 0)
    return replace(shape, height=pixels // width, width=width, output=(pixels // width, width))


def filters_at_once(shape: ConvolutionShape) -> int:
    """Return how many filter blocks a tile has; with groups each block reads different channel blocks."""
    if shape.groups > 1:
        return 1
    return next(count for count in (2, 3, 1) if shape.filter_blocks % count == 0)


@dataclass(frozen=True)
class Chunks:
    """Output rows processed together: `rows` of one image, or all of `images` images."""

    rows: int
    per_image: int
    images: int

    def bounds(self, unit: Index, last: Index, height: int) -> tuple[Bounds, Bounds]:
        """Return the images, and the rows of each, of a chunk from one unit to another."""
        if self.per_image == 1:
            return (unit, last), (0, height)
        image, first = unit // self.per_image, unit % self.per_image * self.rows
        return (image, image + 1), (first, minimum(first + self.rows, height))


def chunks(shape: ConvolutionShape, filter_blocks: int, channels: int) -> Chunks:
    """Return chunks whose operands fit into the L1 cache."""
    rows_of_x = min(shape.stride[0], shape.height)
    row_floats = shape.output[1] * filter_blocks * shape.lanes + rows_of_x * shape.width * channels
    rows = max(1, min(shape.output[0], NEAR_FLOATS // row_floats))
    per_image = -(-shape.output[0] // rows)
    rows = -(-shape.output[0] // per_image)
    images = max(1, NEAR_FLOATS // (row_floats * shape.output[0])) if per_image == 1 else 1
    return Chunks(rows, -(-shape.output[0] // rows), images)


def slices_for(shape: ConvolutionShape) -> int:
    """Return the number of parts of a weight gradient: 1 if there are enough other work items."""
    if shape.depthwise:
        cells = shape.channel_blocks
    else:
        cells = shape.filter_blocks // filters_at_once(shape) * shape.channel_blocks
    slices = 1
    while slices * cells < FEWEST_ITEMS and slices < FEWEST_ITEMS:
        slices *= 2
    return slices


__all__ = ["ConvolutionWeightGradient", "slices_for"]


@dataclass(frozen=True)
class ConvolutionWeightGradient(Kernel):
    """Sum dy · x over pixels and images, in `slices` parts.

    A tile of weights stays in registers while a chunk of rows passes; then it is added to what memory holds.
    The errors of these two levels are those of sums of some hundred numbers. In groups, what lies
    between two groups is summed as well; `GroupMask` clears it.

    Shapes:   x (n, c, h, w) plain or blocked, dy blocked → parts (slices, weights in `weights_layout`)
    Formula:  dw[f, c, i, j] = Σ over n, p, q of dy[n, f, p, q] · x[n, c, p·stride + i·dilation − before, …]
    """

    shape: ConvolutionShape
    plain_input: bool
    slices: int

    def __post_init__(self) -> None:
        if self.plain_input and self.shape.groups > 1:
            raise ValueError("a weight gradient in groups reads images in blocks")

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "dy", "parts")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)

    def items(self, batch: int) -> int:
        """Return the number of parts times cells: pairs of filter blocks and a channel block."""
        return self.slices * self._cells

    @property
    def _cells(self) -> int:
        return self.shape.filter_blocks // filters_at_once(self.shape) * self._blocks

    @property
    def _blocks(self) -> int:
        """Return the channel blocks that a filter block has weights for."""
        layout = blocks_layout(self.shape.filters, self.shape.channels, self.shape)
        return layout.seen if isinstance(layout, GroupedFilterBlocks) else self.shape.channel_blocks

    def write(self, code: Code) -> None:
        full = self.shape.channels // self.shape.lanes if self.shape.groups == 1 else self._blocks
        rest = self.shape.channels % self.shape.lanes if self.shape.groups == 1 else 0
        own = min(self.shape.lanes, self.shape.channels)
        with code.loop(code.first, code.last) as item:
            part, cell = item.index // self._cells, item.index % self._cells
            filters, block = cell // self._blocks, cell % self._blocks
            if full:
                with code.when(block < full if rest else True):
                    _Cell(code, self, own, part, filters, block).write()
            if rest:
                with code.when(block >= full if full else True):
                    _Cell(code, self, rest, part, filters, block).write()


class _Cell:
    """The weights from one channel block to a few filter blocks, being written."""

    def __init__(
        self,
        code: Code,
        kernel: ConvolutionWeightGradient,
        channels: int,
        part: Index,
        filters: Index,
        block: Index,
    ) -> None:
        self.code, self.channels, self.part, self.filters = code, channels, part, filters
        self.slices, self.plain = kernel.slices, kernel.plain_input
        self.shape = shape = joined_rows(kernel.shape)
        self.vectors = filters_at_once(shape)
        self.layout = blocks_layout(shape.filters, shape.channels, shape)
        lanes, pixels = shape.lanes, shape.height * shape.width
        out_pixels = shape.output[0] * shape.output[1]
        self.channel, self.column = (pixels, 1) if self.plain else (1, lanes)
        self.row = shape.width * self.column
        self.image = pixels * (shape.channels if self.plain else shape.channel_blocks * lanes)
        self.dy_image, self.dy_block = shape.filter_blocks * out_pixels * lanes, out_pixels * lanes
        source = block
        if isinstance(self.layout, GroupedFilterBlocks):
            source = block + self.layout.first_block(filters * self.vectors)
        self.x = code.pointer("x") + source * (pixels * lanes)
        self.dy = code.pointer("dy") + filters * (self.vectors * self.dy_block)
        taps = shape.kernel[0] * shape.kernel[1]
        own = min(lanes, shape.channels)
        start = part * self.layout.floats + filters * (self.vectors * self.layout.block_floats)
        self.out = code.pointer("parts") + start + block * (taps * own * lanes)
        self.tap_floats = channels * lanes

    def write(self) -> None:
        code, shape = self.code, self.shape
        kernel_floats = shape.kernel[0] * shape.kernel[1] * self.tap_floats
        with code.loop(0, kernel_floats, shape.lanes) as at:
            for vector in range(self.vectors):
                self.out.store(code.constant(0), at.index + vector * self.layout.block_floats)
        cut = chunks(shape, self.vectors, self.channels if self.plain else shape.lanes)
        units = code.number("batch") * cut.per_image
        first, last = units * self.part // self.slices, units * (self.part + 1) // self.slices
        with code.loop(first, last, cut.images) as unit:
            self._chunk(cut, unit.index, minimum(unit.index + cut.images, last))

    def _chunk(self, cut: Chunks, unit: Index, last: Index) -> None:
        """Add one chunk to all weights of the cell."""
        shape = self.shape
        images, rows = cut.bounds(unit, last, shape.output[0])
        most = most_rows(self.code.target, self.vectors)
        whole = whole_tile(shape, self.channels, most)
        if whole is not None:
            self._tile(whole, 0, images, rows)
            return
        with self.code.loop(0, shape.kernel[0]) as tap:
            inside = rows_inside(shape, tap.index, rows)
            for tile in tiles(shape, self.channels, most):
                self._tile(tile, tap.index, images, inside)

    def _tile(self, tile: WeightTile, tap: Bound, images: Bounds, rows: Bounds) -> None:
        """Sum one tile over images and rows, and add it to memory."""
        code, shape = self.code, self.shape
        with code.loop(*images, carry=code.zeros(len(tile.weights) * self.vectors)) as image:
            x, dy = self.x + image.index * self.image, self.dy + image.index * self.dy_image
            sums = image.values
            for band in tile.bands:
                first, last = maximum(rows[0], band.first), minimum(rows[1], band.last)
                if not band.segments or (isinstance(first, int) and isinstance(last, int) and first >= last):
                    continue
                with code.loop(first, last, carry=sums) as row:
                    row_of_x = row.index * shape.stride[0] + tap * shape.dilation[0] - shape.before[0]
                    at_dy = dy + row.index * (shape.output[1] * shape.lanes)
                    row.next(self._row(tile, band, row.values, x + row_of_x * self.row, at_dy))
                sums = row.results
            image.next(sums)
        at = self.out + tap * (shape.kernel[1] * self.tap_floats)
        for number, weight in enumerate(tile.weights):
            place = (weight.row * shape.kernel[1] + weight.column) * self.tap_floats + weight.channel * shape.lanes
            for vector in range(self.vectors):
                offset = place + vector * self.layout.block_floats
                total: Vector = image.results[number * self.vectors + vector]
                at.store(at.load(offset) + self._filters_only(total, vector), offset)

    def _filters_only(self, total: Vector, vector: int) -> Vector:
        """Mask lanes after the last filter, where a non-finite x gives NaN although dy is zero."""
        if self.shape.filters % self.shape.lanes == 0 or vector < self.vectors - 1:
            return total
        left = self.shape.filters - (self.filters * self.vectors + vector) * self.shape.lanes
        return self.code.first_lanes(left).select(total, 0)

    def _row(
        self, tile: WeightTile, band: RowBand, totals: Sequence[Vector], x: Pointer, dy: Pointer
    ) -> list[Vector]:
        """Add one row of the output to a tile."""
        shape, sums, width = self.shape, list(totals), self.vectors
        for segment in band.segments:
            starts = []
            for number in segment.rows:
                weight = tile.weights[number]
                shift = weight.column * shape.dilation[1] - shape.before[1] + segment.first * shape.stride[1]
                row = weight.row * shape.dilation[0] * self.row
                starts.append(row + shift * self.column + weight.channel * self.channel)
            vectors = [segment.first * shape.lanes + vector * self.dy_block for vector in range(width)]
            operands = Operands(starts, shape.stride[1] * self.column, vectors, shape.lanes)
            places = [number * width + vector for number in segment.rows for vector in range(width)]
            depth = segment.last - segment.first
            unroll = _unroll(depth) if tile.unroll else 1
            chosen = [sums[place] for place in places]
            added = accumulate(self.code, chosen, x, dy, operands, depth, unroll)
            for place, total in zip(places, added, strict=True):
                sums[place] = total
        return sums


def _unroll(depth: int) -> int:
    """Return how many pixels to unroll, so that the remainder and the code stay small."""
    return min(range(3, 8), key=lambda count: (count + depth % count if depth >= count else depth, -count))
