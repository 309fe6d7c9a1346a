"""The PyTorch module of each layer. Layers that PyTorch has as modules are those; others are small ones here."""

from __future__ import annotations

from functools import partial, singledispatch
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ... import layers as L
from ...errors import NoRule
from ...layers.connection import Shape
from . import own_modules as own

Shapes = tuple[Shape, ...]


# One module per number of spatial axes; typed loosely, because their settings are typed per number of axes.
_CONV: tuple[Any, ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED: tuple[Any, ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_MAX: tuple[Any, ...] = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_AVG: tuple[Any, ...] = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_ADAPTIVE_AVG: tuple[Any, ...] = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
_ADAPTIVE_MAX: tuple[Any, ...] = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)


@singledispatch
def module_of(layer: L.Layer, shapes: Shapes) -> nn.Module:
    """Return a module that computes the layer on a batch of inputs of these shapes.

    Errors:   NoRule [no-torch] for a layer that PyTorch does not have
    """
    raise NoRule(
        f"{layer.kind}.torch must be known to write it as a PyTorch module; got no rule for {layer.kind}; "
        "put layers that PyTorch has in its place. [no-torch]"
    )


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
    return own.PaddedConv(conv, ends) if ends else conv


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
    return conv if plain else own.CroppedConvTranspose(conv, [(w.before, w.after - w.extra) for w in windows])


@module_of.register
def _(layer: L.Pool, shapes: Shapes) -> nn.Module:
    return own.WindowPool(layer, shapes[0])


@module_of.register
def _(layer: L.StochasticPool, shapes: Shapes) -> nn.Module:
    return module_of.dispatch(L.Layer)(layer, shapes)


@module_of.register
def _(layer: L.MinPool, shapes: Shapes) -> nn.Module:
    return own.WindowPool(layer, shapes[0])


@module_of.register
def _(layer: L.MaxPool, shapes: Shapes) -> nn.Module:
    windows = layer.windows(shapes[0])
    if _ends(windows):
        return own.WindowPool(layer, shapes[0])
    pads = tuple(one.before for one in windows)
    pool: nn.Module = _MAX[len(windows) - 1](
        layer.kernel_size, layer.stride, pads, layer.dilation, ceil_mode=layer.ceil_mode
    )
    return pool


@module_of.register
def _(layer: L.AvgPool, shapes: Shapes) -> nn.Module:
    windows = layer.windows(shapes[0])
    if _ends(windows) or set(layer.dilation) != {1}:
        return own.WindowPool(layer, shapes[0])
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
    return own.PyramidPool(layer)


@module_of.register
def _(layer: L.Linear, shapes: Shapes) -> nn.Module:
    features = layer.vector(shapes[0])[-1]
    kind = nn.Linear if features == shapes[0][-1] else own.Vectors
    return kind(features, layer.out_features, layer.bias)


@module_of.register
def _(layer: L.Embedding, shapes: Shapes) -> nn.Module:
    return own.WholeNumbers(layer.num_embeddings, layer.embedding_dim)


@module_of.register
def _(layer: L.Scale, shapes: Shapes) -> nn.Module:
    return own.ScaleBy(layer.param_shapes(*shapes)["weight"])


@module_of.register
def _(layer: L.LSTM, shapes: Shapes) -> nn.Module:
    lstm = own.SequenceLSTM(
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
    return own.AxesNorm(layer, shape)


@module_of.register
def _(layer: L.LocalResponseNorm, shapes: Shapes) -> nn.Module:
    return nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)


_PLAIN: dict[type[L.Layer], type[nn.Module]] = {
    L.Sigmoid: nn.Sigmoid,
    L.Tanh: nn.Tanh,
    L.ReLU: nn.ReLU,
    L.ReLU6: nn.ReLU6,
    L.SELU: nn.SELU,
    L.SiLU: nn.SiLU,
    L.Mish: nn.Mish,
    L.Softplus: nn.Softplus,
    L.Hardsigmoid: nn.Hardsigmoid,
    L.Hardswish: nn.Hardswish,
    L.Identity: nn.Identity,
    L.Flatten: nn.Flatten,
}
for _layer, _module in _PLAIN.items():
    module_of.register(_layer, lambda _layer, _shapes, module=_module: module())

module_of.register(L.LeakyReLU, lambda layer, _: nn.LeakyReLU(layer.negative_slope))
module_of.register(L.PReLU, lambda layer, _: nn.PReLU(layer.num_parameters, layer.init))
module_of.register(L.ELU, lambda layer, _: nn.ELU(layer.alpha))
module_of.register(L.GELU, lambda layer, _: nn.GELU(layer.approximate))
module_of.register(L.Softmax, lambda layer, shapes: nn.Softmax(layer.along(shapes[0]) + 1))
module_of.register(L.LogSoftmax, lambda layer, shapes: nn.LogSoftmax(layer.along(shapes[0]) + 1))
module_of.register(L.Dropout, lambda layer, _: nn.Dropout(layer.p))
module_of.register(L.PixelShuffle, lambda layer, _: nn.PixelShuffle(layer.upscale_factor))


@module_of.register
def _(layer: L.Reshape, shapes: Shapes) -> nn.Module:
    new = layer.output_shape(*shapes)
    return own.Apply(lambda x: x.reshape(len(x), *new), f"reshape {new}")


def _merge(kind: type[L.Layer], function: Any, words: str) -> None:
    module_of.register(kind, lambda _layer, _shapes: own.Apply(own.aligned(function), words))


_merge(L.Add, torch.add, "sum")
_merge(L.Subtract, torch.sub, "difference")
_merge(L.Multiply, torch.mul, "product")
_merge(L.Divide, torch.div, "quotient")
_merge(L.Maximum, torch.maximum, "maximum")
_merge(L.Minimum, torch.minimum, "minimum")


@module_of.register
def _(layer: L.Concat, shapes: Shapes) -> nn.Module:
    return own.Apply(lambda *xs: torch.cat(xs, dim=layer.axis + 1), f"concat axis={layer.axis}")


@module_of.register
def _(layer: L.MatMul, shapes: Shapes) -> nn.Module:
    return own.Apply(torch.matmul, "matrix product")


@module_of.register
def _(layer: L.MultiheadAttention, shapes: Shapes) -> nn.Module:
    return own.Attention(shapes[0][1], layer.num_heads, bias=layer.bias, batch_first=True)


@module_of.register
def _(layer: L.Affine, shapes: Shapes) -> nn.Module:
    scale, shift = layer.scale, layer.shift
    return own.Apply(lambda x: x * scale + shift, f"{scale:g}·x + {shift:g}")


@module_of.register
def _(layer: L.Clamp, shapes: Shapes) -> nn.Module:
    return own.Apply(partial(torch.clamp, min=layer.low, max=layer.high), f"clamp {layer.low} to {layer.high}")


@module_of.register
def _(layer: L.Power, shapes: Shapes) -> nn.Module:
    return own.Apply(lambda x: x.pow(layer.exponent), f"power {layer.exponent:g}")


@module_of.register
def _(layer: L.Function, shapes: Shapes) -> nn.Module:
    return own.Apply(getattr(torch, layer.function), layer.function)


@module_of.register
def _(layer: L.Reduce, shapes: Shapes) -> nn.Module:
    function: Any = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}[layer.mode]
    axes = [axis + 1 for axis in layer.along(shapes[0])]
    return own.Apply(partial(function, dim=axes, keepdim=layer.keepdims), f"{layer.mode} over {layer.axes}")


