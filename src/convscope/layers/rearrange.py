"""Layers that move elements without arithmetic: reshape, permute, pad, crop, shuffle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ..axis import Resize, Window
from ..axis.window import Border
from ..errors import BadShape
from ..settings import LARGEST, Axes, Count, Integers, Optional, Pads, choice, count, pads, real, setting
from .base import Layer, show_shape, size_of
from .connection import UNMOVED, AxisDependency, Connection, Digit, Layout, Shape, straight

__all__ = [
    "ChannelShuffle",
    "Crop",
    "Flatten",
    "Pad",
    "Permute",
    "PixelShuffle",
    "Reshape",
    "Slice",
]

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Flatten(Layer):
    """Merge all axes in row-major order: (c, h, w) → (c·h·w)."""

    keyword: ClassVar[str] = "flatten"
    retains: ClassVar[frozenset[str]] = _NOTHING
    view: ClassVar[bool] = True

    def output_shape(self, *inputs: Shape) -> Shape:
        return (size_of(inputs[0]),)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return _reshaped(inputs[0], self.output_shape(*inputs))


@dataclass(frozen=True)
class Reshape(Layer):
    """Reshape in row-major order; one size may be -1 and is inferred.

    Errors:   BadShape [reshape-size]
    """

    shape: Axes = setting(Integers(least=-1))
    keyword: ClassVar[str] = "reshape"
    positional: ClassVar[tuple[str, ...]] = ("shape",)
    retains: ClassVar[frozenset[str]] = _NOTHING
    view: ClassVar[bool] = True

    def output_shape(self, *inputs: Shape) -> Shape:
        elements = size_of(inputs[0])
        known = prod(size for size in self.shape if size != -1)
        unknown = self.shape.count(-1)
        fits = known > 0 and (elements % known == 0 if unknown == 1 else elements == known)
        if unknown > 1 or not fits:
            raise BadShape(
                "{layer}.shape must have the {elements:,} elements of {shape}, with at most one -1 (got "
                "shape={got}). Use -1 for one size to infer it. [reshape-size]",
                layer=self.kind,
                elements=elements,
                shape=show_shape(inputs[0]),
                got="x".join(map(str, self.shape)),
            )
        return tuple(elements // known if size == -1 else size for size in self.shape)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Follow axes that keep their size, are merged, or are split."""
        return _reshaped(inputs[0], self.output_shape(*inputs))


