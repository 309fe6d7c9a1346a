"""Batch normalization in training, forward: moments of each channel, statistics, the pass that applies them.

The image is read twice and written once. Sums are taken of x − s, where s is the mean of a few numbers of the
same channel, so nothing cancels however far the channel lies from zero. Each share of the batch gives a mean and a
sum of squared differences from it; shares are combined as by Chan, Golub & LeVeque 1979, in a fixed order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import Code, Index, Pointer, Vector, fma
from ..common.channel_kernel import ChannelKernel, share
from ..common.loops import Position, sweep, sweep_sums

SAMPLES = 32
"""Numbers of a channel whose mean the others are measured from; they lie all over the first image."""


@dataclass(frozen=True)
class ChannelMoments(ChannelKernel):
    """Take the mean of each channel and the sum of squared differences from it, for each share of the batch.

    Shapes:   x (n, blocks, h, w, lanes) → parts (slices, 2, blocks · lanes); zeros for a share without images
    """

    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "parts")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self.slices * self.blocks

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            part, block = item.index // self.blocks, item.index % self.blocks
            first, last = share(code.number("batch"), part, self.slices)
            outputs = self.parts(code, part, block)
            for output in outputs:
                output.store(code.constant(0))
            with code.when(first < last):
                for output, value in zip(outputs, moments(self, code, block, first, last), strict=True):
                    output.store(value)


def moments(
    kernel: ChannelKernel, code: Code, block: Position, first: Index, last: Index
) -> tuple[Vector, Vector]:
    """Return the mean of a block's channels in some images of x, and the sum of squared differences from it."""
    image_floats = kernel.blocks * kernel.block_floats
    start = code.pointer("x") + block * kernel.block_floats
    origin = _origin(kernel, code, start + first * image_floats)
    with code.loop(first, last, carry=code.zeros(2)) as image:
        x = start + image.index * image_floats

        def adding(at: Position, sums: Sequence[Vector]) -> Sequence[Vector]:
            apart = x.load(at) - origin
            return sums[0] + apart, fma(apart, apart, sums[1])

        sums = sweep_sums(code, kernel.positions, kernel.lanes, 2, adding)
        image.next([total + own for total, own in zip(image.values, sums, strict=True)])
    total, squares = image.results
    drift = total / ((last - first) * kernel.positions).to_float()
    return origin + drift, (squares - total * drift).maximum(0)


def _origin(kernel: ChannelKernel, code: Code, x: Pointer) -> Vector:
    """Return the mean of a few numbers of the channel: that it is near the others is all that counts."""
    count = min(kernel.positions, SAMPLES)
    stride = kernel.positions // count * kernel.lanes

    def adding(at: Position, sums: Sequence[Vector]) -> Sequence[Vector]:
        return (sums[0] + x.load(at),)

    return sweep_sums(code, count, stride, 1, adding)[0] * (1 / count)


