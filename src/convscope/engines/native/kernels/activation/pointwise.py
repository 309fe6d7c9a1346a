"""Activation functions of blocked images, and their gradients.

They do not depend on the position, so a kernel walks through memory from end to end. Only a function that is not
0 at 0 needs to know the last block, whose padding lanes it keeps at zero. PReLU has learned slopes, one for the
layer or one per channel. As an epilogue, a function is the last step of another kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .....layers import activation as layers
from .....layers.base import Layer
from ...codegen.kernel import Kernel
from ...ir import Code, Index, Vector
from ...layout import blocks_of
from ..common.loops import ChannelKernel, share
from .functions import Settings, formulas

SELU_SETTINGS = (layers.SELU.ALPHA, layers.SELU.SCALE)

_KINDS: dict[type[Layer], Callable[..., tuple[str, Settings]]] = {
    layers.Sigmoid: lambda _: ("sigmoid", ()),
    layers.Tanh: lambda _: ("tanh", ()),
    layers.ReLU: lambda _: ("relu", ()),
    layers.ReLU6: lambda _: ("relu6", ()),
    layers.LeakyReLU: lambda layer: ("leakyrelu", (layer.negative_slope,)),
    layers.ELU: lambda layer: ("elu", (layer.alpha, 1.0)),
    layers.SELU: lambda _: ("elu", SELU_SETTINGS),
    layers.GELU: lambda layer: ("gelu_tanh" if layer.approximate == "tanh" else "gelu", ()),
    layers.SiLU: lambda _: ("silu", ()),
    layers.Mish: lambda _: ("mish", ()),
    layers.Softplus: lambda _: ("softplus", ()),
    layers.Hardsigmoid: lambda _: ("hardsigmoid", ()),
    layers.Hardswish: lambda _: ("hardswish", ()),
}


def kind_of(layer: Layer) -> tuple[str, Settings] | None:
    """Return the kind and settings of a layer's function, or None where there is no kernel for it."""
    found = _KINDS.get(type(layer))
    return None if found is None else found(layer)


def apply_activation(code: Code, kind: str, settings: Settings, x: Vector) -> Vector:
    """Return the function of a vector.

    A function that is not 0 at 0 (see `value_at_zero`) makes empty lanes something else: they are the caller's.
    """
    return formulas(kind, settings).value(code, settings, x)


def value_at_zero(kind: str, settings: Settings) -> float:
    """Return the function of zero, for padding lanes."""
    return formulas(kind, settings).at_zero


def keep_lanes(code: Code, value: Vector, count: int | Index) -> Vector:
    """Return a vector with zeros from lane `count` on."""
    return code.first_lanes(count).select(value, code.constant(0))


@dataclass(frozen=True)
class _Elementwise(Kernel):
    """One plane (a block of one image) is one piece of work."""

    kind: str
    settings: Settings
    channels: int
    height: int
    width: int
    lanes: int

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    @property
    def blocks(self) -> int:
        """Return the channel blocks."""
        return blocks_of(self.channels, self.lanes)

    @property
    def unroll(self) -> int:
        """Return the vectors of one trip: short functions would be all loop."""
        return 1 if formulas(self.kind, self.settings).heavy else 4

    def items(self, batch: int) -> int:
        return batch * self.blocks

    def planes(self, code: Code, write: Callable[[Index], None]) -> None:
        """Write one function of the offset for every vector of the planes asked for."""
        size = self.height * self.width * self.lanes
        along(code, code.first * size, code.last * size, self.unroll, write)


def along(code: Code, start: Index, end: Index, unroll: int, write: Callable[[Index], None]) -> None:
    """Write one function of the offset for every vector between two offsets."""
    step = unroll * code.target.width
    whole = start + (end - start) // step * step if unroll > 1 else end
    with code.loop(start, whole, step) as trip:
        for vector in range(unroll):
            write(trip.index + vector * code.target.width)
    if unroll > 1:
        with code.loop(whole, end, code.target.width) as rest:
            write(rest.index)


@dataclass(frozen=True)
class Activate(_Elementwise):
    """y = f(x), element by element.

    Shapes:   x (n, blocks, h, w, lanes) → y
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "y")

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        return (("y", "x"),)

    def write(self, code: Code) -> None:
        x, y = code.pointer("x"), code.pointer("y")

        def plain(at: Index) -> None:
            y.store(apply_activation(code, self.kind, self.settings, x.load(at)), at)

        if value_at_zero(self.kind, self.settings) == 0 or self.channels % self.lanes == 0:
            self.planes(code, plain)
            return
        size = self.height * self.width * self.lanes
        with code.loop(code.first, code.last) as plane:
            last = (plane.index % self.blocks).eq(self.blocks - 1)
            used = last.select(plane.index * 0 + self.channels % self.lanes, self.lanes)
            start = plane.index * size

            def kept(at: Index) -> None:
                value = apply_activation(code, self.kind, self.settings, x.load(at))
                y.store(keep_lanes(code, value, used), at)

            along(code, start, start + size, self.unroll, kept)


@dataclass(frozen=True)
class ActivateGradient(_Elementwise):
    """dx = f′·dy, where f′ follows from x or from y; `pointers` says which of them is read.

    Shapes:   x or y, and dy (n, blocks, h, w, lanes) → dx
    """

    @property
    def reads(self) -> str:
        """Return "x" or "y"."""
        return formulas(self.kind, self.settings).reads

    @property
    def pointers(self) -> tuple[str, ...]:
        return (self.reads, "dy", "dx")

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        return (("dx", "dy"),)

    def write(self, code: Code) -> None:
        kept, dy, dx = (code.pointer(name) for name in self.pointers)
        gradient = formulas(self.kind, self.settings).gradient

        def one(at: Index) -> None:
            dx.store(gradient(code, self.settings, kept.load(at), dy.load(at)), at)

        self.planes(code, one)


@dataclass(frozen=True)
class _Slopes(ChannelKernel):
    """Sizes of the image; slopes lie as `Channels`, or as one float where they are `shared`."""

    shared: bool

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def slope(self, code: Code, block: Index) -> Vector:
        """Return the slopes of a block's lanes."""
        slopes = code.pointer("slope")
        return slopes.broadcast() if self.shared else slopes.load(block * self.lanes)


