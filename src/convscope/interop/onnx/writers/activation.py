"""Activation functions and functions of one number."""

from __future__ import annotations

import numpy as np

from ....layers import activation as kinds
from ....layers.base import Layer
from ....layers.elementwise import Affine, Clamp, Function, Power
from .graph import LayerWriter, write

_PLAIN: dict[type[Layer], str] = {
    kinds.ReLU: "Relu",
    kinds.Sigmoid: "Sigmoid",
    kinds.Tanh: "Tanh",
    kinds.Softplus: "Softplus",
    kinds.Mish: "Mish",
    kinds.Hardswish: "HardSwish",
    kinds.SELU: "Selu",
}


def _plain(layer: Layer, task: LayerWriter) -> None:
    """Write a function without settings."""
    task.add(_PLAIN[type(layer)], [task.x])


for _kind in _PLAIN:
    write.register(_kind, _plain)


@write.register
def _(layer: kinds.ReLU6, task: LayerWriter) -> None:
    task.add("Clip", [task.x, task.number("low", 0.0), task.number("high", 6.0)])


@write.register
def _(layer: kinds.LeakyReLU, task: LayerWriter) -> None:
    task.add("LeakyRelu", [task.x], alpha=layer.negative_slope)


@write.register
def _(layer: kinds.PReLU, task: LayerWriter) -> None:
    ones = [1] * (len(task.shape) - 1)
    task.add("PRelu", [task.x, task.parameter("weight", lambda slope: slope.reshape(-1, *ones), "slope")])


@write.register
def _(layer: kinds.ELU, task: LayerWriter) -> None:
    task.add("Elu", [task.x], alpha=layer.alpha)


@write.register
def _(layer: kinds.GELU, task: LayerWriter) -> None:
    task.add("Gelu", [task.x], approximate=layer.approximate)


@write.register
def _(layer: kinds.SiLU, task: LayerWriter) -> None:
    gate = task.add("Sigmoid", [task.x], "gate", name=task.name)
    task.add("Mul", [task.x, gate], name=f"{task.name}/product")


@write.register
def _(layer: kinds.Hardsigmoid, task: LayerWriter) -> None:
    task.add("HardSigmoid", [task.x], alpha=1 / 6, beta=0.5)


@write.register
def _(layer: kinds.Softmax, task: LayerWriter) -> None:
    operator = "LogSoftmax" if isinstance(layer, kinds.LogSoftmax) else "Softmax"
    task.add(operator, [task.x], axis=layer.along(task.shape) + 1)


@write.register
def _(layer: Affine, task: LayerWriter) -> None:
    x = task.x
    if layer.scale != 1 or layer.shift == 0:
        x = task.add("Mul", [x, task.number("scale", layer.scale)], "scaled" if layer.shift else "")
    if layer.shift:
        task.add("Add", [x, task.number("shift", layer.shift)])


@write.register
def _(layer: Clamp, task: LayerWriter) -> None:
    bounds = (("low", layer.low), ("high", layer.high))
    names = ["" if value is None else task.number(word, value) for word, value in bounds]
    task.add("Clip", [task.x, *names])


@write.register
def _(layer: Power, task: LayerWriter) -> None:
    task.add("Pow", [task.x, task.tensor("exponent", np.array(layer.exponent, np.float32))])


_OPERATORS = {
    "abs": "Abs",
    "ceil": "Ceil",
    "cos": "Cos",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sqrt": "Sqrt",
}


@write.register
def _(layer: Function, task: LayerWriter) -> None:
    if layer.function == "rsqrt":
        task.add("Reciprocal", [task.add("Sqrt", [task.x], "root")])
    else:
        task.add(_OPERATORS[layer.function], [task.x])
