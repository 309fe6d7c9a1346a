"""Convolution and pooling with padding that PyTorch's own modules do not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....axis import Window
from ....axis.map import Index
from ....layers.connection import Shape
from ....layers.pooling import AvgPool, LPPool, MaxPool, MinPool, Pool, SpatialPyramidPool

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
