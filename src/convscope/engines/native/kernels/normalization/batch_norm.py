"""Batch normalization in training, forward and backward.

Forward: moments of each channel, statistics, then the pass that applies them, so the image is read twice and
written once. Sums are taken of x − s, where s is the mean of a few elements of the channel, so nothing cancels
however far the channel is from zero. Each slice of the batch gives a mean and a sum of squared differences from
it; slices are combined in a fixed order.

Backward: two sums per channel, then the gradient of x. Both passes read the gradient of the output, which may be a
sum of several, and mask it where the ReLU was inactive. The mask is recomputed from x, scale and offset with the
instructions of the forward pass; only if a second image was added before the ReLU is y read instead.

Formula:  x̂ = (x − mean) · inverse
          dweight = Σ g · x̂, dbias = Σ g
          dx = scale · (g − dbias / count − x̂ · dweight / count)
Source:   Chan, Golub & LeVeque 1979, for the combination of slices
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import Code, Index, Pointer, Vector, fma
from ..common.loops import ChannelKernel, Position, share, sweep, sweep_sums

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


@dataclass(frozen=True)
class _Upstream(ChannelKernel):
    """A pass over the gradients dy0, dy1, … from above: their sum is g, where the ReLU was open."""

    relu: bool = False
    residual: bool = False
    addends: int = 1

    @property
    def gradients(self) -> tuple[str, ...]:
        """Return the names of the gradients from above."""
        return tuple(f"dy{number}" for number in range(self.addends))

    @property
    def images(self) -> tuple[str, ...]:
        """Return the names of the images read beside them."""
        return ("x", "y") if self.relu and self.residual else ("x",)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Return the names of arrays of one number for each channel that are read to find g."""
        return ("scale", "offset") if self.relu and not self.residual else ()

    def upstream(self, code: Code, start: Index, block: Index) -> _Gradient:
        """Return what reads g and x at a position of one block of one image."""
        return _Gradient(self, code, start, block)


class _Gradient:
    """g and x − mean, read position by position."""

    def __init__(self, kernel: _Upstream, code: Code, start: Index, block: Index) -> None:
        self._kernel = kernel
        self._dy = [code.pointer(name) + start for name in kernel.gradients]
        self._images = [code.pointer(name) + start for name in kernel.images]
        self._map = kernel.loaded(code, kernel.vectors, block)
        (self._mean,) = kernel.loaded(code, ("mean",), block)

    def __call__(self, at: Position) -> tuple[Vector, Vector]:
        """Return g and x − mean."""
        g = self._dy[0].load(at)
        for dy in self._dy[1:]:
            g = g + dy.load(at)
        x, *y = (image.load(at) for image in self._images)
        if self._kernel.relu:
            seen = y[0] if y else fma(x, *self._map)
            g = (seen <= 0).select(g.code.constant(0), g)
        return g, x - self._mean


@dataclass(frozen=True)
class NormGradientSums(_Upstream):
    """Take Σ g and Σ g · x̂ of each channel, for each share of the batch; with `store`, write g as well.

    Shapes:   parts (slices, 2, blocks · lanes); zeros for a share without images
    """

    slices: int = 8
    store: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        stored = ("g",) if self.store else ()
        return (*self.gradients, *self.images, *self.vectors, "mean", "inverse", *stored, "parts")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self.slices * self.blocks

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            part, block = item.index // self.blocks, item.index % self.blocks
            first, last = share(code.number("batch"), part, self.slices)
            (inverse,) = self.loaded(code, ("inverse",), block)
            with code.loop(first, last, carry=code.zeros(2)) as image:
                start = (image.index * self.blocks + block) * self.block_floats
                sums = self._sums(code, start, block)
                image.next([total + own for total, own in zip(image.values, sums, strict=True)])
            total, products = image.results
            at_total, at_products = self.parts(code, part, block)
            at_total.store(total)
            at_products.store(products * inverse)

    def _sums(self, code: Code, start: Index, block: Index) -> Sequence[Vector]:
        """Return Σ g and Σ g · (x − mean) of one block of one image."""
        read = self.upstream(code, start, block)
        stored = code.pointer("g") + start if self.store else None

        def adding(at: Position, sums: Sequence[Vector]) -> Sequence[Vector]:
            g, apart = read(at)
            if stored is not None:
                stored.store(g, at)
            return sums[0] + g, fma(g, apart, sums[1])

        return sweep_sums(code, self.positions, self.lanes, 2, adding)


@dataclass(frozen=True)
class NormGradientFinish(ChannelKernel):
    """Add up the parts of `NormGradientSums`: gradients of weight and bias, and what `NormGradient` needs.

    Shapes:   parts (slices, 2, blocks · lanes) → coefficients (2, blocks · lanes), dweight and dbias one for each
              channel
    Formula:  coefficients −scale · Σ g / count and −scale · inverse · Σ g · x̂ / count
    """

    slices: int
    affine: bool

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("parts", "scale", "inverse", *(("dweight", "dbias") if self.affine else ()), "coefficients")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self.blocks

    def write(self, code: Code) -> None:
        share_of_one = 1 / (code.number("batch") * self.positions).to_float()
        with code.loop(code.first, code.last) as item:
            block, at = item.index, item.index * self.lanes
            with code.loop(0, self.slices, carry=code.zeros(2)) as loop:
                parts = [place.load() for place in self.parts(code, loop.index, block)]
                loop.next([total + part for total, part in zip(loop.values, parts, strict=True)])
            total, products = loop.results
            if self.affine:
                code.pointer("dbias").store(total, at)
                code.pointer("dweight").store(products, at)
            scale, inverse = self.loaded(code, ("scale", "inverse"), block)
            down = -scale * share_of_one
            coefficients = code.pointer("coefficients") + at
            coefficients.store(down * total)
            coefficients.store(down * inverse * products, self.blocks * self.lanes)


@dataclass(frozen=True)
class NormGradient(_Upstream):
    """Write the gradient of x, from that above and the coefficients of `NormGradientFinish`.

    Where `NormGradientSums` wrote g, this reads it as its only gradient, and knows of no ReLU.

    With `per_image`, every image has numbers of its own: (n, blocks · lanes); coefficients (n, 2, …).

    Formula:  dx = scale · g + coefficients[1] · (x − mean) + coefficients[0]
    """

    per_image: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        numbers = dict.fromkeys((*self.vectors, "scale", "mean", "coefficients"))
        return (*self.gradients, *self.images, *numbers, "dx")

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        return tuple(("dx", name) for name in (*self.gradients, "x"))

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            image, block = item.index // self.blocks, item.index % self.blocks
            number = item.index if self.per_image else block
            pair = image * (2 * self.blocks) + block if self.per_image else block
            start = item.index * self.block_floats
            read, dx = self.upstream(code, start, number), code.pointer("dx") + start
            (scale,) = self.loaded(code, ("scale",), number)
            straight, stretch = (
                code.pointer("coefficients").load(at * self.lanes) for at in (pair, pair + self.blocks)
            )

            def step(at: Position) -> None:
                g, apart = read(at)
                dx.store(fma(scale, g, fma(stretch, apart, straight)), at)

            sweep(code, self.positions, self.lanes, step)
