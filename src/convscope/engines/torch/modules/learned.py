"""Layers with parameters but without windows: dense, normalization, embedding, recurrent, attention, arrays."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn

from .... import layers as L
from ....layers.connection import Shape
from ....layers.normalization import LayerNorm
from .rule import Shapes, module_of


@module_of.register
def _(layer: L.Linear, shapes: Shapes) -> nn.Module:
    features = layer.vector(shapes[0])[-1]
    kind = nn.Linear if features == shapes[0][-1] else Vectors
    return kind(features, layer.out_features, layer.bias)


@module_of.register
def _(layer: L.Embedding, shapes: Shapes) -> nn.Module:
    return WholeNumbers(layer.num_embeddings, layer.embedding_dim)


@module_of.register
def _(layer: L.Scale, shapes: Shapes) -> nn.Module:
    return ScaleBy(layer.param_shapes(*shapes)["weight"])


@module_of.register
def _(layer: L.LSTM, shapes: Shapes) -> nn.Module:
    lstm = SequenceLSTM(
        shapes[0][1],
        layer.hidden_size,
        num_layers=layer.num_layers,
        bias=layer.biases != "none",
        batch_first=True,
        bidirectional=layer.bidirectional,
        proj_size=layer.proj_size,
    )
    if layer.biases == "one":  # PyTorch adds a second one, which stays 0
        for name, parameter in lstm.named_parameters():
            if name.startswith("bias_hh"):
                parameter.requires_grad_(False).data.zero_()
    return lstm


@module_of.register
def _(layer: L.MultiheadAttention, shapes: Shapes) -> nn.Module:
    return Attention(shapes[0][1], layer.num_heads, bias=layer.bias, batch_first=True)


@module_of.register
def _(layer: L.Parameter, shapes: Shapes) -> nn.Module:
    return Array(layer.shape, layer.learned)


class Vectors(nn.Linear):
    """A dense layer that also accepts a pooled image (n, in, 1, 1), and integers."""

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.dim() > 2 and prod(x.shape[2:]) == 1 and x.shape[1] == self.in_features
        return super().forward(x.flatten(1) if pooled else x)


class WholeNumbers(nn.Embedding):
    """An embedding that accepts integers of any type."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.long())


class ScaleBy(nn.Module):
    """Learned factors along one axis."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class SequenceLSTM(nn.LSTM):
    """An LSTM that returns only its output."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        output: Tensor = super().forward(x)[0]
        return output


class Attention(nn.MultiheadAttention):
    """Attention of one sequence with itself, or of query, key and value, without its weights as a result."""

    def forward(self, *sequences: Tensor) -> Tensor:  # type: ignore[override]
        query, key, value = sequences if len(sequences) == 3 else sequences * 3
        mixed: Tensor = super().forward(query, key, value, need_weights=False)[0]
        return mixed


class Array(nn.Module):
    """An array of the network's own, repeated for every image."""

    def __init__(self, shape: Shape, learned: bool) -> None:
        super().__init__()
        if learned:
            self.weight = nn.Parameter(torch.zeros(shape))
        else:
            self.register_buffer("value", torch.zeros(shape))
        self.learned = learned

    def forward(self, x: Tensor) -> Tensor:
        array = self.weight if self.learned else self.get_buffer("value")
        return array.expand(len(x), *array.shape)


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
