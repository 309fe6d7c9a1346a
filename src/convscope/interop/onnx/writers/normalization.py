"""Normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers.base import size_of
from ....layers.connection import Shape
from ....layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from .graph import LayerWriter, write


def _factors(writer: LayerWriter, affine: bool, shape: Shape) -> list[str]:
    """Store weight and bias; ones and zeros if the layer has none."""
    if affine:
        return [writer.parameter("weight"), writer.parameter("bias")]
    ones, zeros = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    return [writer.tensor("ones", ones), writer.tensor("zeros", zeros)]


@write.register
def _(layer: BatchNorm, writer: LayerWriter) -> None:
    statistics = [writer.parameter("running_mean"), writer.parameter("running_var")]
    factors = _factors(writer, layer.affine, writer.shape[:1])
    writer.add(
        "BatchNormalization", [writer.x, *factors, *statistics], epsilon=layer.eps, momentum=1 - layer.momentum
    )


@write.register
def _(layer: GroupNorm, writer: LayerWriter) -> None:
    factors = _factors(writer, layer.affine, writer.shape[:1])
    writer.add("GroupNormalization", [writer.x, *factors], epsilon=layer.eps, num_groups=layer.num_groups)


@write.register
def _(layer: InstanceNorm, writer: LayerWriter) -> None:
    writer.add(
        "InstanceNormalization", [writer.x, *_factors(writer, layer.affine, writer.shape[:1])], epsilon=layer.eps
    )


@write.register
def _(layer: LayerNorm, writer: LayerWriter) -> None:
    """ONNX normalizes the last axes only: other axes are moved to the end and back."""
    axes = layer.normalized(writer.shape)
    rank = len(writer.shape)
    factors = _factors(writer, layer.affine, tuple(writer.shape[axis] for axis in axes))
    settings: dict[str, Any] = {"axis": -len(axes), "epsilon": layer.eps}
    if axes == tuple(range(rank - len(axes), rank)):
        writer.add("LayerNormalization", [writer.x, *factors], **settings)
        return
    order = [axis for axis in range(rank) if axis not in axes] + list(axes)
    moved = writer.transpose(writer.x, order, "moved", name=writer.name)
    normal = writer.add("LayerNormalization", [moved, *factors], "normal", **settings)
    writer.transpose(normal, [order.index(axis) for axis in range(rank)], name=f"{writer.name}/back")


@write.register
def _(layer: LocalResponseNorm, writer: LayerWriter) -> None:
    if layer.size % 2:
        settings: dict[str, Any] = {"alpha": layer.alpha, "beta": layer.beta, "bias": layer.k}
        writer.add("LRN", [writer.x], size=layer.size, **settings)
        return
    # For an even size, PyTorch has one more neighbor before the channel, ONNX one more after it.
    channels, size = writer.shape[0], layer.size
    squares = writer.add("Mul", [writer.x, writer.x], "squares")
    rows = writer.reshape(squares, (1, channels, size_of(writer.shape[1:])), "rows")
    pads = writer.integers("border", [0, 0, size // 2, 0, 0, 0, (size - 1) // 2, 0])
    padded = writer.add("Pad", [rows, pads], "padded")
    mean = writer.add("AveragePool", [padded], "mean", kernel_shape=[size, 1], strides=[1, 1])
    back = writer.reshape(mean, writer.shape, "image")
    scaled = writer.add("Mul", [back, writer.scalar("alpha", layer.alpha)], "scaled")
    total = writer.add("Add", [scaled, writer.scalar("k", layer.k)], "total")
    divisor = writer.add("Pow", [total, writer.scalar("beta", layer.beta)], "divisor")
    writer.add("Div", [writer.x, divisor])
