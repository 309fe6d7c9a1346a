"""The loops of a direct convolution, forward and input gradient alike, around the tile in registers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..layout import FilterBlocks, GroupedFilterBlocks
from ..vector import Code, Index, Pointer, Vector, maximum, minimum
from .convolution_axes import Axis, Run, Strip, runs, strips
from .convolution_tiles import Tile
from .gemm_tile import Operands, accumulate, evenly

NEAR_FLOATS = 1 << 16
"""Floats of a picture that are worked on in one go: a quarter of a megabyte stays near, with weights beside it."""
FAR_FLOATS = 1 << 18
"""Weights beyond a megabyte are read once for many pictures, not once for each."""
ENOUGH_ITEMS = 32
"""Pieces of work for one picture, so that several threads have equal shares of it."""


@dataclass(frozen=True)
class Strides:
    """Floats from one picture, block, row, column or channel to the next."""

    image: int
    block: int
    row: int
    column: int
    channel: int

    @staticmethod
    def blocked(blocks: int, height: int, width: int, lanes: int) -> Strides:
        """Return the strides of pictures in blocks."""
        return Strides(blocks * height * width * lanes, height * width * lanes, width * lanes, lanes, 1)

    @staticmethod
    def plain(channels: int, height: int, width: int, lanes: int) -> Strides:
        """Return the strides of pictures (n, c, h, w)."""
        return Strides(channels * height * width, lanes * height * width, width, 1, height * width)


def same_source_blocks(weights: FilterBlocks | GroupedFilterBlocks) -> int:
    """Return how many filter blocks in a row read the same channel blocks."""
    if isinstance(weights, FilterBlocks):
        return weights.filter_blocks
    whole = weights.group_filters % weights.lanes == 0
    return weights.group_filters // weights.lanes if whole else 1


@dataclass(frozen=True)
class Loops:
    """A direct convolution from `source` to `target`, and what is done to each result before it is written."""

    weights: FilterBlocks | GroupedFilterBlocks
    rows: tuple[Axis, ...]
    columns: tuple[Axis, ...]
    source: Strides
    target: Strides
    tile: Tile
    names: tuple[str, str, str]
    bias: bool
    relu: bool
    residual: bool

    @property
    def cuts(self) -> list[int]:
        """Return the filter blocks of a group of filters, cut into what one tile takes."""
        return evenly(self.group_blocks, self.tile.vectors)

    @property
    def group_blocks(self) -> int:
        """Return the filter blocks that read the same channel blocks."""
        return same_source_blocks(self.weights)

    @property
    def pieces(self) -> int:
        """Return the number of cuts of all filters."""
        return self.weights.filter_blocks // self.group_blocks * len(self.cuts)

    @property
    def by_rows(self) -> bool:
        """Say whether pictures are cut between rows; one long row is cut within."""
        return max(axis.count for axis in self.rows) > 1

    @property
    def chunks(self) -> int:
        """Return the parts that a picture is cut into."""
        most = self.tile.rows if self.by_rows else self.tile.columns
        axes = self.rows if self.by_rows else self.columns
        tiles = min(len(evenly(axis.count, most)) for axis in axes)
        near = -(-self.source.image // NEAR_FLOATS)
        return min(tiles, max(near, -(-ENOUGH_ITEMS // self.pieces)))

    @property
    def weights_first(self) -> bool:
        """Say whether all pictures meet one cut of the filters before the next cut."""
        return self.weights.floats > FAR_FLOATS

    def items(self, batch: int) -> int:
        """Return the number of pieces of work."""
        return batch * self.chunks * self.pieces

    def write(self, code: Code) -> None:
        """Write the code for a kernel's work items."""
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
    """One work item being written: some filter blocks, from `first` on, over one part of one picture."""

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
        """Write all phases, one after the other."""
        for rows in self.loops.rows:
            for columns in self.loops.columns:
                with self.code.loop(0, rows.phases) as high, self.code.loop(0, columns.phases) as wide:
                    self._phase(_Phase(rows, high.index), _Phase(columns, wide.index))

    def _phase(self, rows: _Phase, columns: _Phase) -> None:
        loops = self.loops
        row_strips = _alike(rows.axis) if loops.tile.rows == 1 else strips(rows.axis, loops.tile.rows)
        column_strips = strips(columns.axis, loops.tile.columns)
        for high in row_strips:
            with self._tiles(high, row_strips, cut=loops.by_rows) as row:
                for wide in column_strips:
                    with self._tiles(wide, column_strips, cut=not loops.by_rows) as column:
                        _Block(self, rows, columns, row, column, high, wide).write()

    @contextmanager
    def _tiles(self, strip: Strip, all_strips: Sequence[Strip], cut: bool) -> Iterator[Any]:
        """Loop over a strip's tiles, those of this part of the picture; give the first result of each."""
        first, last = strip.first_tile, strip.first_tile + strip.count
        low: Any = first
        high: Any = last
        if cut and self.loops.chunks > 1:
            tiles = sum(one.count for one in all_strips)
            low = maximum(self.chunk * tiles // self.loops.chunks, first)
            high = minimum((self.chunk + 1) * tiles // self.loops.chunks, last)
        with self.code.loop(low, high) as tile:
            yield (tile.index - first) * strip.size + strip.start


@dataclass(frozen=True)
class _Phase:
    """One phase of an axis: where its results and its weights begin."""

    axis: Axis
    number: Any

    @property
    def start(self) -> Any:
        """Return the place of the first result."""
        return self.number + self.axis.start

    def weight(self, tap: Any) -> Any:
        """Return the number of the weight that a tap takes."""
        return tap * self.axis.tap_step + self.number + self.axis.first_tap


def _alike(axis: Axis) -> list[Strip]:
    """Return single rows as one strip; their taps are found while the kernel runs."""
    return [Strip(0, 1, axis.count, 0, ((True,),) * axis.taps)]


@dataclass(frozen=True)
class _Block:
    """One tile being written: results in registers, from the first tap to memory."""

    piece: Piece
    rows: _Phase
    columns: _Phase
    row: Any
    column: Any
    high: Strip
    wide: Strip

    @property
    def pixels(self) -> list[tuple[int, int]]:
        """Return the tile's results, row by row."""
        return [(row, column) for row in range(self.high.size) for column in range(self.wide.size)]

    def write(self) -> None:
        """Write the tile."""
        loops, code = self.piece.loops, self.piece.code
        step = loops.source
        at = self.piece.source + (self.row * self.rows.axis.stride + self.rows.axis.offset) * step.row
        at = at + (self.column * self.columns.axis.stride + self.columns.axis.offset) * step.column
        totals = self._start()
        layout, taps = loops.weights, loops.weights.kernel[0] * loops.weights.kernel[1]
        if isinstance(layout, GroupedFilterBlocks):
            whole, depth, tail = layout.seen, layout.block_channels, 0
        else:
            whole, depth = layout.channels // layout.lanes, layout.lanes
            tail = layout.channels % layout.lanes
        weights = self.piece.weights
        if self.rows.axis.taps and self.columns.axis.taps:
            if whole:
                with code.loop(0, whole, carry=totals) as block:
                    left, right = (
                        at + block.index * step.block,
                        weights + block.index * (taps * depth * layout.lanes),
                    )
                    block.next(self._taps(block.values, left, right, depth))
                totals = block.results
            if tail:
                left, right = at + whole * step.block, weights + whole * (taps * depth * layout.lanes)
                totals = self._taps(totals, left, right, tail)
        self._finish(totals)

    def _start(self) -> list[Vector]:
        code, loops, lanes = self.piece.code, self.piece.loops, self.piece.loops.weights.lanes
        if not loops.bias:
            return code.zeros(self.piece.vectors * len(self.pixels))
        bias = code.pointer("bias") + self.piece.first * lanes
        return [bias.load(vector * lanes) for vector in range(self.piece.vectors)] * len(self.pixels)

    def _taps(self, totals: Sequence[Vector], source: Pointer, weights: Pointer, depth: int) -> list[Vector]:
        """Add all taps of one channel block."""
        step, code = self.piece.loops.source, self.piece.code
        row_floats = self.piece.loops.weights.kernel[1] * depth * self.piece.loops.weights.lanes
        sums = list(totals)
        for run, low, high in self._row_runs():
            with code.loop(low, high, carry=sums) as tap:
                left = source + tap.index * (self.rows.axis.spread * step.row)
                right = weights + self.rows.weight(tap.index) * row_floats
                tap.next(self._row(tap.values, left, right, depth, run.live))
            sums = tap.results
        return sums

    def _row_runs(self) -> list[tuple[Run, Any, Any]]:
        """Return runs of taps along the rows, with bounds."""
        axis = self.rows.axis
        if self.high.size > 1 or not axis.padded or isinstance(self.row, int):
            mask = self.high.mask
            if isinstance(self.row, int):
                mask = tuple(
                    tuple(axis.reads(self.row + row, tap) for row in range(self.high.size))
                    for tap in range(axis.taps)
                )
            return [(run, run.first, run.first + run.count) for run in runs(mask)]
        at = self.row * axis.stride + axis.offset
        low = maximum(axis.spread - 1 - at, 0) // axis.spread
        high = minimum(maximum(axis.limit + axis.spread - 1 - at, 0) // axis.spread, axis.taps)
        return [(Run(0, axis.taps, (0,)), low, high)]

    def _row(
        self, totals: Sequence[Vector], source: Pointer, weights: Pointer, depth: int, live_rows: Sequence[int]
    ) -> list[Vector]:
        """Add the taps of one kernel row."""
        step, code, vectors = self.piece.loops.source, self.piece.code, self.piece.vectors
        lanes, block_floats = self.piece.loops.weights.lanes, self.piece.loops.weights.block_floats
        sums = list(totals)
        for run in runs(self.wide.mask):
            pixels = [row * self.wide.size + column for row in live_rows for column in run.live]
            places = [pixel * vectors + vector for pixel in pixels for vector in range(vectors)]
            rows = [
                row * self.rows.axis.stride * step.row + column * self.columns.axis.stride * step.column
                for row in live_rows
                for column in run.live
            ]
            operands = Operands(rows, step.channel, [vector * block_floats for vector in range(vectors)], lanes)
            with code.loop(run.first, run.first + run.count, carry=[sums[place] for place in places]) as tap:
                left = source + tap.index * (self.columns.axis.spread * step.column)
                right = weights + self.columns.weight(tap.index) * (depth * lanes)
                unroll = _unroll(len(places))
                if depth <= unroll or depth % unroll:
                    left = code.hidden(left)
                tap.next(accumulate(code, tap.values, left, right, operands, depth, unroll))
            for place, total in zip(places, tap.results, strict=True):
                sums[place] = total
        return sums

    def _finish(self, totals: Sequence[Vector]) -> None:
        """Add the residual, apply the ReLU, keep empty lanes empty and write."""
        loops, code, vectors, step = self.piece.loops, self.piece.code, self.piece.vectors, self.piece.loops.target
        at = self.piece.image * step.image + self.piece.first * step.block
        at = at + (self.row * self.rows.axis.step + self.rows.start) * step.row
        at = at + (self.column * self.columns.axis.step + self.columns.start) * step.column
        target = code.pointer(loops.names[2]) + at
        residual = code.pointer("residual") + at if loops.residual else None
        filters, lanes = loops.weights.filters, loops.weights.lanes
        for pixel, (row, column) in enumerate(self.pixels):
            place = row * self.rows.axis.step * step.row + column * self.columns.axis.step * step.column
            for vector in range(vectors):
                total = totals[pixel * vectors + vector]
                if residual is not None:
                    total = total + residual.load(place + vector * step.block)
                if loops.relu:
                    total = total.larger(0)
                if filters % lanes:
                    left = (self.piece.first + vector) * -lanes + filters
                    total = (code.lane_numbers() < left.to_lanes()).select(total, code.constant(0))
                target.store(total, place + vector * step.block)


def _unroll(results: int) -> int:
    """Return how many steps of the depth to write in a row: large tiles hide a loop's cost by themselves."""
    return 1 if results >= 16 else 2 if results >= 8 else 4
