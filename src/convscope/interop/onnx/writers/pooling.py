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
from .convolution import flat
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
    return {**settings, "pads": flat(layer.padding)}


@write.register
def _(layer: MaxPool, task: LayerWriter) -> None:
    task.add("MaxPool", [task.x], **_settings(layer))


@write.register
def _(layer: MinPool, task: LayerWriter) -> None:
    turned = task.add("Neg", [task.x], "negative")
    largest = task.add("MaxPool", [turned], "largest", **_settings(layer))
    task.add("Neg", [largest])


@write.register
def _(layer: AvgPool, task: LayerWriter) -> None:
    task.add("AveragePool", [task.x], count_include_pad=int(layer.count_include_pad), **_settings(layer))


def _total(layer: Pool, task: LayerWriter, x: str, part: str) -> str:
    """Sum each window, by a convolution with kernels of ones, channel by channel."""
    windows = layer.windows(task.shape)
    ends = [
        (w.before, (w.positions(n) - 1) * w.stride + w.reach - n - w.before)
        for n, w in zip(task.shape[1:], windows, strict=True)
    ]
    channels = task.shape[0]
    ones = task.tensor("ones", np.ones((channels, 1, *layer.kernel_size), np.float32))
    return task.add(
        "Conv",
        [task.add("Pad", [x, task.numbers("border", _border(ends))], f"{part}.pad"), ones],
        part,
        kernel_shape=layer.kernel_size,
        strides=layer.stride,
        dilations=layer.dilation,
        group=channels,
    )


def _border(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Return a border for Pad, which may cut rows that no window reaches."""
    return [0, 0, *(before for before, _ in ends), 0, 0, *(after for _, after in ends)]


@write.register
def _(layer: LPPool, task: LayerWriter) -> None:
    size = task.add("Abs", [task.x], "size")
    powers = task.add("Pow", [size, task.number("norm", layer.norm_type)], "powers")
    sums = _total(layer, task, powers, "sums")
    task.add("Pow", [sums, task.number("root", 1 / layer.norm_type)])


@write.register
def _(layer: StochasticPool, task: LayerWriter) -> None:
    """At inference Σa² / Σa of the positive elements a; 0 where there is none."""
    positive = task.add("Relu", [task.x], "positive")
    sums = _total(layer, task, positive, "sums")
    squares = _total(layer, task, task.add("Mul", [positive, positive], "square"), "squares")
    divisor = task.add("Max", [sums, task.number("least", 1e-37)], "divisor")
    task.add("Div", [squares, divisor])


@write.register
def _(layer: GlobalAvgPool, task: LayerWriter) -> None:
    task.add("GlobalAveragePool", [task.x])


@write.register
def _(layer: GlobalMaxPool, task: LayerWriter) -> None:
    task.add("GlobalMaxPool", [task.x])


@write.register
def _(layer: AdaptiveAvgPool, task: LayerWriter) -> None:
    _adaptive(task, layer.output_size, "Average")


@write.register
def _(layer: AdaptiveMaxPool, task: LayerWriter) -> None:
    _adaptive(task, layer.output_size, "Max")


def _adaptive(task: LayerWriter, sizes: Shape, what: str, part: str = "") -> None:
    """Pool into bins: equal ones are windows; others are cut out, one axis after another."""
    pairs = list(zip(task.shape[1:], sizes, strict=True))
    if all(size == 1 for size in sizes):
        task.add(f"Global{what}Pool", [task.x], part)
        return
    if all(n % size == 0 for n, size in pairs):
        kernel = [n // size for n, size in pairs]
        task.add(f"{what}Pool", [task.x], part, kernel_shape=kernel, strides=kernel)
        return
    operator = "ReduceMean" if what == "Average" else "ReduceMax"
    label = part or "bins"
    x = task.x
    for axis, (n, size) in enumerate(pairs, start=1):
        first, last = Bins(n, size).span(np.arange(size))
        along = task.numbers(f"{label}.axis{axis}", [axis + 1])
        pieces = []
        for index, (start, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            name = f"{label}.axis{axis}.{index}"
            piece = task.cut(x, axis, start, end + 1, part=f"{name}.cut")
            pieces.append(task.add(operator, [piece, along], name, keepdims=1))
        x = task.add("Concat", pieces, part if axis == len(pairs) else f"{label}.axis{axis}.joined", axis=axis + 1)


@write.register
def _(layer: SpatialPyramidPool, task: LayerWriter) -> None:
    vectors = []
    for level in layer.levels:
        part = f"level{level}"
        _adaptive(task, (level,) * (len(task.shape) - 1), "Max", part)
        vectors.append(task.add("Flatten", [f"{task.name}/{part}"], f"{part}.flat"))
    task.add("Concat", vectors, axis=1)
