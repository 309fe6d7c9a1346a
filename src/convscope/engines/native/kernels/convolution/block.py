"""One tile of a direct convolution being written, from the first tap to memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...ir import Index, Pointer, Vector, fma, maximum, minimum
from ...layout import GroupedFilterBlocks
from ..common.gemm_tile import Operands, accumulate
from .axes import Axis, Strip, TapRun, runs

if TYPE_CHECKING:
    from .direct import Piece

UNROLL = 1
"""Steps of the depth written in a row: a tile is work enough to hide a loop's cost, and more steps only spill."""


LONGEST_SUM = 384
"""Products in one running sum, before it joins those in memory."""

Blocks = Callable[["int | Index", "int | Index", Sequence[Vector]], list[Vector]]
"""Adds the channel blocks from one up to another to sums."""


@dataclass(frozen=True)
class Phase:
    """One phase of an axis: the offsets of its results and weights."""

    axis: Axis
    number: Any

    @property
    def start(self) -> Any:
        """Return the position of the first result."""
        return self.number + self.axis.start

    def weight(self, tap: Any) -> Any:
        """Return the index of a tap's weight."""
        return tap * self.axis.tap_step + self.number + self.axis.first_tap


@dataclass(frozen=True)
class ResultBlock:
    """One tile being written: results in registers, from the first tap to memory."""

    piece: Piece
    rows: Phase
    columns: Phase
    row: Any
    column: Any
    high: Strip
    wide: Strip

    @property
    def pixels(self) -> list[tuple[int, int]]:
        """Return the tile's results, row by row."""
        return [(row, column) for row in range(self.high.size) for column in range(self.wide.size)]

    def write(self) -> None:
        loops, code = self.piece.loops, self.piece.code
        step = loops.source
        at = self.piece.source + (self.row * self.rows.axis.stride + self.rows.axis.offset) * step.row
        at = at + (self.column * self.columns.axis.stride + self.columns.axis.offset) * step.column
        totals = self._start()
        layout, taps = loops.weights, loops.weights.kernel[0] * loops.weights.kernel[1]
        whole, depth, tail = self._depths()
        weights = self.piece.weights

        def blocks(first: int | Index, last: int | Index, sums: Sequence[Vector]) -> list[Vector]:
            with code.loop(first, last, carry=sums) as block:
                left = at + block.index * step.block
                right = weights + block.index * (taps * depth * layout.lanes)
                block.next(self._taps(block.values, left, right, depth))
            return block.results

        if self.rows.axis.taps and self.columns.axis.taps:
            chunk = self._chunk(taps * depth)
            if 0 < whole <= chunk:
                totals = blocks(0, whole, totals)
            elif whole:
                totals = self._in_chunks(whole, chunk, totals, blocks)
            if tail:
                left, right = at + whole * step.block, weights + whole * (taps * depth * layout.lanes)
                totals = self._taps(totals, left, right, tail)
        self._finish(totals)

    def _chunk(self, products: int) -> int:
        """Return how many channel blocks of that many products are summed without a break."""
        return max(LONGEST_SUM // products, 1)

    def _in_chunks(self, whole: int, chunk: int, totals: list[Vector], blocks: Blocks) -> list[Vector]:
        """Sum chunks of channel blocks separately, and accumulate in memory, since long sums lose precision."""
        code, vectors, step = self.piece.code, self.piece.vectors, self.piece.loops.target
        target = self._target(code.pointer(self.piece.loops.names[2]))
        places = [place + vector * step.block for place in self._places() for vector in range(vectors)]
        for place, total in zip(places, totals, strict=True):
            target.store(total, place)
        with code.loop(0, whole, chunk) as start:
            last = start.index + chunk if whole % chunk == 0 else minimum(start.index + chunk, whole)
            for place, own in zip(places, blocks(start.index, last, code.zeros(len(totals))), strict=True):
                target.store(target.load(place) + own, place)
        return [target.load(place) for place in places]

    def _depths(self) -> tuple[int, int, int]:
        """Return the number of whole channel blocks, their channels, and the channels of one more."""
        layout = self.piece.loops.weights
        if isinstance(layout, GroupedFilterBlocks):
            return layout.seen, layout.block_channels, 0
        return layout.channels // layout.lanes, layout.lanes, layout.channels % layout.lanes

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

    def _row_runs(self) -> list[tuple[TapRun, Any, Any]]:
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
        return [(TapRun(0, axis.taps, (0,)), low, high)]

    def _row(
        self, totals: Sequence[Vector], source: Pointer, weights: Pointer, depth: int, live_rows: Sequence[int]
    ) -> list[Vector]:
        """Add the taps of one kernel row."""
        step, code, vectors = self.piece.loops.source, self.piece.code, self.piece.vectors
        lanes = self.piece.loops.weights.lanes
        sums = list(totals)
        for run in runs(self.wide.mask):
            pixels = [row * self.wide.size + column for row in live_rows for column in run.live]
            places = [pixel * vectors + vector for pixel in pixels for vector in range(vectors)]
            rows = [
                row * self.rows.axis.stride * step.row + column * self.columns.axis.stride * step.column
                for row in live_rows
                for column in run.live
            ]
            with code.loop(run.first, run.first + run.count, carry=[sums[place] for place in places]) as tap:
                left = source + tap.index * (self.columns.axis.spread * step.column)
                right = weights + self.columns.weight(tap.index) * (depth * lanes)
                tap.next(self._products(tap.values, left, right, rows, depth))
            for place, total in zip(places, tap.results, strict=True):
                sums[place] = total
        return sums

    def _target(self, pointer: Pointer) -> Pointer:
        """Return the offset of the tile's first result in an array of the output's layout."""
        step = self.piece.loops.target
        at: Index = self.piece.image * step.image + self.piece.first * step.block
        at = at + (self.row * self.rows.axis.step + self.rows.start) * step.row
        at = at + (self.column * self.columns.axis.step + self.columns.start) * step.column
        return pointer + at

    def _places(self) -> list[int]:
        """Return the offset of each result from the first one."""
        step, high, wide = self.piece.loops.target, self.rows.axis.step, self.columns.axis.step
        return [row * high * step.row + column * wide * step.column for row, column in self.pixels]

    def _products(
        self, totals: Sequence[Vector], source: Pointer, weights: Pointer, rows: Sequence[int], depth: int
    ) -> list[Vector]:
        """Add one tap of the tile's live results, which read at `rows`."""
        layout = self.piece.loops.weights
        vectors = [vector * layout.block_floats for vector in range(self.piece.vectors)]
        operands = Operands(rows, self.piece.loops.source.channel, vectors, layout.lanes)
        if depth == UNROLL:
            source = self.piece.code.launder(source)
        return accumulate(self.piece.code, totals, source, weights, operands, depth, UNROLL)

    def _finish(self, totals: Sequence[Vector]) -> None:
        """Add the residual, apply the activation function, mask padding lanes and store.

        A heavy function comes after, on results that are still in the nearest cache.
        """
        loops, code, vectors, step = self.piece.loops, self.piece.code, self.piece.vectors, self.piece.loops.target
        target = self._target(code.pointer(loops.names[2]))
        residual = self._target(code.pointer("residual")) if loops.residual else None
        later = loops.activation is not None and loops.activation.heavy
        for pixel, place in enumerate(self._places()):
            for vector in range(vectors):
                total = totals[pixel * vectors + vector]
                if residual is not None:
                    total = total + residual.load(place + vector * step.block)
                if not later:
                    total = self._activated(total, vector)
                target.store(total, place + vector * step.block)
        if later:
            self._activate(target)

    def _activated(self, total: Vector, vector: int | Index) -> Vector:
        """Return the function of a sum, with zeros in padding lanes."""
        loops, code = self.piece.loops, self.piece.code
        filters, lanes = loops.weights.filters, loops.weights.lanes
        value = total if loops.activation is None else loops.activation.of(code, total)
        if filters % lanes:
            left = (self.piece.first + vector) * -lanes + filters
            value = code.first_lanes(left).select(value, code.constant(0))
        return value

    def _activate(self, target: Pointer) -> None:
        """Apply the function to the stored results."""
        code, step = self.piece.code, self.piece.loops.target
        down, across = self.rows.axis.step * step.row, self.columns.axis.step * step.column
        with (
            code.loop(0, self.piece.vectors) as vector,
            code.loop(0, self.high.size) as row,
            code.loop(0, self.wide.size) as column,
        ):
            place = target + vector.index * step.block + row.index * down + column.index * across
            place.store(self._activated(place.load(), vector.index))


@dataclass(frozen=True)
class AcrossBlock(ResultBlock):
    """A tile whose sums are spread over lanes: one vector per result and channel, reduced at the end."""

    def _chunk(self, products: int) -> int:
        """Return that all blocks are summed without a break, as lanes separate the sums."""
        return self._depths()[0]

    def _depths(self) -> tuple[int, int, int]:
        """Return the blocks that are read; each has weights for every output channel."""
        layout = self.piece.loops.weights
        return layout.filter_blocks, layout.channels, 0

    def _start(self) -> list[Vector]:
        return self.piece.code.zeros(self.piece.vectors * len(self.pixels))

    def _products(
        self, totals: Sequence[Vector], source: Pointer, weights: Pointer, rows: Sequence[int], depth: int
    ) -> list[Vector]:
        lanes = self.piece.loops.weights.lanes
        source = self.piece.code.launder(source)
        columns = [weights.load(channel * lanes) for channel in range(depth)]
        images = [source.load(row) for row in rows]
        return [fma(images[at // depth], columns[at % depth], total) for at, total in enumerate(totals)]

    def _finish(self, totals: Sequence[Vector]) -> None:
        loops, code, count = self.piece.loops, self.piece.code, self.piece.vectors
        lane, target = code.lane_numbers(), self._target(code.pointer(loops.names[2]))
        for pixel, place in enumerate(self._places()):
            result = code.constant(0)
            for channel in range(count):
                result = lane.eq(channel).select(totals[pixel * count + channel].reduce_sum(), result)
            if loops.bias:
                result = result + code.pointer("bias").load()
            if loops.activation is not None:
                result = loops.activation.of(code, result)
                if not loops.activation.keeps_zero:
                    result = code.first_lanes(count).select(result, code.constant(0))
            target.store(result, place)