@module_of.register
def _(layer: L.Permute, shapes: Shapes) -> nn.Module:
    return own.Apply(lambda x: x.permute(0, *(a + 1 for a in layer.order)), f"permute {layer.order}")


@module_of.register
def _(layer: L.Pad, shapes: Shapes) -> nn.Module:
    return _padded([(one.before, one.after) for one in layer.windows(shapes[0])], layer.mode, layer.value)


@module_of.register
def _(layer: L.Crop, shapes: Shapes) -> nn.Module:
    windows = layer.as_pad(shapes[0]).windows(shapes[0])
    return _padded([(one.before, one.after) for one in windows], "zeros", 0.0)


def _padded(ends: own.Ends, mode: str, value: float) -> nn.Module:
    flat = own.flat_ends(ends)
    if mode == "zeros":
        return own.Apply(lambda x: F.pad(x, flat, value=value), f"pad {flat}")
    return own.Apply(lambda x: F.pad(x, flat, mode=mode), f"pad {flat} {mode}")


@module_of.register
def _(layer: L.Slice, shapes: Shapes) -> nn.Module:
    where = [slice(None)] * (layer.axis + 1) + [slice(layer.start, layer.stop, layer.step)]
    return own.Apply(lambda x: x[tuple(where)], f"axis {layer.axis}, {layer.start}:{layer.stop}:{layer.step}")


@module_of.register
def _(layer: L.ChannelShuffle, shapes: Shapes) -> nn.Module:
    return nn.ChannelShuffle(layer.groups)


@module_of.register
def _(layer: L.IndexSelect, shapes: Shapes) -> nn.Module:
    return own.Pick(layer.axis, layer.size)


@module_of.register
def _(layer: L.Roll, shapes: Shapes) -> nn.Module:
    dims = [axis + 1 for axis in layer.axes]
    return own.Apply(lambda x: x.roll(layer.shifts, dims), f"roll {layer.shifts} over {layer.axes}")


@module_of.register
def _(layer: L.Expand, shapes: Shapes) -> nn.Module:
    new = layer.shape

    def expanded(x: torch.Tensor) -> torch.Tensor:
        return x.reshape(len(x), *(1,) * (len(new) + 1 - x.dim()), *x.shape[1:]).expand(-1, *new)

    return own.Apply(expanded, f"expand {new}")


@module_of.register
def _(layer: L.Upsample, shapes: Shapes) -> nn.Module:
    rank = len(shapes[0]) - 1
    size: Any = layer.output_shape(*shapes)[1:]
    linear = ("linear", "bilinear", "trilinear")[min(rank, 3) - 1]
    mode = {"nearest": "nearest", "linear": linear, "cubic": "bicubic"}[layer.mode]
    return nn.Upsample(size, mode=mode, align_corners=None if mode == "nearest" else layer.align_corners)


@module_of.register
def _(layer: L.Parameter, shapes: Shapes) -> nn.Module:
    return own.Array(layer.shape, layer.learned)
