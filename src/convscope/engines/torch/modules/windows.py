"""Layers with windows: convolution, pooling, padding, interpolation.

Paddings that PyTorch's own modules do not have are modules here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .... import layers as L
from ....axis import Window
from ....axis.map import Index
from ....layers.connection import Shape
from ....layers.pooling import AvgPool, LPPool, MaxPool, MinPool, Pool, SpatialPyramidPool
from .rule import Apply, Shapes, module_of

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


Ends = Sequence[tuple[int, int]]


def flat_ends(ends: Ends) -> list[int]:
    """Return (before, after) per axis as PyTorch's `pad` wants them: the last axis first."""
    return [end for pair in reversed(ends) for end in pair]


class PaddedConv(nn.Module):
    """A convolution with asymmetric padding."""

    def __init__(self, plain: Any, ends: Ends) -> None:
        super().__init__()
        self.plain = [plain]
        self.weight, self.bias = plain.weight, plain.bias
        self.ends = flat_ends(ends)
        self.mode = "constant" if plain.padding_mode == "zeros" else plain.padding_mode

    def forward(self, x: Tensor) -> Tensor:
        plain = self.plain[0]
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.weight.dim() - 3]
        padded = F.pad(x, self.ends, mode=self.mode)
        return convolve(padded, self.weight, self.bias, plain.stride, 0, plain.dilation, plain.groups)

    def extra_repr(self) -> str:
        return f"{self.plain[0].extra_repr()}, ends={self.ends}"


class CroppedConvTranspose(nn.Module):
    """A transposed convolution with asymmetric padding."""

    def __init__(self, plain: Any, ends: Ends) -> None:
        super().__init__()
        self.plain = [plain]
        self.weight, self.bias = plain.weight, plain.bias
        self.ends = [-end for end in flat_ends(ends)]

    def forward(self, x: Tensor) -> Tensor:
        plain = self.plain[0]
        rank = self.weight.dim() - 2
        convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
        whole = convolve(x, self.weight, None, plain.stride, 0, 0, plain.groups, plain.dilation)
        y = F.pad(whole, self.ends)
        return y if self.bias is None else y + self.bias.reshape(-1, *(1,) * rank)

    def extra_repr(self) -> str:
        return f"{self.plain[0].extra_repr()}, ends={self.ends}"


class WindowPool(nn.Module):
    """Pooling with any padding: the elements of every window are gathered and reduced."""

    def __init__(self, layer: Pool, shape: Shape) -> None:
        super().__init__()
        self.layer = layer
        for axis, (n, window) in enumerate(zip(shape[1:], layer.windows(shape), strict=True)):
            taps = window.taps(n)
            self.register_buffer(f"taps{axis}", torch.from_numpy(np.where(taps < 0, n, taps)), persistent=False)
            self.register_buffer(f"counts{axis}", torch.from_numpy(_counts(layer, n, window)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        rank = x.dim() - 2
        fill = float("-inf") if isinstance(self.layer, MaxPool) else 0.0
        y = F.pad(-x if isinstance(self.layer, MinPool) else x, [0, 1] * rank, value=fill)
        for axis in range(rank):
            taps = self.get_buffer(f"taps{axis}")
            dim = 2 + axis
            y = y.index_select(dim, taps.flatten())
            y = y.reshape(*y.shape[:dim], *taps.shape, *y.shape[dim + 1 :]).movedim(dim + 1, -1)
        return self._reduced(y.flatten(start_dim=2 + rank))

    def _reduced(self, under: Tensor) -> Tensor:
        layer = self.layer
        if isinstance(layer, MinPool):
            return -under.max(-1).values
        if isinstance(layer, MaxPool):
            return under.max(-1).values
        if isinstance(layer, LPPool):
            total: Tensor = under.abs().pow(layer.norm_type).sum(-1).pow(1 / layer.norm_type)
            return total
        total = under.sum(-1)
        for axis in range(total.dim() - 2):
            total = total / self.get_buffer(f"counts{axis}").reshape(-1, *(1,) * (total.dim() - 3 - axis))
        return total

    def extra_repr(self) -> str:
        return repr(self.layer)


def _counts(layer: Pool, n: int, window: Window) -> Index:
    """Return by how many elements each window's sum is divided: padding counts where the layer says so."""
    taps = window.taps(n)
    if not isinstance(layer, AvgPool) or not layer.count_include_pad:
        return np.asarray((taps >= 0).sum(axis=1))
    starts = np.arange(len(taps)) * window.stride - window.before
    places = starts[:, None] + np.arange(window.size) * window.dilation
    return np.asarray((places < n + window.after).sum(axis=1))


class PyramidPool(nn.Module):
    """Max pooling into several grids, flattened and joined."""

    def __init__(self, layer: SpatialPyramidPool) -> None:
        super().__init__()
        self.levels = layer.levels

    def forward(self, x: Tensor) -> Tensor:
        pool = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[x.dim() - 3]
        return torch.cat([pool(x, level).flatten(1) for level in self.levels], dim=1)

    def extra_repr(self) -> str:
        return f"levels={self.levels}"
