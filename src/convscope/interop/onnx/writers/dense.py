"""Linear, Embedding, Scale and MultiheadAttention."""

from __future__ import annotations

import math

from ....layers.dense import Embedding, Linear, Scale
from ....layers.merge import MultiheadAttention
from .graph import LayerWriter, write


@write.register
def _(layer: Linear, writer: LayerWriter) -> None:
    x = writer.x
    if len(layer.vector(writer.shape)) > 1:
        rows(writer, x, "weight", "bias" if layer.bias else "")
        return
    if len(writer.shape) > 1:
        x = writer.add("Flatten", [x], "vector")
    bias = [writer.parameter("bias")] if layer.bias else []
    writer.add("Gemm", [x, writer.parameter("weight"), *bias], transB=1)


def rows(writer: LayerWriter, x: str, weight: str, bias: str, part: str = "") -> str:
    """Append the product of every row and a transposed weight, with a bias if there is one."""
    matrix = writer.parameter(weight, lambda array: array.T, "transposed")
    if not bias:
        return writer.add("MatMul", [x, matrix], part)
    product = writer.add("MatMul", [x, matrix], f"{part or 'layer'}.product", name="" if part else writer.name)
    return writer.add("Add", [product, writer.parameter(bias)], part, name="" if part else f"{writer.name}/bias")


@write.register
def _(layer: Embedding, writer: LayerWriter) -> None:
    index = writer.x if writer.x in writer.graph.integer_inputs else writer.add("Cast", [writer.x], "index", to=7)
    writer.add("Gather", [writer.parameter("weight"), index])


@write.register
def _(layer: Scale, writer: LayerWriter) -> None:
    writer.add("Mul", [writer.x, writer.parameter("weight")])


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
