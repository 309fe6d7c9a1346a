"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....axis import Bins
from ....layers.connection import Shape
from ....layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    LPPool,
    MaxPool,
    MinPool,
    Pool,
    SpatialPyramidPool,
    StochasticPool,
)
from .convolution import flat_pads
from .graph import LayerWriter, write


def _settings(layer: Pool) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "kernel_shape": layer.kernel_size,
        "strides": layer.stride,
        "dilations": layer.dilation,
        "ceil_mode": int(layer.ceil_mode),
    }
    if layer.padding == "same":
        return {**settings, "auto_pad": "SAME_UPPER", "ceil_mode": 0}
    return {**settings, "pads": flat_pads(layer.padding)}


@write.register
def _(layer: MaxPool, writer: LayerWriter) -> None:
    writer.add("MaxPool", [writer.x], **_settings(layer))


@write.register
def _(layer: MinPool, writer: LayerWriter) -> None:
    negative = writer.add("Neg", [writer.x], "negative")
    largest = writer.add("MaxPool", [negative], "largest", **_settings(layer))
    writer.add("Neg", [largest])


@write.register
def _(layer: AvgPool, writer: LayerWriter) -> None:
    writer.add("AveragePool", [writer.x], count_include_pad=int(layer.count_include_pad), **_settings(layer))


def _window_sums(layer: Pool, writer: LayerWriter, x: str, part: str) -> str:
    """Append the sum of each window: a depthwise convolution with kernels of ones."""
    windows = layer.windows(writer.shape)
    ends = [
        (w.before, (w.positions(n) - 1) * w.stride + w.reach - n - w.before)
        for n, w in zip(writer.shape[1:], windows, strict=True)
    ]
    channels = writer.shape[0]
    ones = writer.tensor("ones", np.ones((channels, 1, *layer.kernel_size), np.float32))
    return writer.add(
        "Conv",
        [writer.add("Pad", [x, writer.integers("border", _pads(ends))], f"{part}.pad"), ones],
        part,
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        dilations=layer.dilation,
        group=channels,
    )


def _pads(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Return the pads, negative where no window covers the last rows."""
    return [0, 0, *(before for before, _ in ends), 0, 0, *(after for _, after in ends)]


@write.register
def _(layer: LPPool, writer: LayerWriter) -> None:
    size = writer.add("Abs", [writer.x], "size")
    powers = writer.add("Pow", [size, writer.scalar("norm", layer.norm_type)], "powers")
    sums = _window_sums(layer, writer, powers, "sums")
    writer.add("Pow", [sums, writer.scalar("root", 1 / layer.norm_type)])


@write.register
def _(layer: StochasticPool, writer: LayerWriter) -> None:
    """At inference Σa² / Σa over the positive elements a of a window; 0 if there are none."""
    positive = writer.add("Relu", [writer.x], "positive")
    sums = _window_sums(layer, writer, positive, "sums")
    squares = _window_sums(layer, writer, writer.add("Mul", [positive, positive], "square"), "squares")
    divisor = writer.add("Max", [sums, writer.scalar("least", 1e-37)], "divisor")
    writer.add("Div", [squares, divisor])


@write.register
def _(layer: GlobalAvgPool, writer: LayerWriter) -> None:
    writer.add("GlobalAveragePool", [writer.x])


@write.register
def _(layer: GlobalMaxPool, writer: LayerWriter) -> None:
    writer.add("GlobalMaxPool", [writer.x])


@write.register
def _(layer: AdaptiveAvgPool, writer: LayerWriter) -> None:
    _adaptive(writer, layer.output_size, "Average")


@write.register
def _(layer: AdaptiveMaxPool, writer: LayerWriter) -> None:
    _adaptive(writer, layer.output_size, "Max")


def _adaptive(writer: LayerWriter, sizes: Shape, kind: str, part: str = "") -> None:
    """Pool into bins: windows if the bins have equal sizes, otherwise slices of one axis after another."""
    pairs = list(zip(writer.shape[1:], sizes, strict=True))
    if all(size == 1 for size in sizes):
        writer.add(f"Global{kind}Pool", [writer.x], part)
        return
    if all(n % size == 0 for n, size in pairs):
        kernel = [n // size for n, size in pairs]
        writer.add(f"{kind}Pool", [writer.x], part, kernel_shape=kernel, strides=kernel)
        return
    operator = "ReduceMean" if kind == "Average" else "ReduceMax"
    label = part or "bins"
    x = writer.x
    for axis, (n, size) in enumerate(pairs, start=1):
        first, last = Bins(n, size).span(np.arange(size))
        along = writer.integers(f"{label}.axis{axis}", [axis + 1])
        pieces = []
        for index, (start, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            name = f"{label}.axis{axis}.{index}"
            piece = writer.slice(x, axis, start, end + 1, part=f"{name}.cut")
            pieces.append(writer.add(operator, [piece, along], name, keepdims=1))
        x = writer.add(
            "Concat", pieces, part if axis == len(pairs) else f"{label}.axis{axis}.joined", axis=axis + 1
        )


@write.register
def _(layer: SpatialPyramidPool, writer: LayerWriter) -> None:
    vectors = []
    for level in layer.levels:
        part = f"level{level}"
        _adaptive(writer, (level,) * (len(writer.shape) - 1), "Max", part)
        vectors.append(writer.add("Flatten", [f"{writer.name}/{part}"], f"{part}.flat"))
    writer.add("Concat", vectors, axis=1)
