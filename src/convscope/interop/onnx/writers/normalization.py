"""Normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers.base import size_of
from ....layers.connection import Shape
from ....layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from .graph import LayerWriter, write


def _factors(task: LayerWriter, affine: bool, shape: Shape) -> list[str]:
    """Store weight and bias; ones and zeros where the layer has none."""
    if affine:
        return [task.parameter("weight"), task.parameter("bias")]
    ones, zeros = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    return [task.tensor("ones", ones), task.tensor("zeros", zeros)]


@write.register
def _(layer: BatchNorm, task: LayerWriter) -> None:
    statistics = [task.parameter("running_mean"), task.parameter("running_var")]
    factors = _factors(task, layer.affine, task.shape[:1])
    task.add("BatchNormalization", [task.x, *factors, *statistics], epsilon=layer.eps, momentum=1 - layer.momentum)


@write.register
def _(layer: GroupNorm, task: LayerWriter) -> None:
    factors = _factors(task, layer.affine, task.shape[:1])
    task.add("GroupNormalization", [task.x, *factors], epsilon=layer.eps, num_groups=layer.num_groups)


@write.register
def _(layer: InstanceNorm, task: LayerWriter) -> None:
    task.add("InstanceNormalization", [task.x, *_factors(task, layer.affine, task.shape[:1])], epsilon=layer.eps)


@write.register
def _(layer: LayerNorm, task: LayerWriter) -> None:
    """Normalized axes must stand last: others are moved there and back."""
    axes = layer.normalized(task.shape)
    rank = len(task.shape)
    factors = _factors(task, layer.affine, tuple(task.shape[axis] for axis in axes))
    settings: dict[str, Any] = {"axis": -len(axes), "epsilon": layer.eps}
    if axes == tuple(range(rank - len(axes), rank)):
        task.add("LayerNormalization", [task.x, *factors], **settings)
        return
    order = [axis for axis in range(rank) if axis not in axes] + list(axes)
    moved = task.transpose(task.x, order, "moved", name=task.name)
    normal = task.add("LayerNormalization", [moved, *factors], "normal", **settings)
    task.transpose(normal, [order.index(axis) for axis in range(rank)], name=f"{task.name}/back")


@write.register
def _(layer: LocalResponseNorm, task: LayerWriter) -> None:
    if layer.size % 2:
        settings: dict[str, Any] = {"alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}
        task.add("LRN", [task.x], size=layer.size, **settings)
        return
    # Of an even number of neighbors PyTorch has one more before, ONNX's operator one more after.
    channels, size = task.shape[0], layer.size
    squares = task.add("Mul", [task.x, task.x], "squares")
    rows = task.reshape(squares, (1, channels, size_of(task.shape[1:])), "rows")
    pads = task.numbers("border", [0, 0, size // 2, 0, 0, 0, (size - 1) // 2, 0])
    padded = task.add("Pad", [rows, pads], "padded")
    mean = task.add("AveragePool", [padded], "mean", kernel_shape=[size, 1], strides=[1, 1])
    back = task.reshape(mean, task.shape, "image")
    scaled = task.add("Mul", [back, task.number("alpha", layer.alpha)], "scaled")
    total = task.add("Add", [scaled, task.number("k", layer.k)], "total")
    divisor = task.add("Pow", [total, task.number("beta", layer.beta)], "divisor")
    task.add("Div", [task.x, divisor])