def _groups(old: Shape, new: Shape) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the smallest groups of old and new axes with the same number of elements, in order."""
    i = j = 0
    while i < len(old) or j < len(new):
        olds, news = [], []
        one = two = 1
        while True:
            if i < len(old) and (one <= two or j >= len(new)):
                one *= old[i]
                olds.append(i)
                i += 1
            elif j < len(new):
                two *= new[j]
                news.append(j)
                j += 1
            if one == two and ((olds and news) or (i >= len(old) and j >= len(new))):
                break
        yield olds, news


def _reshaped(old: Shape, new: Shape) -> tuple[Connection, ...]:
    links: list[AxisDependency] = []
    digits: list[tuple[int, Layout]] = []
    lost: list[int] = []
    for olds, news in _groups(old, new):
        sized_old = [axis for axis in olds if old[axis] > 1]
        sized_new = [axis for axis in news if new[axis] > 1]
        if len(sized_old) == len(sized_new) == 1:
            links.append(AxisDependency(sized_new[0], sized_old[0], UNMOVED))
            continue
        for axis, inner in _inners(old, sized_old):
            layout = _parts(inner, old[axis], new, _inners(new, sized_new))
            if layout is None:
                lost.append(axis)
            else:
                digits.append((axis, layout))
    return (Connection(links=tuple(links), digits=tuple(digits), lost=tuple(lost)),)


def _inners(shape: Shape, axes: list[int]) -> list[tuple[int, int]]:
    """Return each axis with the elements of one step along it, counted within its group."""
    return [(axis, prod(shape[later] for later in axes[place + 1 :])) for place, axis in enumerate(axes)]


def _parts(inner: int, size: int, new: Shape, news: list[tuple[int, int]]) -> Layout | None:
    """Return where an axis of `size` steps of `inner` elements lies in the new axes; None where sizes clash."""
    parts = []
    for axis, step in news:
        low, high = max(inner, step), min(inner * size, step * new[axis])
        if low >= high:
            continue
        if low % inner or low % step or high % low or inner * size % high or step * new[axis] % high:
            return None
        parts.append(Digit(axis, low // step, high // low, low // inner))
    return tuple(parts)


@dataclass(frozen=True)
class Permute(Layer):
    """Permute the axes, without the batch axis: `1x2x0` maps (c, h, w) to (h, w, c).

    Errors:   BadShape [permute-order]
    """

    order: Axes = setting(Integers(least=0))
    keyword: ClassVar[str] = "permute"
    positional: ClassVar[tuple[str, ...]] = ("order",)
    retains: ClassVar[frozenset[str]] = _NOTHING

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if sorted(self.order) != list(range(len(shape))):
            raise BadShape(
                "{layer}.order must be a permutation of the axes 0 to {last} of {shape} (got order={order}). "
                "Count axes from 0 (channels), without the batch axis. [permute-order]",
                layer=self.kind,
                last=len(shape) - 1,
                shape=show_shape(shape),
                order="x".join(map(str, self.order)),
            )
        return tuple(shape[axis] for axis in self.order)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return (Connection(links=tuple(AxisDependency(new, old, UNMOVED) for new, old in enumerate(self.order))),)


@dataclass(frozen=True)
class Pad(Layer):
    """Pad the spatial axes; negative values crop.

    Errors:   BadShape [pad-size]
    Source:   PyTorch `pad`
    """

    padding: Pads = pads(least=-LARGEST, same=False)
    mode: Border = choice(
        "zeros", "reflect", "replicate", "circular", constant="zeros", edge="replicate", wrap="circular"
    )
    value: float = real(0.0)
    keyword: ClassVar[str] = "pad"
    positional: ClassVar[tuple[str, ...]] = ("padding",)
    retains: ClassVar[frozenset[str]] = _NOTHING

    def windows(self, shape: Shape) -> tuple[Window, ...]:
        rank = len(shape) - 1
        pairs = self.padding * rank if len(self.padding) == 1 else self.padding
        limits = {"reflect": -1, "circular": 0}.get(self.mode)
        wrong = rank < 1 or len(pairs) != rank
        for n, (before, after) in zip(shape[1:], pairs, strict=False):
            wrong = wrong or n + before + after < 1 or min(n + before, n + after) < 1
            wrong = wrong or (limits is not None and max(before, after) > n + limits)
        if wrong:
            raise BadShape(
                "{layer}.padding must have one entry per spatial axis, leave at least one pixel, and reflect no "
                "more than the input has (got padding={padding} for input {shape}). Write (before, after) for "
                "each axis. [pad-size]",
                layer=self.kind,
                padding=self.padding,
                shape=show_shape(shape),
            )
        return tuple(Window(1, 1, before, after, border=self.mode) for before, after in pairs)

    def output_shape(self, *inputs: Shape) -> Shape:
        windows = self.windows(inputs[0])
        return (inputs[0][0], *(w.positions(n) for n, w in zip(inputs[0][1:], windows, strict=True)))

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        moved = (AxisDependency(axis, axis, w) for axis, w in enumerate(self.windows(inputs[0]), start=1))
        return (Connection(links=(*straight((0,)), *moved)),)


@dataclass(frozen=True)
class Crop(Layer):
    """Crop the spatial axes: (before, after) per axis.

    Errors:   BadShape [crop-size]
    """

    margins: Pads = pads(same=False)
    keyword: ClassVar[str] = "crop"
    positional: ClassVar[tuple[str, ...]] = ("margins",)
    retains: ClassVar[frozenset[str]] = _NOTHING

    def as_pad(self, shape: Shape) -> Pad:
        """Return the same crop as negative padding."""
        if len(self.margins) not in (1, len(shape) - 1) or any(
            n <= before + after
            for n, (before, after) in zip(shape[1:], self.margins * (len(shape) - 1), strict=False)
        ):
            raise BadShape(
                "{layer}.margins must have one entry per spatial axis and leave at least one pixel (got "
                "margins={margins} for input {shape}). Crop less. [crop-size]",
                layer=self.kind,
                margins=self.margins,
                shape=show_shape(shape),
            )
        return Pad(tuple((-before, -after) for before, after in self.margins))

    def output_shape(self, *inputs: Shape) -> Shape:
        return self.as_pad(inputs[0]).output_shape(*inputs)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return self.as_pad(inputs[0]).connections(*inputs)


@dataclass(frozen=True)
class Slice(Layer):
    """Take every `step`-th index from `start` up to `stop` of one axis.

    Errors:   BadShape [slice-range]
    """

    axis: int = count(least=0, most=64)
    start: int = count(0, least=0)
    stop: int | None = setting(Optional(Count()), None)
    step: int = count(1)
    keyword: ClassVar[str] = "slice"
    positional: ClassVar[tuple[str, ...]] = ("axis", "start", "stop", "step")
    retains: ClassVar[frozenset[str]] = _NOTHING

    def _end(self, shape: Shape) -> int:
        size = shape[self.axis] if self.axis < len(shape) else 0
        end = size if self.stop is None else self.stop
        if not self.start < end <= size:
            raise BadShape(
                "{layer} must slice inside an axis of its input {shape} (got axis={axis}, start={start}, "
                "stop={stop}). Count axes from 0 (channels), without the batch axis. [slice-range]",
                layer=self.kind,
                shape=show_shape(shape),
                axis=self.axis,
                start=self.start,
                stop=self.stop,
            )
        return end

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        kept = -(-(self._end(shape) - self.start) // self.step)
        return (*shape[: self.axis], kept, *shape[self.axis + 1 :])

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        (shape,) = inputs
        cut = Window(1, self.step, -self.start, self._end(shape) - shape[self.axis])
        axes = range(len(shape))
        return (Connection(links=tuple(AxisDependency(a, a, cut if a == self.axis else UNMOVED) for a in axes)),)


@dataclass(frozen=True)
class PixelShuffle(Layer):
    """Rearrange channels to pixels: (c·r², h, w) → (c, h·r, w·r).

    Errors:   BadShape [pixel-shuffle]
    Source:   Shi et al. 2016; PyTorch PixelShuffle
    """

    upscale_factor: int = count()
    keyword: ClassVar[str] = "pixelshuffle"
    positional: ClassVar[tuple[str, ...]] = ("upscale_factor",)
    retains: ClassVar[frozenset[str]] = _NOTHING

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        r = self.upscale_factor
        if len(shape) != 3 or shape[0] % (r * r):
            raise BadShape(
                "{layer}.upscale_factor must have a square that divides the channels of a C×H×W input (got "
                "upscale_factor={factor} for input {shape}). Use a multiple of {multiple} channels in the layer "
                "before. [pixel-shuffle]",
                layer=self.kind,
                factor=r,
                shape=show_shape(shape),
                multiple=r * r,
            )
        return (shape[0] // (r * r), shape[1] * r, shape[2] * r)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Each fine pixel from the coarse one it lies in; channels are mixed."""
        sizes = inputs[0][1:]
        links = (AxisDependency(a, a, Resize(n, n * self.upscale_factor)) for a, n in enumerate(sizes, start=1))
        return (Connection(links=tuple(links)),)


@dataclass(frozen=True)
class ChannelShuffle(Layer):
    """Interleave the channels of `groups` groups, one from each in turn.

    Errors:   BadShape [channel-shuffle]
    Source:   Zhang et al. 2018, ShuffleNet; PyTorch ChannelShuffle
    """

    groups: int = count()
    keyword: ClassVar[str] = "channelshuffle"
    positional: ClassVar[tuple[str, ...]] = ("groups",)
    retains: ClassVar[frozenset[str]] = _NOTHING

    def output_shape(self, *inputs: Shape) -> Shape:
        if inputs[0][0] % self.groups:
            raise BadShape(
                "{layer}.groups must divide the channels (got groups={groups}, channels={channels}). Use a "
                "divisor of {channels}. [channel-shuffle]",
                layer=self.kind,
                groups=self.groups,
                channels=inputs[0][0],
            )
        return inputs[0]

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Positions stay; channels are mixed."""
        return (Connection(links=straight(range(1, len(inputs[0])))),)
