"""Pooling: windows, adaptive and global bins, spatial pyramids."""

from __future__ import annotations

from collections import Counter
from functools import singledispatch

import numpy as np

from ..axis import Bins
from ..errors import NoRule
from ..layers.connection import Shape
from ..layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AdaptivePool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalPool,
    LPPool,
    MaxPool,
    Pool,
    SpatialPyramidPool,
    StochasticPool,
)
from . import texts
from .axes import groups, input_letters, kernel_letters, output_letters
from .derivation import Derivation, Text
from .family import Shapes, counted, derivations, no_parameters, on_shape, product, symbols
from .windows import KERNEL, forward_sizes
from .worksheet import Worksheet

BY_CHANNEL = Text(
    "Pooling works on each channel on its own: as many channels come out as go in.",
    "池化在每个通道上独立进行：输出通道数等于输入通道数。",
)
WINDOW = Text("elements of one window", "一个窗口内的元素个数")
WINDOWS = Text("windows: one output each", "窗口个数，每个窗口一个输出")
OUTPUT_SIZE = Text("output size", "输出尺寸")
FULL_WINDOWS = Text("Windows at the border are counted as full ones.", "边界处的窗口按完整窗口计数。")
BEST = Text(
    "to find the extreme of $T$ values takes $T - 1$ comparisons", "在 $T$ 个数中取最值需要 $T - 1$ 次比较"
)
SUM = Text("to sum $T$ values takes $T - 1$ additions", "累加 $T$ 个数需要 $T - 1$ 次加法")
DIVIDE = Text("one division per window", "每个窗口一次除法")
ROOTS = Text("one square root per window, counted as a division", "每个窗口一次开方，按除法计")
SQUARES = Text("one square per element", "每个元素一次平方")
POWERS = Text("one power per element and one root per window", "每个元素一次乘幂，每个窗口一次开方")
WEIGHTED = Text("each element times its probability", "每个元素乘以其概率")
PROBABILITIES = Text("each element over the window's sum", "每个元素除以窗口之和")
TWO_SUMS = Text(
    "two sums per window: of the elements, and of the weighted ones", "每个窗口累加两次：元素之和与加权和"
)
RECTIFIED = Text(
    "each element compared with 0: negative values are never drawn", "每个元素与 0 比较，负值不会被抽中"
)

BEST_OF_BIN = Text("one comparison fewer than elements in each window", "每个窗口的比较次数比元素个数少一")
SUM_OF_BIN = Text("one addition fewer than elements in each window", "每个窗口的加法次数比元素个数少一")

WANTED = Text("output size asked for", "指定的输出尺寸")
ADAPTED = Text(
    "Adaptive pooling chooses its windows: along an axis of "
    "$n$ pixels window $i$ of $m$ covers the pixels from "
    "$⌊i·n / m⌋$ to $⌈(i + 1)·n / m⌉ - 1$.",
    "自适应池化自行选择窗口：在 $n$ 个像素的方向上，$m$ 个窗口中的第 "
    "$i$ 个覆盖从 $⌊i·n / m⌋$ 到 $⌈(i + 1)·n / m⌉ - 1$ 的像素。",
)
BINS = Text(
    "pixels in all windows together ({axes}): windows × width", "所有窗口的像素总数（{axes}）：窗口数 × 宽度"
)
ALL_BINS = Text("elements of all windows, channels included", "全部窗口的元素个数（含通道）")
GLOBAL = Text(
    "Global pooling reduces each channel to one value, whatever the image's size.",
    "全局池化把每个通道变成一个数，与图像尺寸无关。",
)
CHANNEL_ELEMENTS = Text("elements of all channels", "所有通道的元素个数")
LEVEL = Text("grid of the pyramid, level {number}", "金字塔第 {number} 层的网格")
LEVEL_UNITS = Text("cells of level {number}, all channels", "第 {number} 层的格子数（全部通道）")
LEVEL_COMPARISONS = Text(
    "comparisons of level {number}: elements of its cells less one per cell",
    "第 {number} 层的比较次数：格内元素个数减去格子数",
)
PYRAMID = Text(
    "Any image becomes a vector of this length: the formula does not contain the input size.",
    "任意尺寸的图像都变成同样长度的向量：公式中不含输入尺寸。",
)

Cost = tuple[str, str, Text]


@singledispatch
def window_costs(layer: Pool) -> list[Cost]:
    """Return (kind, formula in N outputs and T elements per window, what it is) of each operation."""
    raise NoRule(
        "explain has no operations for {layer}. Register them. [no-derivation]",
        layer=layer.kind,
    )


@window_costs.register
def _max(_layer: MaxPool) -> list[Cost]:
    return [("comparisons", "N·(T - 1)", BEST)]


@window_costs.register
def _average(_layer: AvgPool) -> list[Cost]:
    return [("additions", "N·(T - 1)", SUM), ("divisions", "N", DIVIDE)]


@window_costs.register
def _norm(layer: LPPool) -> list[Cost]:
    if layer.norm_type == 1:
        return [("additions", "N·(T - 1)", SUM)]
    if layer.norm_type == 2:
        return [("multiplications", "N·T", SQUARES), ("additions", "N·(T - 1)", SUM), ("divisions", "N", ROOTS)]
    return [("additions", "N·(T - 1)", SUM), ("exponentials", "N·T + N", POWERS)]


@window_costs.register
def _stochastic(_layer: StochasticPool) -> list[Cost]:
    return [
        ("multiplications", "N·T", WEIGHTED),
        ("additions", "2·N·(T - 1)", TWO_SUMS),
        ("comparisons", "N·T", RECTIFIED),
        ("divisions", "N·T", PROBABILITIES),
    ]


