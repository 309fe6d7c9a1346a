"""Rows of a depthwise convolution or of its input gradient: every vector is one pixel of a block of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector, fma, maximum, minimum
from ..common.gemm_tile import evenly
from ..convolution.axes import Axis, Strip, strips

MOST_PIXELS = 14
"""Results of a row that are summed at once: enough to hide how long each multiply-add takes."""
MOST_TAPS = 7
"""Columns of a kernel whose weights are held in registers at once."""

Bound = int | Index


def pixels_at_once(target: Target, taps: int) -> int:
    """Return how many results fit in registers next to a row of the kernel and temporaries."""
    return min(MOST_PIXELS, target.registers - passing(target) - min(taps, MOST_TAPS))


def passing(target: Target) -> int:
    """Return the registers for pixels and zeros, and for products without fused multiply-add."""
    return 3 if target.width > 4 else 6


def reaching_taps(axis: Axis, result: Bound) -> tuple[Bound, Bound]:
    """Return the taps, first and one past the last, with which a result reads inside the source."""
    if not axis.padded:
        return 0, axis.taps
    start = result * axis.stride + axis.offset
    first = maximum((axis.spread - 1) - start, 0) // axis.spread
    last = maximum((axis.limit + axis.spread - 1) - start, 0) // axis.spread
    return first, minimum(last, axis.taps)


@dataclass(frozen=True)
class Image:
    """One block of channels of an image in memory."""

    at: Pointer
    width: int


@dataclass(frozen=True)
class Finish:
    """The epilogue of each sum, applied before it is stored, or right after if `heavy`."""

    value: Callable[[Vector], Vector]
    heavy: bool


@dataclass(frozen=True)
class Rows:
    """Results of one block of channels: sums over taps of source · weight.

    `columns` are the phases of a row; `taps` are the columns of the whole kernel. Each sum begins at the bias, if
    there is one.
    """

    code: Code
    rows: Axis
    columns: Sequence[Axis]
    taps: int
    source: Image
    weight: Pointer
    out: Image
    bias: Pointer | None
    finish: Finish | None

    def write(self, first: Bound, last: Bound) -> None:
        lanes = self.code.target.width
        with self.code.loop(first, last) as row:
            line = self.out.at + (row.index * self.rows.step + self.rows.start) * (self.out.width * lanes)
            for axis in self.columns:
                for strip in strips(axis, pixels_at_once(self.code.target, axis.taps)):
                    with self.code.loop(0, strip.count) as tile:
                        column = tile.index * strip.size + strip.start
                        sums = self._tile(axis, strip, row.index, column)
                        at = line + (column * axis.step + axis.start) * lanes
                        self._write(at, axis.step * lanes, sums)

    def _write(self, at: Pointer, step: int, sums: Sequence[Vector]) -> None:
        """Store sums, `step` floats apart; a heavy function is applied afterwards, in a loop."""
        finish = self.finish
        for place, total in enumerate(sums):
            at.store(total if finish is None or finish.heavy else finish.value(total), place * step)
        if finish is not None and finish.heavy:
            with self.code.loop(0, len(sums)) as result:
                own = at + result.index * step
                own.store(finish.value(own.load()))

    def _tile(self, axis: Axis, strip: Strip, row: Bound, column: Bound) -> list[Vector]:
        """Return the sums of consecutive results of a row."""
        code, lanes = self.code, self.code.target.width
        start = code.constant(0) if self.bias is None else self.bias.load()
        sums = [start] * strip.size
        if self.rows.taps == 0 or not any(any(live) for live in strip.mask):
            return sums
        with code.loop(*reaching_taps(self.rows, row), carry=sums) as tap:
            line = row * self.rows.stride + self.rows.offset + tap.index * self.rows.spread
            pixel = line * self.source.width + column * axis.stride + axis.offset
            number = tap.index * self.rows.tap_step + self.rows.first_tap
            weights = self.weight + number * (self.taps * lanes)
            tap.next(self._row_of_kernel(axis, strip, self.source.at + pixel * lanes, weights, tap.values))
        results: list[Vector] = tap.results
        return results

    def _row_of_kernel(
        self, axis: Axis, strip: Strip, source: Pointer, weights: Pointer, totals: Sequence[Vector]
    ) -> list[Vector]:
        """Add one row of the kernel: each source pixel is read once for all its results."""
        lanes, sums, first = self.code.target.width, list(totals), 0
        for count in evenly(axis.taps, MOST_TAPS):
            at = source if first == 0 else self.code.launder(source)
            reached: dict[int, list[tuple[int, int]]] = {}
            for tap in range(first, first + count):
                for place in range(strip.size):
                    if strip.mask[tap][place]:
                        reached.setdefault(place * axis.stride + tap * axis.spread, []).append((place, tap))
            used = sorted({tap for pairs in reached.values() for _, tap in pairs})
            held = {tap: weights.load((axis.first_tap + tap * axis.tap_step) * lanes) for tap in used}
            for pixel, pairs in sorted(reached.items()):
                value = at.load(pixel * lanes)
                for place, tap in pairs:
                    sums[place] = fma(value, held[tap], sums[place])
            first += count
        return sums
