"""Adaptive pooling: a fixed number of bins for any image size.

Where the bins are all equal they are windows that do not overlap, and the kernels for windows write the code.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...codegen.kernel import Kernel, own_scratch
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector
from ..common.shapes import Pair, PoolingShape
from .average import AveragePool, AveragePoolGradient
from .maximum import MaxPoolGradient, MaxPoolKernel, PlanePointers, route, worst_of, write_extremes
from .windows import BinAxis, Body, Spans, Whole, each_output, over_window


@dataclass(frozen=True)
class _Adaptive(Kernel):
    """Sizes of the image, and the bins along its axes. One plane is one work item."""

    channels: int
    height: int
    width: int
    output: Pair
    lanes: int

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def windows(self) -> PoolingShape | None:
        """Return the windows that equal bins are, or None where bins differ."""
        if self.height % self.output[0] or self.width % self.output[1]:
            return None
        size = (self.height // self.output[0], self.width // self.output[1])
        sizes = (self.channels, self.height, self.width, size, size, (0, 0), (1, 1), self.output, self.lanes)
        return PoolingShape(*sizes)

    @property
    def axes(self) -> tuple[BinAxis, BinAxis]:
        """Return the rows and columns."""
        return BinAxis(self.height, self.output[0]), BinAxis(self.width, self.output[1])

    @property
    def input_floats(self) -> int:
        """Return the floats of one plane of the input."""
        return self.height * self.width * self.lanes

    @property
    def output_floats(self) -> int:
        """Return the floats of one plane of the output."""
        return self.output[0] * self.output[1] * self.lanes

    def items(self, batch: int) -> int:
        return batch * -(-self.channels // self.lanes)


@dataclass(frozen=True)
class AdaptiveAveragePool(_Adaptive):
    """The mean of each bin.

    Shapes:   x (n, blocks, h, w, lanes) → y (n, blocks, p, q, lanes)
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def write(self, code: Code) -> None:
        if self.windows is not None:
            AveragePool(self.windows, True, (0, 0)).write(code)
            return
        axes, lanes = self.axes, self.lanes
        with code.loop(code.first, code.last) as item:
            x = code.pointer("x") + item.index * self.input_floats
            y = code.pointer("y") + item.index * self.output_floats

            def bin_mean(p: Whole, q: Whole, spans: Spans, _: list[Vector]) -> list[Vector]:
                (total,) = over_window(
                    code, axes, spans, code.zeros(1), lambda at, sums: [sums[0] + x.load(at * lanes)]
                )
                y.store(total / size_of(code, spans), (p * axes[1].output + q) * lanes)
                return []

            each_output(code, axes, [], bin_mean)


@dataclass(frozen=True)
class AdaptiveAveragePoolGradient(_Adaptive):
    """Distribute each bin's gradient to its inputs.

    Shapes:   dy (n, blocks, p, q, lanes) → dx (n, blocks, h, w, lanes)
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "dx")

    def scratch_floats(self, target: Target) -> int:
        return 0 if self.windows is not None else self.output_floats

    def write(self, code: Code) -> None:
        """Divide by the bins' sizes, then gather: the bins over a position are a span, too."""
        if self.windows is not None:
            AveragePoolGradient(self.windows, True, (0, 0)).write(code)
            return
        with code.loop(code.first, code.last) as item:
            dy = code.pointer("dy") + item.index * self.output_floats
            dx = code.pointer("dx") + item.index * self.input_floats
            shares = own_scratch(self, code)
            each_output(code, self.axes, [], self._divided(code, dy, shares))
            each_output(code, self._mirrored, [], self._gathered(code, shares, dx))

    @property
    def _mirrored(self) -> tuple[BinAxis, BinAxis]:
        """Return the axes seen from the other side: the bins that cover position i, of all positions."""
        rows, columns = self.axes
        return BinAxis(rows.output, rows.size), BinAxis(columns.output, columns.size)

    def _divided(self, code: Code, dy: Pointer, shares: Pointer) -> Body:
        def bin_share(p: Whole, q: Whole, spans: Spans, _: list[Vector]) -> list[Vector]:
            at = (p * self.output[1] + q) * self.lanes
            shares.store(dy.load(at) / size_of(code, spans), at)
            return []

        return bin_share

    def _gathered(self, code: Code, shares: Pointer, dx: Pointer) -> Body:
        def position(i: Whole, j: Whole, spans: Spans, _: list[Vector]) -> list[Vector]:
            (total,) = over_window(
                code,
                self._mirrored,
                spans,
                code.zeros(1),
                lambda at, sums: [sums[0] + shares.load(at * self.lanes)],
            )
            dx.store(total, (i * self.width + j) * self.lanes)
            return []

        return position


@dataclass(frozen=True)
class AdaptiveMaxPoolKernel(_Adaptive):
    """The maximum of each bin.

    Shapes:   x (n, blocks, h, w, lanes) → y (n, blocks, p, q, lanes)
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    def write(self, code: Code) -> None:
        if self.windows is not None:
            MaxPoolKernel(self.windows).write(code)
            return
        with code.loop(code.first, code.last) as item:
            x = code.pointer("x") + item.index * self.input_floats
            y = code.pointer("y") + item.index * self.output_floats
            worst = worst_of(code, item.index, self.channels, self.lanes, smallest=False)
            write_extremes(code, x, y, self.axes, worst, smallest=False, finish=lambda value: value)


@dataclass(frozen=True)
class AdaptiveMaxPoolGradient(_Adaptive):
    """Give each bin's gradient to its winner.

    Shapes:   x (n, blocks, h, w, lanes), y and dy (n, blocks, p, q, lanes) → dx
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y", "dy", "dx")

    def write(self, code: Code) -> None:
        if self.windows is not None:
            MaxPoolGradient(self.windows, masked=False).write(code)
            return
        with code.loop(code.first, code.last) as item:
            x, dx = (code.pointer(name) + item.index * self.input_floats for name in ("x", "dx"))
            y, dy = (code.pointer(name) + item.index * self.output_floats for name in ("y", "dy"))
            route(code, PlanePointers(x, y, dy, dx), self.axes, [], masked=False)


def size_of(code: Code, spans: Spans) -> Vector:
    """Return the number of elements of a bin, in every lane."""
    size: Whole = 1
    for first, last in spans:
        size = size * (last - first)
    return size.to_float() if isinstance(size, Index) else code.constant(size)
