"""Batch normalization in training, backward: two sums for each channel, then the gradient of x.

Both passes read the gradient of the output, which may be a sum of several, and mask it where the ReLU was
inactive. The mask is recomputed from x, scale and offset with the instructions of the forward pass; only if a
second image was added before the ReLU is y read instead.

Formula:  x̂ = (x − mean) · inverse
          dweight = Σ g · x̂, dbias = Σ g
          dx = scale · (g − dbias / count − x̂ · dweight / count)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...ir import Code, Index, Vector, fma
from ..common.channel_kernel import ChannelKernel, share
from ..common.loops import Position, sweep, sweep_sums


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
