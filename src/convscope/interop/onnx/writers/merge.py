"""Merges of several inputs, reductions, and attention."""

from __future__ import annotations

import math

from ....layers.base import Layer
from ....layers.merge import (
    Add,
    Concat,
    Divide,
    MatMul,
    Maximum,
    Minimum,
    MultiheadAttention,
    Multiply,
    Subtract,
)
from ....layers.reduction import Reduce
from .graph import LayerWriter, write


def _aligned(writer: LayerWriter) -> list[str]:
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
    writer.add(_PAIRS[type(layer)], _aligned(writer))


def _several(layer: Layer, writer: LayerWriter) -> None:
    writer.add(_SEVERAL[type(layer)], _aligned(writer))


for _kind in _PAIRS:
    write.register(_kind, _pair)
for _kind in _SEVERAL:
    write.register(_kind, _several)


@write.register
def _(layer: Add, writer: LayerWriter) -> None:
    names = _aligned(writer)
    writer.add("Add" if len(names) == 2 else "Sum", names)


@write.register
def _(layer: Multiply, writer: LayerWriter) -> None:
    product, *rest = _aligned(writer)
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


@write.register
def _(layer: MultiheadAttention, writer: LayerWriter) -> None:
    """Scaled dot-product attention: projections, heads, softmax, weighted sums, output projection."""
    sources = writer.node.inputs if len(writer.node.inputs) == 3 else writer.node.inputs * 3
    shapes = writer.node.input_shapes if len(writer.node.inputs) == 3 else writer.node.input_shapes * 3
    width, heads = writer.shape[1], layer.num_heads
    size = width // heads
    parts = {}
    for index, part in enumerate(("query", "key", "value")):
        rows = slice(index * width, (index + 1) * width)
        weight = writer.tensor(f"{part}.weight", writer.array("in_proj_weight")[rows].T)
        projected = writer.add("MatMul", [sources[index], weight], f"{part}.product")
        if layer.bias:
            bias = writer.tensor(f"{part}.bias", writer.array("in_proj_bias")[rows])
            projected = writer.add("Add", [projected, bias], part)
        split = writer.reshape(projected, (shapes[index][0], heads, size), f"{part}.heads")
        order = (1, 2, 0) if part == "key" else (1, 0, 2)
        parts[part] = writer.transpose(split, order, f"{part}.permuted")
    scores = writer.add("MatMul", [parts["query"], parts["key"]], "scores")
    scaled = writer.add("Mul", [scores, writer.scalar("scale", 1 / math.sqrt(size))], "scaled")
    weights = writer.add("Softmax", [scaled], "weights", axis=-1)
    mixed = writer.add("MatMul", [weights, parts["value"]], "mixed")
    joined = writer.reshape(writer.transpose(mixed, (1, 0, 2), "joined"), (writer.shape[0], width), "rows")
    weight = writer.parameter("out_proj.weight", lambda array: array.T, "transposed")
    if not layer.bias:
        writer.add("MatMul", [joined, weight])
        return
    product = writer.add("MatMul", [joined, weight], "output")
    writer.add("Add", [product, writer.parameter("out_proj.bias")])
