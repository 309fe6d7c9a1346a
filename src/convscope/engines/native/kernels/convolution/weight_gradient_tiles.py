"""Blocking of a weight gradient: tiles of weights in registers, chunks of rows in the L1 cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

from ...ir import Index, maximum, minimum
from ..common.gemm_tile import evenly
from ..common.shapes import ConvolutionShape

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
