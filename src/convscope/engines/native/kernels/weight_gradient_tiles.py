"""How a weight gradient is cut: tiles of weights stay in registers, chunks of rows in the nearest cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..vector import Index, maximum, minimum
from .gemm_tile import evenly
from .shapes import ConvolutionShape

Bound = int | Index
Bounds = tuple[Bound, Bound]

NEAR_FLOATS = 9_000
"""Floats of both operands that a chunk may have: 36 kB, so that they stay in the nearest cache."""
LONGEST_ROW = 256
"""Columns of a row at most, where rows of a picture are joined."""
FEWEST_ITEMS = 16
"""Work items that a layer should have at least, and parts that its batch is cut into at most."""


@dataclass(frozen=True)
class Segment:
    """Columns first up to last, in which the same rows of a tile read inside the picture."""

    first: int
    last: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Tile:
    """Weights summed at once: each row is (column of the kernel, channel within its block)."""

    rows: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]

    @property
    def taps(self) -> int:
        """Return how many columns of the kernel take part."""
        return len({tap for tap, _ in self.rows})


def tiles(shape: ConvolutionShape, channels: int, most_rows: int) -> list[Tile]:
    """Cut one row of the kernel, over so many channels of a block, into tiles.

    Where a block is full every column of the kernel has tiles of its own. A few channels do not fill a tile:
    then all columns of the kernel lie in one sequence, which is cut.
    """
    columns = range(shape.kernel[1])
    if channels * 2 > most_rows:
        sequences = [[(column, channel) for channel in range(channels)] for column in columns]
    else:
        sequences = [[(column, channel) for column in columns for channel in range(channels)]]
    found = []
    for sequence in sequences:
        at = 0
        for size in evenly(len(sequence), most_rows):
            rows = tuple(sequence[at : at + size])
            found.append(Tile(rows, tuple(_segments(shape, rows))))
            at += size
    return found


def _segments(shape: ConvolutionShape, rows: Sequence[tuple[int, int]]) -> list[Segment]:
    """Cut the output's columns where the set of rows that read inside the picture changes."""
    reach = [columns_inside(shape, column) for column, _ in rows]
    cuts = sorted({end for first, last in reach if first < last for end in (first, last)})
    found = []
    for first, last in pairwise(cuts):
        inside = tuple(n for n, (start, end) in enumerate(reach) if start <= first and last <= end)
        if inside:
            found.append(Segment(first, last, inside))
    return found


def columns_inside(shape: ConvolutionShape, column: int) -> tuple[int, int]:
    """Return the output's columns at which a column of the kernel lies inside the picture."""
    shift = column * shape.dilation[1] - shape.before[1]
    stride = shape.stride[1]
    first = max(0, -(shift // stride))
    return first, min(shape.output[1], (shape.width - 1 - shift) // stride + 1)


def rows_inside(shape: ConvolutionShape, tap: Bound, rows: Bounds) -> Bounds:
    """Return those of some rows of the output at which a row of the kernel lies inside the picture."""
    stride, shift = shape.stride[0], shape.before[0] - tap * shape.dilation[0]
    first = maximum(shift + (stride - 1), 0) // stride
    last = maximum(shift + (shape.height - 1 + stride), 0) // stride
    return maximum(first, rows[0]), minimum(last, rows[1])


def joined_rows(shape: ConvolutionShape) -> ConvolutionShape:
    """Return a 1×1 convolution over long rows: pixels that follow each other need not be of one row."""
    plain = (shape.kernel, shape.stride, shape.before) == ((1, 1), (1, 1), (0, 0))
    if not plain or shape.output != (shape.height, shape.width):
        return shape
    pixels = shape.height * shape.width
    width = max(n for n in range(1, max(LONGEST_ROW, shape.width) + 1) if pixels % n == 0)
    return replace(shape, height=pixels // width, width=width, output=(pixels // width, width))


def filters_at_once(shape: ConvolutionShape) -> int:
    """Return how many filter blocks a tile has; in groups each block reads channel blocks of its own."""
    if shape.groups > 1:
        return 1
    return next(count for count in (2, 3, 1) if shape.filter_blocks % count == 0)


@dataclass(frozen=True)
class Chunks:
    """Rows of the output that are worked off together: `rows` of one picture, or all of `images` pictures."""

    rows: int
    per_image: int
    images: int

    def bounds(self, unit: Index, last: Index, height: int) -> tuple[Bounds, Bounds]:
        """Return the pictures, and the rows of each, of a chunk from one unit to another."""
        if self.per_image == 1:
            return (unit, last), (0, height)
        image, first = unit // self.per_image, unit % self.per_image * self.rows
        return (image, image + 1), (first, minimum(first + self.rows, height))


def chunks(shape: ConvolutionShape, filter_blocks: int, channels: int) -> Chunks:
    """Return chunks whose operands fit together into the nearest cache."""
    rows_of_x = min(shape.stride[0], shape.height)
    row_floats = shape.output[1] * filter_blocks * shape.lanes + rows_of_x * shape.width * channels
    rows = max(1, min(shape.output[0], NEAR_FLOATS // row_floats))
    per_image = -(-shape.output[0] // rows)
    rows = -(-shape.output[0] // per_image)
    images = max(1, NEAR_FLOATS // (row_floats * shape.output[0])) if per_image == 1 else 1
    return Chunks(rows, -(-shape.output[0] // rows), images)


def slices_for(shape: ConvolutionShape) -> int:
    """Return how many parts a layer's weight gradient is summed in: 1 where other work is enough to share."""
    if shape.depthwise:
        cells = shape.channel_blocks
    else:
        cells = shape.filter_blocks // filters_at_once(shape) * shape.channel_blocks
    slices = 1
    while slices * cells < FEWEST_ITEMS and slices < FEWEST_ITEMS:
        slices *= 2
    return slices
