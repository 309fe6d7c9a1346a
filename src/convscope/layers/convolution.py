"""Convolution and transposed convolution over one, two or three spatial axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from ..axis import TransposedWindow, Window
from ..axis.window import Border
from ..errors import BadShape
from ..settings import Axes, Pads, choice, count, flag, known_or_inferred, pads, per_axis
from ..text.language import Message
from ..text.lists import join_or, shortened
from .base import Layer, ParamShapes, by_rank, show_shape
from .connection import Connection, Shape, windowed
from .operations import Operations

__all__ = [
    "Conv",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
]


@dataclass(frozen=True)
class _Kernels(Layer):
    """Base of convolution and transposed convolution: kernels, groups, channels."""

    out_channels: int = count()
    kernel_size: Axes = per_axis()
    stride: Axes = per_axis(1)
    padding: Pads | Literal["same"] = pads(0)
    dilation: Axes = per_axis(1)
    groups: int = count(1)
    bias: bool = flag(True)
    in_channels: int | None = known_or_inferred()

    def channels(self, shape: Shape) -> int:
        """Return the input's channels, checked against `in_channels` and `groups`."""
        channels = shape[0]
        if self.in_channels not in (None, channels):
            raise BadShape(
                "{layer}.in_channels must be {channels} for input {shape} (got in_channels={got}). Set "
                "in_channels={channels} or leave it out. [conv-channels]",
                layer=self.kind,
                channels=channels,
                shape=show_shape(shape),
                got=self.in_channels,
            )
        for name, value in (("in_channels", channels), ("out_channels", self.out_channels)):
            if value % self.groups:
                divisors = [d for d in range(1, min(value, 10_000) + 1) if value % d == 0]
                few = join_or(map(str, divisors)) if len(divisors) <= 8 else shortened([*map(str, divisors)], 8)
                raise BadShape(
                    "{layer}.groups must divide {name} (got groups={groups}, {name}={value}). Use {divisors}. "
                    "[conv-groups]",
                    layer=self.kind,
                    name=name,
                    groups=self.groups,
                    value=value,
                    divisors=few,
                )
        return channels

    @property
    def taps(self) -> int:
        return prod(self.kernel_size)


@dataclass(frozen=True)
class Conv(_Kernels):
    """Convolution (cross-correlation) with `out_channels` kernels, each as deep as its group of channels.

    Shapes:   (c, h, w) → (out_channels, p, q); weight (out_channels, c / groups, kh, kw), bias (out_channels)
    Formula:  p = ⌊(h + before + after − dilation·(kh − 1) − 1) / stride⌋ + 1
    Units:    pixels; padding "same" is TensorFlow's SAME
    Errors:   BadShape [input-rank], [conv-channels], [conv-groups], [kernel-too-large], [conv-border]
    Source:   Dumoulin & Visin 2016, relation 15; PyTorch Conv2d
    """

    padding_mode: Border = choice("zeros", "reflect", "replicate", "circular")
    keyword: ClassVar[str] = "conv"
    positional: ClassVar[tuple[str, ...]] = ("out_channels", "kernel_size")

    def windows(self, shape: Shape) -> tuple[Window, ...]:
        """Return the window of each spatial axis, padding resolved for this input."""
        sizes = self.spatial(shape)
        kernels = zip(sizes, self.kernel_size, self.stride, self.dilation, strict=True)
        if self.padding == "same":
            return tuple(Window.same(n, k, s, d, self.padding_mode) for n, k, s, d in kernels)
        return tuple(
            Window(k, s, before, after, d, border=self.padding_mode)
            for (_, k, s, d), (before, after) in zip(kernels, self.padding, strict=True)
        )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (out_channels, positions per axis)."""
        (shape,) = inputs
        windows = self.windows(shape)
        self.channels(shape)
        for axis, (n, window) in enumerate(zip(shape[1:], windows, strict=True)):
            check_fits(self, axis, n, window)
            limit = {"reflect": n - 1, "circular": n}.get(self.padding_mode)
            if limit is not None and max(window.before, window.after) > limit:
                raise BadShape(
                    "{layer}.padding must be at most {limit} with padding_mode {mode} on {size} pixels (got "
                    "padding={got}). Pad less, or use padding_mode zeros. [conv-border]",
                    layer=self.kind,
                    limit=limit,
                    mode=self.padding_mode,
                    size=n,
                    got=max(window.before, window.after),
                )
        return (self.out_channels, *(w.positions(n) for n, w in zip(shape[1:], windows, strict=True)))

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        """Return weight (out, in / groups, kernel…) and bias (out)."""
        channels = self.channels(inputs[0])
        shapes: ParamShapes = {"weight": (self.out_channels, channels // self.groups, *self.kernel_size)}
        if self.bias:
            shapes["bias"] = (self.out_channels,)
        return shapes

    def operations(self, *inputs: Shape) -> Operations:
        outputs = prod(self.output_shape(*inputs))
        return Operations.matrix(outputs, inputs[0][0] // self.groups * self.taps, self.bias)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Return the windows; channels are mixed."""
        return windowed(self.windows(inputs[0]))


Conv1d, Conv2d, Conv3d = by_rank(Conv)


