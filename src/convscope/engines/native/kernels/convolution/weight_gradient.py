"""The gradient of a convolution's weights: sums over all pixels of all images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, Vector, maximum, minimum
from ...layout import GroupedFilterBlocks
from ..common.gemm_tile import Operands, accumulate, most_rows
from ..common.shapes import ConvolutionShape
from .weight_gradient_tiles import (
    Bound,
    Bounds,
    Chunks,
    RowBand,
    WeightTile,
    chunks,
    filters_at_once,
    joined_rows,
    rows_inside,
    slices_for,
    tiles,
    whole_tile,
)
from .weights import blocks_layout

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
