"""Max pooling and min pooling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import inf

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Pointer, Vector
from ..activation.pointwise import keep_lanes
from ..common.shapes import PoolingShape
from .spans import Spans, each_output, over_window
from .windows import Axis, PositionRun, Taps, Whole, axes_of, each, pieces

WRITTEN_OUT = 400
"""Taps of all pieces of code together, above which windows are walked by loops."""


def better(best: Vector, other: Vector, smallest: bool) -> Vector:
    """Return the winner of two: NaN wins; of equal ones the first, with its sign of zero."""
    winner = best.minimum(other) if smallest else best.maximum(other)
    return other.is_nan().select(other, winner)


def worst_of(code: Code, item: Index, channels: int, lanes: int, smallest: bool) -> Vector:
    """Return the identity of the maximum; zero in the padding lanes of a plane."""
    worst = code.constant(inf if smallest else -inf)
    if channels % lanes == 0:
        return worst
    blocks = -(-channels // lanes)
    return keep_lanes(code, worst, channels - item % blocks * lanes)


@dataclass(frozen=True)
class WindowKernel(Kernel):
    """A kernel over the windows of a pooling; one plane (a block of one image) is one piece of work."""

    shape: PoolingShape

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def input_floats(self) -> int:
        """Return the floats of one plane of the input."""
        return self.shape.height * self.shape.width * self.shape.lanes

    @property
    def output_floats(self) -> int:
        """Return the floats of one plane of the output."""
        return self.shape.output[0] * self.shape.output[1] * self.shape.lanes

    def items(self, batch: int) -> int:
        return batch * self.shape.blocks


@dataclass(frozen=True)
class MaxPoolKernel(WindowKernel):
    """The maximum (or minimum) of each window, with an optional ReLU. Padding is ignored.

    Shapes:   x (n, blocks, h, w, lanes) → y (n, blocks, p, q, lanes)
    """

    relu: bool = False
    smallest: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def write(self, code: Code) -> None:
        shape, axes = self.shape, axes_of(self.shape)
        rows, columns = (axis.taps() for axis in axes)
        with code.loop(code.first, code.last) as item:
            x = code.pointer("x") + item.index * self.input_floats
            y = code.pointer("y") + item.index * self.output_floats
            worst = worst_of(code, item.index, shape.channels, shape.lanes, self.smallest)
            if pieces(rows, columns) <= WRITTEN_OUT:
                self._written_out(code, x, y, rows, columns, worst)
            else:
                write_extremes(code, x, y, axes, worst, self.smallest, self._finish)

    def _finish(self, value: Vector) -> Vector:
        return value.maximum(0) if self.relu else value

    def _written_out(
        self,
        code: Code,
        x: Pointer,
        y: Pointer,
        rows: list[PositionRun[Taps]],
        columns: list[PositionRun[Taps]],
        worst: Vector,
    ) -> None:
        shape = self.shape
        down, along = shape.stride

        def window(p: Whole, q: Whole, row: Taps, column: Taps, _: list[Vector]) -> list[Vector]:
            corner = x + (p * (down * shape.width) + q * along) * shape.lanes
            values = [
                corner.load((one.offset * shape.width + other.offset) * shape.lanes)
                for one, other in product(row, column)
            ]
            best = values[0] if values else worst
            for value in values[1:]:
                best = better(best, value, self.smallest)
            y.store(self._finish(best), (p * shape.output[1] + q) * shape.lanes)
            return []

        each(code, rows, columns, [], window)


def write_extremes(
    code: Code,
    x: Pointer,
    y: Pointer,
    axes: tuple[Axis, Axis],
    worst: Vector,
    smallest: bool,
    finish: Callable[[Vector], Vector],
) -> None:
    """Write the maximum (minimum) of every window of a plane with loops."""
    lanes = code.target.width

    def window(p: Whole, q: Whole, spans: Spans, _: list[Vector]) -> list[Vector]:
        (best,) = over_window(
            code, axes, spans, [worst], lambda at, best: [better(best[0], x.load(at * lanes), smallest)]
        )
        y.store(finish(best), (p * axes[1].output + q) * lanes)
        return []

    each_output(code, axes, [], window)