@dataclass(frozen=True)
class ConvTranspose(_Kernels):
    """Transposed convolution: the adjoint of a convolution.

    Shapes:   (c, h, w) → (out_channels, p, q); weight (c, out_channels / groups, kh, kw), bias (out_channels)
    Formula:  p = (h − 1)·stride − before − after + dilation·(kh − 1) + 1 + output_padding
    Units:    pixels; padding crops the output; "same" gives p = h·stride, as Keras does
    Errors:   BadShape [input-rank], [conv-channels], [conv-groups], [transposed-empty], [output-padding]
    Source:   Dumoulin & Visin 2016, relation 14; PyTorch ConvTranspose2d
    """

    output_padding: Axes = per_axis(0, least=0)
    keyword: ClassVar[str] = "convtranspose"
    positional: ClassVar[tuple[str, ...]] = ("out_channels", "kernel_size")

    def windows(self, shape: Shape) -> tuple[TransposedWindow, ...]:
        self.spatial(shape)
        windows = []
        for axis, (k, s, d) in enumerate(zip(self.kernel_size, self.stride, self.dilation, strict=True)):
            extra = self.output_padding[axis]
            if self.padding == "same":
                surplus = d * (k - 1) + 1 - s
                before, after = max(surplus, 0) // 2, max(surplus, 0) - max(surplus, 0) // 2
                extra += max(-surplus, 0)
            else:
                before, after = self.padding[axis]
            windows.append(TransposedWindow(k, s, before, after, d, extra))
        return tuple(windows)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (out_channels, positions per axis)."""
        (shape,) = inputs
        windows = self.windows(shape)
        self.channels(shape)
        for axis, extra in enumerate(self.output_padding):
            if extra >= max(self.stride[axis], self.dilation[axis]):
                raise BadShape(
                    "{layer}.output_padding must be smaller than stride or dilation (got "
                    "output_padding={extra}, stride={stride}, dilation={dilation}). Lower it or raise the "
                    "stride. [output-padding]",
                    layer=self.kind,
                    extra=extra,
                    stride=self.stride[axis],
                    dilation=self.dilation[axis],
                )
        sizes = tuple(window.positions(n) for n, window in zip(shape[1:], windows, strict=True))
        if min(sizes) < 1:
            raise BadShape(
                "{layer}.padding must leave at least one output pixel (got output {output} from input {shape}). "
                "Pad less or use a larger kernel. [transposed-empty]",
                layer=self.kind,
                output=show_shape(sizes),
                shape=show_shape(shape),
            )
        return (self.out_channels, *sizes)

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        """Return weight (in, out / groups, kernel…) and bias (out)."""
        channels = self.channels(inputs[0])
        shapes: ParamShapes = {"weight": (channels, self.out_channels // self.groups, *self.kernel_size)}
        if self.bias:
            shapes["bias"] = (self.out_channels,)
        return shapes

    def operations(self, *inputs: Shape) -> Operations:
        (shape,) = inputs
        products = prod(shape) * (self.out_channels // self.groups) * self.taps
        return Operations.matrix(prod(self.output_shape(shape)), 0, self.bias, macs=products)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Return the transposed windows; channels are mixed."""
        return windowed(self.windows(inputs[0]))


ConvTranspose1d, ConvTranspose2d, ConvTranspose3d = by_rank(ConvTranspose)


def check_fits(layer: Layer, axis: int, n: int, window: Window) -> None:
    """Raise BadShape where the window is larger than the padded axis."""
    if window.positions(n) >= 1:
        return
    side = (_LENGTH, _SIDES, _VOLUME)[(layer.rank or 1) - 1][axis]
    values = {
        "layer": layer.kind,
        "side": side,
        "size": n,
        "kernel": window.size,
        "least": window.reach - window.before - window.after,
    }
    if window.before or window.after:
        values |= {"before": window.before, "after": window.after}
        if window.dilation > 1:
            raise BadShape(
                "{layer}.kernel_size must fit into the padded input (got {side} {size} with padding "
                "{before} + {after}, kernel {kernel} with dilation {dilation}, which spans {reach}). "
                "Use a smaller kernel, or an input of {side} {least} or more. [kernel-too-large]",
                dilation=window.dilation,
                reach=window.reach,
                **values,
            )
        raise BadShape(
            "{layer}.kernel_size must fit into the padded input (got {side} {size} with padding "
            "{before} + {after}, kernel {kernel}). "
            "Use a smaller kernel, or an input of {side} {least} or more. [kernel-too-large]",
            **values,
        )
    if window.dilation > 1:
        raise BadShape(
            "{layer}.kernel_size must fit into the input (got {side} {size}, kernel {kernel} with dilation "
            "{dilation}, which spans {reach}). "
            "Use a smaller kernel, or an input of {side} {least} or more. [kernel-too-large]",
            dilation=window.dilation,
            reach=window.reach,
            **values,
        )
    raise BadShape(
        "{layer}.kernel_size must fit into the input (got {side} {size}, kernel {kernel}). "
        "Use a smaller kernel, or an input of {side} {least} or more. [kernel-too-large]",
        **values,
    )


_SIDES = (Message("height"), Message("width"))
_LENGTH = (Message("length"),)
_VOLUME = (Message("depth"), *_SIDES)
