"""Linear, Embedding, Scale."""

from __future__ import annotations

from ....layers.dense import Embedding, Linear, Scale
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
