"""Average pooling, by windows and over whole channels, and the gradients."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from ...codegen.kernel import own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector
from ..common.loops import ChannelKernel
from ..common.shapes import Pair
from .maximum import WRITTEN_OUT, WindowKernel
from .windows import Cell, PositionRun, Spans, Taps, Whole, axes_of, clear, each, each_output, over_window, pieces


@dataclass(frozen=True)
class Mean:
    """The taps of an output along one axis, and how many of them the mean counts."""

    taps: Taps
    divisor: int


@dataclass(frozen=True)
class _Average(WindowKernel):
    """The mean of each window, over all taps or (not `count_padding`) over those inside.

    `after` is the padding after the image: what a window reaches past it is never counted.
    """

    count_padding: bool
    after: Pair

    def means(self) -> tuple[list[PositionRun[Mean]], list[PositionRun[Mean]]]:
        """Return runs of outputs that see the same taps and divide by the same."""
        both = []
        for axis, after in zip(axes_of(self.shape), self.after, strict=True):
            divisors = [axis.divisor(output, after, self.count_padding) for output in range(axis.output)]
            both.append(axis.labeled([int(one) for one in divisors if isinstance(one, int)], Mean))
        rows, columns = both
        return rows, columns

    def share(self, code: Code, p: Whole, q: Whole) -> Vector:
        """Return 1 / (numbers that a window's mean counts), for an output known when the kernel runs."""
        count: Whole = 1
        for axis, after, output in zip(axes_of(self.shape), self.after, (p, q), strict=True):
            count = count * axis.divisor(output, after, self.count_padding)
        return code.constant(1) / (count.to_float() if isinstance(count, Index) else code.constant(count))


@dataclass(frozen=True)
class AveragePool(_Average):
    """The mean of each window.

    Shapes:   x (n, blocks, h, w, lanes) → y (n, blocks, p, q, lanes)
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def write(self, code: Code) -> None:
        taps = [axis.taps() for axis in axes_of(self.shape)]
        with code.loop(code.first, code.last) as item:
            x = code.pointer("x") + item.index * self.input_floats
            y = code.pointer("y") + item.index * self.output_floats
            if pieces(*taps) <= WRITTEN_OUT:
                self._written_out(code, x, y)
            else:
                self._by_loops(code, x, y)

    def _written_out(self, code: Code, x: Pointer, y: Pointer) -> None:
        shape = self.shape

        def window(p: Whole, q: Whole, row: Mean, column: Mean, _: list[Vector]) -> list[Vector]:
            corner = x + (p * (shape.stride[0] * shape.width) + q * shape.stride[1]) * shape.lanes
            total = code.constant(0)
            for one in row.taps if column.taps else ():
                offsets = [(one.offset * shape.width + other.offset) * shape.lanes for other in column.taps]
                along = corner.load(offsets[0])
                for offset in offsets[1:]:
                    along = along + corner.load(offset)
                total = along if one is row.taps[0] else total + along
            y.store(total * (1 / (row.divisor * column.divisor)), (p * shape.output[1] + q) * shape.lanes)
            return []

        each(code, *self.means(), [], window)

    def _by_loops(self, code: Code, x: Pointer, y: Pointer) -> None:
        lanes, axes = self.shape.lanes, axes_of(self.shape)

        def window(p: Whole, q: Whole, spans: Spans, _: list[Vector]) -> list[Vector]:
            (total,) = over_window(
                code, axes, spans, code.zeros(1), lambda at, sums: [sums[0] + x.load(at * lanes)]
            )
            y.store(total * self.share(code, p, q), (p * axes[1].output + q) * lanes)
            return []

        each_output(code, axes, [], window)


@dataclass(frozen=True)
class AveragePoolGradient(_Average):
    """Distribute each window's gradient to its inputs.

    Shapes:   dy (n, blocks, p, q, lanes) → dx (n, blocks, h, w, lanes)
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "dx")

    @property
    def _walked(self) -> bool:
        return pieces(*(axis.cells() for axis in axes_of(self.shape))) > WRITTEN_OUT

    @property
    def _common_share(self) -> float | None:
        """Return the share where it is the same for all windows."""
        rows, columns = self.means()
        counts = {row.seen.divisor * column.seen.divisor for row, column in product(rows, columns)}
        return 1 / counts.pop() if len(counts) == 1 else None

    def scratch_floats(self, target: Target) -> int:
        return 0 if self._walked or self._common_share is not None else self.output_floats

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            dy = code.pointer("dy") + item.index * self.output_floats
            dx = code.pointer("dx") + item.index * self.input_floats
            share = self._common_share
            if self._walked:
                self._scatter(code, dy, dx)
            elif share is not None:
                self._gather(code, dy, dx, share)
            else:
                shares = own_scratch(self, code)
                self._divide(code, dy, shares)
                self._gather(code, shares, dx, 1.0)

    def _divide(self, code: Code, dy: Pointer, shares: Pointer) -> None:
        shape = self.shape

        def window(p: Whole, q: Whole, row: Mean, column: Mean, _: list[Vector]) -> list[Vector]:
            at = (p * shape.output[1] + q) * shape.lanes
            shares.store(dy.load(at) * (1 / (row.divisor * column.divisor)), at)
            return []

        each(code, *self.means(), [], window)

    def _gather(self, code: Code, given: Pointer, dx: Pointer, share: float) -> None:
        shape = self.shape

        def cell(p: Whole, q: Whole, row: Cell, column: Cell, _: list[Vector]) -> list[Vector]:
            corner = dx + (p * (shape.stride[0] * shape.width) + q * shape.stride[1]) * shape.lanes
            output = given + (p * shape.output[1] + q) * shape.lanes
            for one, other in product(row, column):
                windows = [
                    output.load((down * shape.output[1] + along) * shape.lanes)
                    for (down, _), (along, _) in product(one.by, other.by)
                ]
                total = sum(windows[1:], windows[0]) if windows else code.constant(0)
                value = total if share == 1 or not windows else total * share
                corner.store(value, (one.offset * shape.width + other.offset) * shape.lanes)
            return []

        rows, columns = axes_of(shape)
        each(code, rows.cells(), columns.cells(), [], cell)

    def _scatter(self, code: Code, dy: Pointer, dx: Pointer) -> None:
        lanes, axes = self.shape.lanes, axes_of(self.shape)
        clear(code, dx, self.shape.height * self.shape.width)

        def window(p: Whole, q: Whole, spans: Spans, _: list[Vector]) -> list[Vector]:
            own = dy.load((p * axes[1].output + q) * lanes) * self.share(code, p, q)

            def position(at: Whole, _: list[Vector]) -> list[Vector]:
                dx.store(dx.load(at * lanes) + own, at * lanes)
                return []

            return over_window(code, axes, spans, [], position)

        each_output(code, axes, [], window)


