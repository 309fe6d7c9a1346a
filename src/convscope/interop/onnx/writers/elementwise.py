"""Elementwise functions of one input and of several, and reductions."""

from __future__ import annotations

import numpy as np

from ....layers.base import Layer
from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.merge import (
    Add,
    Concat,
    Divide,
    MatMul,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from ....layers.reduction import Reduce
from .graph import LayerWriter, write


@write.register
def _(layer: Affine, writer: LayerWriter) -> None:
    x = writer.x
    if layer.scale != 1 or layer.shift == 0:
        x = writer.add("Mul", [x, writer.scalar("scale", layer.scale)], "scaled" if layer.shift else "")
    if layer.shift:
        writer.add("Add", [x, writer.scalar("shift", layer.shift)])


@write.register
def _(layer: Clamp, writer: LayerWriter) -> None:
    bounds = (("low", layer.low), ("high", layer.high))
    names = ["" if value is None else writer.scalar(part, value) for part, value in bounds]
    writer.add("Clip", [writer.x, *names])


@write.register
def _(layer: Power, writer: LayerWriter) -> None:
    writer.add("Pow", [writer.x, writer.tensor("exponent", np.array(layer.exponent, np.float32))])


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
def _(layer: Function, writer: LayerWriter) -> None:
    if layer.function == "rsqrt":
        writer.add("Reciprocal", [writer.add("Sqrt", [writer.x], "root")])
    else:
        writer.add(_OPERATORS[layer.function], [writer.x])


def _align_inputs(writer: LayerWriter) -> list[str]:
    """Return the inputs reshaped to one rank: ONNX would align the batch of a shorter one with another axis."""
    rank = max(map(len, writer.node.input_shapes))
    names = []
    for index, (name, shape) in enumerate(zip(writer.node.inputs, writer.node.input_shapes, strict=True)):
        missing = (1,) * (rank - len(shape))
        names.append(writer.reshape(name, (*missing, *shape), f"aligned{index}") if missing else name)
    return names


_PAIRS: dict[type[Layer], str] = {Subtract: "Sub", Divide: "Div"}
_SEVERAL: dict[type[Layer], str] = {Maximum: "Max", Minimum: "Min"}


def _pair(layer: Layer, writer: LayerWriter) -> None:
    writer.add(_PAIRS[type(layer)], _align_inputs(writer))


def _several(layer: Layer, writer: LayerWriter) -> None:
    writer.add(_SEVERAL[type(layer)], _align_inputs(writer))


for _kind in _PAIRS:
    write.register(_kind, _pair)
for _kind in _SEVERAL:
    write.register(_kind, _several)


@write.register
def _(layer: Add, writer: LayerWriter) -> None:
    names = _align_inputs(writer)
    writer.add("Add" if len(names) == 2 else "Sum", names)


@write.register
def _(layer: Multiply, writer: LayerWriter) -> None:
    product, *rest = _align_inputs(writer)
    for index, name in enumerate(rest, start=1):
        product = writer.add("Mul", [product, name], "" if index == len(rest) else f"product{index}")


@write.register
def _(layer: Concat, writer: LayerWriter) -> None:
    writer.add("Concat", writer.node.inputs, axis=layer.axis + 1)


@write.register
def _(layer: MatMul, writer: LayerWriter) -> None:
    writer.add("MatMul", writer.node.inputs)


_REDUCTIONS = {"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}


@write.register
def _(layer: Reduce, writer: LayerWriter) -> None:
    axes = writer.integers("axes", [axis + 1 for axis in layer.along(writer.shape)])
    writer.add(_REDUCTIONS[layer.mode], [writer.x, axes], keepdims=int(layer.keepdims))