@dataclass(frozen=True)
class NormStatistics(ChannelKernel):
    """Make each channel's scale and offset from the parts of `ChannelMoments`, and move the running statistics.

    Formula:  y = x · scale + offset, scale = weight / √(variance + eps), offset = bias − mean · scale
              running ← (1 − momentum) · running + momentum · batch's, with the unbiased variance
    """

    slices: int
    eps: float
    momentum: float
    affine: bool

    @property
    def pointers(self) -> tuple[str, ...]:
        parameters = ("weight", "bias") if self.affine else ()
        return ("parts", "running_mean", "running_var", *parameters, "scale", "offset", "mean", "inverse")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self.blocks

    def write(self, code: Code) -> None:
        count = (code.number("batch") * self.positions).to_float()
        with code.loop(code.first, code.last) as item:
            block, at = item.index, item.index * self.lanes
            mean, squares = self._combined(code, block, count)
            variance = squares / count
            for name, now in (("mean", mean), ("var", squares / (count - 1))):
                running = code.pointer(f"running_{name}")
                moved = running.load(at) * (1 - self.momentum)
                running.store(fma(now, code.constant(self.momentum), moved), at)
            inverse = inverse_deviation(self, code, variance, self.eps, block)
            scale, offset = affine_map(self, code, mean, inverse, block, self.affine)
            for name, value in (("scale", scale), ("offset", offset), ("mean", mean), ("inverse", inverse)):
                code.pointer(name).store(value, at)

    def _combined(self, code: Code, block: Index, count: Vector) -> tuple[Vector, Vector]:
        """Return the mean of all and the sum of squared differences from it.

        Means of shares are measured from the last one's, which always has images.
        """
        origin = self.parts(code, self.slices - 1, block)[0].load()
        with code.loop(0, self.slices, carry=code.zeros(1)) as one:
            mean, _ = self.parts(code, one.index, block)
            one.next([fma(self._size(code, one.index), mean.load() - origin, one.values[0])])
        mean_of_all = origin + one.results[0] / count
        with code.loop(0, self.slices, carry=code.zeros(1)) as two:
            mean, squares = self.parts(code, two.index, block)
            apart = mean.load() - mean_of_all
            within = two.values[0] + squares.load()
            two.next([fma(self._size(code, two.index) * apart, apart, within)])
        return mean_of_all, two.results[0]

    def _size(self, code: Code, part: int | Index) -> Vector:
        """Return how many numbers of a channel a share holds."""
        first, last = share(code.number("batch"), part, self.slices)
        return ((last - first) * self.positions).to_float()


@dataclass(frozen=True)
class FoldStatistics(ChannelKernel):
    """Make each channel's scale and offset from the running statistics, for inference."""

    eps: float
    affine: bool

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("running_mean", "running_var", *(("weight", "bias") if self.affine else ()), "scale", "offset")

    def items(self, batch: int) -> int:
        return self.blocks

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            mean, variance = self.loaded(code, ("running_mean", "running_var"), item.index)
            inverse = inverse_deviation(self, code, variance, self.eps, item.index)
            for name, value in zip(
                ("scale", "offset"), affine_map(self, code, mean, inverse, item.index, self.affine), strict=True
            ):
                code.pointer(name).store(value, item.index * self.lanes)


def inverse_deviation(kernel: ChannelKernel, code: Code, variance: Vector, eps: float, block: Index) -> Vector:
    """Return 1 / √(variance + eps), and 0 in lanes without a channel: with eps = 0 they would be infinite."""
    inverse = 1 / (variance + eps).sqrt()
    return kernel.real_lanes(code, block).select(inverse, 0)


def affine_map(
    kernel: ChannelKernel, code: Code, mean: Vector, inverse: Vector, block: Position, affine: bool
) -> tuple[Vector, Vector]:
    """Return scale and offset, so that x · scale + offset is the normalized x, scaled and shifted."""
    if not affine:
        return inverse, -mean * inverse
    weight, bias = kernel.loaded(code, ("weight", "bias"), block)
    scale = weight * inverse
    return scale, fma(-mean, scale, bias)


@dataclass(frozen=True)
class Normalize(ChannelKernel):
    """Scale and shift each channel, add a second image and apply a ReLU, in one pass.

    With `per_image`, scale and offset are (n, blocks · lanes): every image has its own.

    Formula:  y = x · scale + offset [+ residual] [where below 0: 0]
    """

    relu: bool = False
    residual: bool = False
    per_image: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "scale", "offset", *(("residual",) if self.residual else ()), "y")

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        return (("y", "residual"), ("y", "x")) if self.residual else (("y", "x"),)

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            block = item.index if self.per_image else item.index % self.blocks
            scale, offset = self.loaded(code, ("scale", "offset"), block)
            start = item.index * self.block_floats
            x, y = (code.pointer(name) + start for name in ("x", "y"))
            residual = code.pointer("residual") + start if self.residual else None

            def step(at: Position) -> None:
                value = fma(x.load(at), scale, offset)
                if residual is not None:
                    value = value + residual.load(at)
                y.store(value.maximum(0) if self.relu else value, at)

            sweep(code, self.positions, self.lanes, step)