# Over whole channels

TOTALS = 4
"""Sums that run side by side, so that no addition waits for the one before."""


@dataclass(frozen=True)
class GlobalAveragePool(ChannelKernel):
    """The mean of each channel.

    Shapes:   x (n, blocks, h, w, lanes) → y (n, blocks, 1, 1, lanes)
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def write(self, code: Code) -> None:
        x, y = code.pointer("x"), code.pointer("y")
        whole = self.positions - self.positions % TOTALS
        with code.loop(code.first, code.last) as item:
            start = x + item.index * self.block_floats
            totals = code.zeros(TOTALS)
            if whole:
                with code.loop(0, whole, TOTALS, carry=totals) as at:
                    loaded = [start.load((at.index + one) * self.lanes) for one in range(TOTALS)]
                    at.next([total + value for total, value in zip(at.values, loaded, strict=True)])
                totals = at.results
            for position in range(whole, self.positions):
                totals[position - whole] = totals[position - whole] + start.load(position * self.lanes)
            total = (totals[0] + totals[1]) + (totals[2] + totals[3])
            y.store(total * (1 / self.positions), item.index * self.lanes)


@dataclass(frozen=True)
class GlobalAveragePoolGradient(ChannelKernel):
    """Distribute the mean's gradient to every element of a channel.

    Shapes:   dy (n, blocks, 1, 1, lanes) → dx (n, blocks, h, w, lanes)
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "dx")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def write(self, code: Code) -> None:
        dy, dx = code.pointer("dy"), code.pointer("dx")
        with code.loop(code.first, code.last) as item:
            share = dy.load(item.index * self.lanes) * (1 / self.positions)
            start = item.index * self.block_floats
            with code.loop(start, start + self.block_floats, self.lanes) as at:
                dx.store(share, at.index)