@derivations.register
def _pool(layer: Pool, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    windows = layer.windows(shape)
    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    grouped = groups(list(zip(shape[1:], windows, strict=True)))
    forward_sizes(sheet, shape[1:], windows, grouped, layer.padding == "same")
    outputs = ("c", *output_letters(len(windows)))
    sheet.shape(" × ".join(outputs), texts.THE_SHAPE)
    sheet.note(BY_CHANNEL)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]

    kernels = groups(list(zip(layer.kernel_size, strict=True)))
    for quantity, formula, label in window_costs(layer):
        sheet = on_shape(layer.output_shape(*inputs), outputs)
        for group in kernels:
            sheet.know(group.sign("k"), layer.kernel_size[group.first], KERNEL)
        sheet.step("T", product(kernel_letters(len(windows), kernels)), WINDOW)
        sheet.step("N", product(outputs), WINDOWS)
        sheet.note(FULL_WINDOWS)
        worked.append(counted(sheet, quantity, formula, label))
    return worked


@singledispatch
def bin_costs(layer: AdaptivePool | GlobalPool) -> list[Cost]:
    """Return (kind, formula in N outputs and E elements of all windows, what it is) of each operation."""
    raise NoRule(
        "explain has no operations for {layer}. Register them. [no-derivation]",
        layer=layer.kind,
    )


@bin_costs.register(AdaptiveMaxPool)
@bin_costs.register(GlobalMaxPool)
def _max_bins(_layer: AdaptiveMaxPool | GlobalMaxPool) -> list[Cost]:
    return [("comparisons", "E - N", BEST_OF_BIN)]


@bin_costs.register(AdaptiveAvgPool)
@bin_costs.register(GlobalAvgPool)
def _mean_bins(_layer: AdaptiveAvgPool | GlobalAvgPool) -> list[Cost]:
    return [("additions", "E - N", SUM_OF_BIN), ("divisions", "N", DIVIDE)]


@derivations.register
def _adaptive(layer: AdaptivePool, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    names = output_letters(len(layer.output_size))
    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    for name, size in zip(names, layer.output_size, strict=True):
        sheet.know(name, size, WANTED)
    sheet.shape(" × ".join(("c", *names)), texts.THE_SHAPE)
    sheet.note(ADAPTED)
    sheet.note(BY_CHANNEL)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]
    for quantity, formula, label in bin_costs(layer):
        sheet = on_shape(layer.output_shape(*inputs), ("c", *names))
        sheet.know("c", shape[0], texts.CHANNELS)
        _know_bins(sheet, shape, layer.output_size)
        sheet.step("N", product(("c", *names)), WINDOWS)
        worked.append(counted(sheet, quantity, formula, label))
    return worked


def _know_bins(sheet: Worksheet, shape: Shape, sizes: tuple[int, ...], mark: str = "") -> str:
    """Derive the elements of all bins as E, an element in two bins counted twice."""
    factors = ["c"]
    names = zip(input_letters(len(sizes)), shape[1:], sizes, groups(tuple(range(len(sizes)))), strict=True)
    for letter, n, size, group in names:
        first, last = Bins(n, size).span(np.arange(size, dtype=np.int64))
        widths = Counter((last - first + 1).tolist())
        symbol = f"E_{{{letter}{mark}}}" if mark else f"E_{letter}"
        formula = " + ".join(f"{many}·{width}" for width, many in sorted(widths.items()))
        sheet.step(symbol, formula, BINS.fill(axes=group.title))
        factors.append(symbol)
    total = f"E_{mark}" if mark else "E"
    sheet.step(total, product(factors), ALL_BINS)
    return total


@derivations.register
def _global(layer: GlobalPool, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    sheet = on_shape(shape)
    sheet.know("c", shape[0], texts.CHANNELS)
    sheet.shape(" × ".join(("c", *("1" for _ in shape[1:]))), texts.THE_SHAPE)
    sheet.note(GLOBAL)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]
    for quantity, formula, label in bin_costs(layer):
        sheet = on_shape(shape)
        sheet.step("E", product(symbols(shape)), CHANNEL_ELEMENTS)
        sheet.step("N", "c", WINDOWS)
        worked.append(counted(sheet, quantity, formula, label))
    return worked


@derivations.register
def _pyramid(layer: SpatialPyramidPool, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    rank = len(shape) - 1
    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    cells = []
    for number, level in enumerate(layer.levels, start=1):
        sheet.know(f"m_{number}", level, LEVEL.fill(number=number))
        cells.append(f"m_{number}^{rank}")
    sheet.shape(f"c·({' + '.join(cells)})", texts.THE_SHAPE)
    sheet.note(PYRAMID)
    size = sheet.finish("output_shape", texts.OUTPUT_SHAPE)

    sheet = Worksheet()
    sheet.know("c", shape[0], texts.CHANNELS)
    parts = []
    for number, level in enumerate(layer.levels, start=1):
        sheet.know(f"m_{number}", level, LEVEL.fill(number=number))
        total = _know_bins(sheet, shape, (level,) * rank, str(number))
        sheet.step(f"N_{number}", f"c·m_{number}^{rank}", LEVEL_UNITS.fill(number=number))
        sheet.step(f"R_{number}", f"{total} - N_{number}", LEVEL_COMPARISONS.fill(number=number))
        parts.append(f"R_{number}")
    return [size, no_parameters(), counted(sheet, "comparisons", " + ".join(parts))]