@dataclass(frozen=True)
class PReLUKernel(_Slopes):
    """y = x for x > 0, else slope·x.

    Shapes:   x (n, blocks, h, w, lanes), slope (1,) or (blocks·lanes,) → y
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "slope", "y")

    def write(self, code: Code) -> None:
        x, y = code.pointer("x"), code.pointer("y")
        with code.loop(code.first, code.last) as item:
            slope, start = self.slope(code, item.index % self.blocks), item.index * self.block_floats
            with code.loop(start, start + self.block_floats, self.lanes) as at:
                value = x.load(at.index)
                y.store((value > 0).select(value, value * slope), at.index)


@dataclass(frozen=True)
class PReLUGradient(_Slopes):
    """The gradients of a PReLU: dx, and for each share of the images the sum of x·dy over x ≤ 0 by channel.

    Shapes:   x, dy (n, blocks, h, w, lanes), slope → dx, parts (slices, blocks·lanes)
    """

    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "slope", "dy", "dx", "parts")

    def items(self, batch: int) -> int:
        return self.slices * self.blocks

    def write(self, code: Code) -> None:
        parts = code.pointer("parts")
        with code.loop(code.first, code.last) as item:
            block = item.index % self.blocks
            slope = self.slope(code, block)

            def of_image(image: Index) -> Vector:
                return self._image(code, slope, (image * self.blocks + block) * self.block_floats)

            total = over_share(code, item.index // self.blocks, self.slices, of_image)
            parts.store(total, item.index * self.lanes)

    def _image(self, code: Code, slope: Vector, start: Index) -> Vector:
        x, dy, dx = code.pointer("x"), code.pointer("dy"), code.pointer("dx")
        with code.loop(start, start + self.block_floats, self.lanes, carry=code.zeros(1)) as at:
            value, given = x.load(at.index), dy.load(at.index)
            left = (value > 0).select(code.constant(0), value * given)
            dx.store((value > 0).select(given, given * slope), at.index)
            at.next([at.values[0] + left])
        (total,) = at.results
        assert isinstance(total, Vector)
        return total


def over_share(code: Code, part: Index, slices: int, of_image: Callable[[Index], Vector]) -> Vector:
    """Write a loop over one share of the images and return the sum of what each of them gives.

    Images are summed one by one before their sums are: the error grows with the images plus an image's
    numbers, not with their product.
    """
    first, last = share(code.number("batch"), part, slices)
    with code.loop(first, last, carry=code.zeros(1)) as image:
        image.next([image.values[0] + of_image(image.index)])
    (total,) = image.results
    assert isinstance(total, Vector)
    return total


@dataclass(frozen=True)
class PReLUSlopeGradient(Kernel):
    """Add up the parts of the slopes' gradient; a shared slope gets the sum over all channels.

    Shapes:   parts (slices, blocks·lanes) → dslope (blocks·lanes,) or (1,)
    """

    channels: int
    lanes: int
    shared: bool
    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("parts", "dslope")

    def items(self, batch: int) -> int:
        return 1 if self.shared else blocks_of(self.channels, self.lanes)

    def write(self, code: Code) -> None:
        parts, dslope = code.pointer("parts"), code.pointer("dslope")
        row = blocks_of(self.channels, self.lanes) * self.lanes
        step = self.lanes if self.shared else row
        with code.loop(code.first, code.last) as item:
            with code.loop(0, self.slices * row, step, carry=code.zeros(1)) as part:
                part.next([part.values[0] + parts.load(item.index * self.lanes + part.index)])
            (total,) = part.results
            if self.shared:
                dslope.store_lane(total.reduce_sum())
            else:
                dslope.store(total, item.index * self.lanes)


@dataclass(frozen=True)
class EpilogueFunction:
    """An activation function as a kernel's field."""

    kind: str
    settings: Settings = ()

    @property
    def keeps_zero(self) -> bool:
        """Say whether zeros in empty lanes stay zeros."""
        return value_at_zero(self.kind, self.settings) == 0

    @property
    def heavy(self) -> bool:
        """Say whether it is so long that it is written once, in a loop over a tile's results, not for each."""
        return formulas(self.kind, self.settings).heavy

    def of(self, code: Code, x: Vector) -> Vector:
        """Return the function of a vector."""
        return apply_activation(code, self.kind, self.settings, x)


RELU = EpilogueFunction("relu")


def function_of(layer: Layer) -> EpilogueFunction | None:
    """Return a layer's function, or None where there is no kernel for it."""
    found = kind_of(layer)
    return None if found is None else EpilogueFunction(*found)
