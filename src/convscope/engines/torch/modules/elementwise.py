"""Activation functions, elementwise arithmetic, matrix products and reductions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from .... import layers as L
from .rule import Apply, Shapes, module_of


def aligned(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Broadcast tensors of several ranks, with axes of size 1 inserted after the batch."""

    def combined(*inputs: Tensor) -> Tensor:
        rank = max(x.dim() for x in inputs)
        first, *others = (x.reshape(len(x), *(1,) * (rank - x.dim()), *x.shape[1:]) for x in inputs)
        for other in others:
            first = function(first, other)
        return first

    return combined


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


def _merge(kind: type[L.Layer], function: Any, words: str) -> None:
    module_of.register(kind, lambda _layer, _shapes: Apply(aligned(function), words))


_merge(L.Add, torch.add, "sum")


_merge(L.Subtract, torch.sub, "difference")


_merge(L.Multiply, torch.mul, "product")


_merge(L.Divide, torch.div, "quotient")


_merge(L.Maximum, torch.maximum, "maximum")


_merge(L.Minimum, torch.minimum, "minimum")


@module_of.register
def _(layer: L.MatMul, shapes: Shapes) -> nn.Module:
    return Apply(torch.matmul, "matrix product")


@module_of.register
def _(layer: L.Affine, shapes: Shapes) -> nn.Module:
    scale, shift = layer.scale, layer.shift
    return Apply(lambda x: x * scale + shift, f"{scale:g}·x + {shift:g}")


@module_of.register
def _(layer: L.Clamp, shapes: Shapes) -> nn.Module:
    return Apply(partial(torch.clamp, min=layer.low, max=layer.high), f"clamp {layer.low} to {layer.high}")


@module_of.register
def _(layer: L.Power, shapes: Shapes) -> nn.Module:
    return Apply(lambda x: x.pow(layer.exponent), f"power {layer.exponent:g}")


@module_of.register
def _(layer: L.Function, shapes: Shapes) -> nn.Module:
    return Apply(getattr(torch, layer.function), layer.function)


@module_of.register
def _(layer: L.Reduce, shapes: Shapes) -> nn.Module:
    function: Any = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}[layer.mode]
    axes = [axis + 1 for axis in layer.along(shapes[0])]
    return Apply(partial(function, dim=axes, keepdim=layer.keepdims), f"{layer.mode} over {layer.axes}")
