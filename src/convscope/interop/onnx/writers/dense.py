"""Linear, Embedding, Scale."""

from __future__ import annotations

from ....layers.dense import Embedding, Linear, Scale
from .graph import LayerWriter, write


@write.register
def _(layer: Linear, task: LayerWriter) -> None:
    x = task.x
    if len(layer.vector(task.shape)) > 1:
        rows(task, x, "weight", "bias" if layer.bias else "")
        return
    if len(task.shape) > 1:
        x = task.add("Flatten", [x], "vector")
    bias = [task.parameter("bias")] if layer.bias else []
    task.add("Gemm", [x, task.parameter("weight"), *bias], transB=1)


def rows(task: LayerWriter, x: str, weight: str, bias: str, part: str = "") -> str:
    """Multiply every row by a weight's transpose, and add a bias if there is one."""
    matrix = task.parameter(weight, lambda array: array.T, "transposed")
    if not bias:
        return task.add("MatMul", [x, matrix], part)
    product = task.add("MatMul", [x, matrix], f"{part or 'layer'}.product", name="" if part else task.name)
    return task.add("Add", [product, task.parameter(bias)], part, name="" if part else f"{task.name}/bias")


@write.register
def _(layer: Embedding, task: LayerWriter) -> None:
    index = task.x if task.x in task.graph.whole else task.add("Cast", [task.x], "index", to=7)
    task.add("Gather", [task.parameter("weight"), index])


@write.register
def _(layer: Scale, task: LayerWriter) -> None:
    task.add("Mul", [task.x, task.parameter("weight")])
