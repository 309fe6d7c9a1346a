"""Layers that join branches, and reductions."""

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


def _aligned(task: LayerWriter) -> list[str]:
    """Return the inputs with one rank: ONNX would lay the batch of a shorter one beside another axis."""
    rank = max(map(len, task.node.input_shapes))
    names = []
    for index, (name, shape) in enumerate(zip(task.node.inputs, task.node.input_shapes, strict=True)):
        missing = (1,) * (rank - len(shape))
        names.append(task.reshape(name, (*missing, *shape), f"aligned{index}") if missing else name)
    return names


_PAIRS: dict[type[Layer], str] = {Subtract: "Sub", Divide: "Div"}
_SEVERAL: dict[type[Layer], str] = {Maximum: "Max", Minimum: "Min"}


def _pair(layer: Layer, task: LayerWriter) -> None:
    task.add(_PAIRS[type(layer)], _aligned(task))


def _several(layer: Layer, task: LayerWriter) -> None:
    task.add(_SEVERAL[type(layer)], _aligned(task))


for _kind in _PAIRS:
    write.register(_kind, _pair)
for _kind in _SEVERAL:
    write.register(_kind, _several)


@write.register
def _(layer: Add, task: LayerWriter) -> None:
    names = _aligned(task)
    task.add("Add" if len(names) == 2 else "Sum", names)


@write.register
def _(layer: Multiply, task: LayerWriter) -> None:
    product, *rest = _aligned(task)
    for index, name in enumerate(rest, start=1):
        product = task.add("Mul", [product, name], "" if index == len(rest) else f"product{index}")


@write.register
def _(layer: Concat, task: LayerWriter) -> None:
    task.add("Concat", task.node.inputs, axis=layer.axis + 1)


@write.register
def _(layer: MatMul, task: LayerWriter) -> None:
    task.add("MatMul", task.node.inputs)


_REDUCTIONS = {"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}


@write.register
def _(layer: Reduce, task: LayerWriter) -> None:
    axes = task.numbers("axes", [axis + 1 for axis in layer.along(task.shape)])
    task.add(_REDUCTIONS[layer.mode], [task.x, axes], keepdims=int(layer.keepdims))


@write.register
def _(layer: MultiheadAttention, task: LayerWriter) -> None:
    """Scaled dot products: projections, heads side by side, softmax, weighted sums, projection."""
    sources = task.node.inputs if len(task.node.inputs) == 3 else task.node.inputs * 3
    shapes = task.node.input_shapes if len(task.node.inputs) == 3 else task.node.input_shapes * 3
    width, heads = task.shape[1], layer.num_heads
    size = width // heads
    parts = {}
    for index, word in enumerate(("query", "key", "value")):
        rows = slice(index * width, (index + 1) * width)
        weight = task.tensor(f"{word}.weight", task.array("in_proj_weight")[rows].T)
        made = task.add("MatMul", [sources[index], weight], f"{word}.product")
        if layer.bias:
            bias = task.tensor(f"{word}.bias", task.array("in_proj_bias")[rows])
            made = task.add("Add", [made, bias], word)
        split = task.reshape(made, (shapes[index][0], heads, size), f"{word}.heads")
        order = (1, 2, 0) if word == "key" else (1, 0, 2)
        parts[word] = task.transpose(split, order, f"{word}.turned")
    scores = task.add("MatMul", [parts["query"], parts["key"]], "scores")
    scaled = task.add("Mul", [scores, task.number("scale", 1 / math.sqrt(size))], "scaled")
    shares = task.add("Softmax", [scaled], "shares", axis=-1)
    mixed = task.add("MatMul", [shares, parts["value"]], "mixed")
    joined = task.reshape(task.transpose(mixed, (1, 0, 2), "joined"), (task.shape[0], width), "rows")
    weight = task.parameter("out_proj.weight", lambda array: array.T, "transposed")
    if not layer.bias:
        task.add("MatMul", [joined, weight])
        return
    product = task.add("MatMul", [joined, weight], "output")
    task.add("Add", [product, task.parameter("out_proj.bias")])
