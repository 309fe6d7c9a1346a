"""Normalization."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .... import layers as L
from ....layers.connection import Shape
from ....layers.normalization import LayerNorm
from .rule import Shapes, module_of


@module_of.register
def _(layer: L.BatchNorm, shapes: Shapes) -> nn.Module:
    kind = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[max(len(shapes[0]) - 2, 0)]
    return kind(shapes[0][0], eps=layer.eps, momentum=layer.momentum, affine=layer.affine)


@module_of.register
def _(layer: L.GroupNorm, shapes: Shapes) -> nn.Module:
    return nn.GroupNorm(layer.num_groups, shapes[0][0], eps=layer.eps, affine=layer.affine)


@module_of.register
def _(layer: L.InstanceNorm, shapes: Shapes) -> nn.Module:
    kind = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[len(shapes[0]) - 2]
    return kind(shapes[0][0], eps=layer.eps, affine=layer.affine)


@module_of.register
def _(layer: L.LayerNorm, shapes: Shapes) -> nn.Module:
    (shape,) = shapes
    axes = layer.normalized(shape)
    if axes == tuple(range(axes[0], len(shape))):
        return nn.LayerNorm(shape[axes[0] :], eps=layer.eps, elementwise_affine=layer.affine)
    return AxesNorm(layer, shape)


@module_of.register
def _(layer: L.LocalResponseNorm, shapes: Shapes) -> nn.Module:
    return nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)


class AxesNorm(nn.Module):
    """Layer normalization over any axes, with an elementwise scale and shift."""

    def __init__(self, layer: LayerNorm, shape: Shape) -> None:
        super().__init__()
        self.axes = [axis + 1 for axis in layer.normalized(shape)]
        self.eps = layer.eps
        sizes = tuple(shape[axis - 1] for axis in self.axes)
        self.shape = tuple(n if axis + 1 in self.axes else 1 for axis, n in enumerate(shape))
        self.weight = nn.Parameter(torch.ones(sizes)) if layer.affine else None
        self.bias = nn.Parameter(torch.zeros(sizes)) if layer.affine else None

    def forward(self, x: Tensor) -> Tensor:
        centered = x - x.mean(self.axes, keepdim=True)
        y = centered * torch.rsqrt(centered.square().mean(self.axes, keepdim=True) + self.eps)
        if self.weight is None or self.bias is None:
            return y
        return y * self.weight.reshape(self.shape) + self.bias.reshape(self.shape)

    def extra_repr(self) -> str:
        return f"axes={self.axes}, eps={self.eps}"
