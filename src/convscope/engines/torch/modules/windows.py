"""Layers with windows: convolution, pooling, padding, interpolation."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import nn

from .... import layers as L
from .apply import Apply
from .rule import Shapes, module_of
from .window_modules import CroppedConvTranspose, Ends, PaddedConv, PyramidPool, WindowPool, flat_ends

_CONV: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


_TRANSPOSED: tuple[Any, ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


_MAX: tuple[Any, ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)


_AVG: tuple[Any, ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)


_ADAPTIVE_AVG: tuple[Any, ...] = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)


_ADAPTIVE_MAX: tuple[Any, ...] = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)


def _ends(windows: tuple[Any, ...]) -> list[tuple[int, int]] | None:
    """Return (before, after) per axis; None where the two are equal everywhere."""
    ends = [(one.before, one.after) for one in windows]
    return ends if any(before != after for before, after in ends) else None


@module_of.register
def _(layer: L.Conv, shapes: Shapes) -> nn.Module:
    windows = layer.windows(shapes[0])
    ends = _ends(windows)
    conv: nn.Module = _CONV[len(windows) - 1](
        shapes[0][0],
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=0 if ends else tuple(one.before for one in windows),
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias,
        padding_mode=layer.padding_mode,
    )
    return PaddedConv(conv, ends) if ends else conv


@module_of.register
def _(layer: L.ConvTranspose, shapes: Shapes) -> nn.Module:
    windows = layer.windows(shapes[0])
    ends = _ends(windows)
    plain = ends is None and layer.padding != "same"
    conv: nn.Module = _TRANSPOSED[len(windows) - 1](
        shapes[0][0],
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=tuple(one.before for one in windows) if plain else 0,
        output_padding=layer.output_padding if plain else 0,
        groups=layer.groups,
        bias=layer.bias,
        dilation=layer.dilation,
    )
    return conv if plain else CroppedConvTranspose(conv, [(w.before, w.after - w.extra) for w in windows])


@module_of.register
def _(layer: L.Pool, shapes: Shapes) -> nn.Module:
    return WindowPool(layer, shapes[0])


@module_of.register
def _(layer: L.StochasticPool, shapes: Shapes) -> nn.Module:
    return module_of.dispatch(L.Layer)(layer, shapes)


@module_of.register
def _(layer: L.MinPool, shapes: Shapes) -> nn.Module:
    return WindowPool(layer, shapes[0])


@module_of.register
def _(layer: L.MaxPool, shapes: Shapes) -> nn.Module:
    windows = layer.windows(shapes[0])
    if _ends(windows):
        return WindowPool(layer, shapes[0])
    pads = tuple(one.before for one in windows)
    pool: nn.Module = _MAX[len(windows) - 1](
        layer.kernel_size, layer.stride, pads, layer.dilation, ceil_mode=layer.ceil_mode
    )
    return pool


@module_of.register
def _(layer: L.AvgPool, shapes: Shapes) -> nn.Module:
    windows = layer.windows(shapes[0])
    if _ends(windows) or set(layer.dilation) != {1}:
        return WindowPool(layer, shapes[0])
    pads = tuple(one.before for one in windows)
    pool: nn.Module = _AVG[len(windows) - 1](
        layer.kernel_size, layer.stride, pads, layer.ceil_mode, layer.count_include_pad
    )
    return pool


@module_of.register
def _(layer: L.AdaptiveAvgPool, shapes: Shapes) -> nn.Module:
    pool: nn.Module = _ADAPTIVE_AVG[len(layer.output_size) - 1](layer.output_size)
    return pool


@module_of.register
def _(layer: L.AdaptiveMaxPool, shapes: Shapes) -> nn.Module:
    pool: nn.Module = _ADAPTIVE_MAX[len(layer.output_size) - 1](layer.output_size)
    return pool


@module_of.register
def _(layer: L.GlobalAvgPool, shapes: Shapes) -> nn.Module:
    pool: nn.Module = _ADAPTIVE_AVG[len(shapes[0]) - 2](1)
    return pool


@module_of.register
def _(layer: L.GlobalMaxPool, shapes: Shapes) -> nn.Module:
    pool: nn.Module = _ADAPTIVE_MAX[len(shapes[0]) - 2](1)
    return pool


@module_of.register
def _(layer: L.SpatialPyramidPool, shapes: Shapes) -> nn.Module:
    return PyramidPool(layer)


@module_of.register
def _(layer: L.Pad, shapes: Shapes) -> nn.Module:
    return _padded([(one.before, one.after) for one in layer.windows(shapes[0])], layer.mode, layer.value)


@module_of.register
def _(layer: L.Crop, shapes: Shapes) -> nn.Module:
    windows = layer.as_pad(shapes[0]).windows(shapes[0])
    return _padded([(one.before, one.after) for one in windows], "zeros", 0.0)


def _padded(ends: Ends, mode: str, value: float) -> nn.Module:
    flat = flat_ends(ends)
    if mode == "zeros":
        return Apply(lambda x: F.pad(x, flat, value=value), f"pad {flat}")
    return Apply(lambda x: F.pad(x, flat, mode=mode), f"pad {flat} {mode}")


@module_of.register
def _(layer: L.Upsample, shapes: Shapes) -> nn.Module:
    rank = len(shapes[0]) - 1
    size: Any = layer.output_shape(*shapes)[1:]
    linear = ("linear", "bilinear", "trilinear")[min(rank, 3) - 1]
    mode = {"nearest": "nearest", "linear": linear, "cubic": "bicubic"}[layer.mode]
    return nn.Upsample(size, mode=mode, align_corners=None if mode == "nearest" else layer.align_corners)
