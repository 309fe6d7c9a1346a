"""Activations."""

from __future__ import annotations

from ....layers import activation as kinds
from ....layers.base import Layer
from .graph import LayerWriter, write

_SIMPLE: dict[type[Layer], str] = {
    kinds.ReLU: "Relu",
    kinds.Sigmoid: "Sigmoid",
    kinds.Tanh: "Tanh",
    kinds.Softplus: "Softplus",
    kinds.Mish: "Mish",
    kinds.Hardswish: "HardSwish",
    kinds.SELU: "Selu",
}


def _simple(layer: Layer, writer: LayerWriter) -> None:
    writer.add(_SIMPLE[type(layer)], [writer.x])


for _kind in _SIMPLE:
    write.register(_kind, _simple)


@write.register
def _(layer: kinds.ReLU6, writer: LayerWriter) -> None:
    writer.add("Clip", [writer.x, writer.scalar("low", 0.0), writer.scalar("high", 6.0)])


@write.register
def _(layer: kinds.LeakyReLU, writer: LayerWriter) -> None:
    writer.add("LeakyRelu", [writer.x], alpha=layer.negative_slope)


@write.register
def _(layer: kinds.PReLU, writer: LayerWriter) -> None:
    ones = [1] * (len(writer.shape) - 1)
    writer.add("PRelu", [writer.x, writer.parameter("weight", lambda slope: slope.reshape(-1, *ones), "slope")])


@write.register
def _(layer: kinds.ELU, writer: LayerWriter) -> None:
    writer.add("Elu", [writer.x], alpha=layer.alpha)


@write.register
def _(layer: kinds.GELU, writer: LayerWriter) -> None:
    writer.add("Gelu", [writer.x], approximate=layer.approximate)


@write.register
def _(layer: kinds.SiLU, writer: LayerWriter) -> None:
    gate = writer.add("Sigmoid", [writer.x], "gate", name=writer.name)
    writer.add("Mul", [writer.x, gate], name=f"{writer.name}/product")


@write.register
def _(layer: kinds.Hardsigmoid, writer: LayerWriter) -> None:
    writer.add("HardSigmoid", [writer.x], alpha=1 / 6, beta=0.5)


@write.register
def _(layer: kinds.Softmax, writer: LayerWriter) -> None:
    operator = "LogSoftmax" if isinstance(layer, kinds.LogSoftmax) else "Softmax"
    writer.add(operator, [writer.x], axis=layer.along(writer.shape) + 1)
