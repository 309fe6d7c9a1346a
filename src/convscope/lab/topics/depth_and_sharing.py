"""Kernel depth, output depth and shared weights."""

from __future__ import annotations

from math import prod

import numpy as np

from ...derivations.derivation import Text
from ...layers.base import show_shape
from ...layers.convolution import Conv2d
from ..arrays import number
from ..lesson import Curves, Formulas, Lesson, Section, Table, Words
from ..networks import chain, derived
from ..options import SHAPE, Option, integer
from ..topic import Chapter, Topic
from ..windows import refuse_too_large

DEPTH = Text("Depth of a kernel, number of kernels", "卷积核的深度与个数")
DEPTH_WORDS = Text(
    "The input has {channels} channels, so each kernel is {channels} slices of {size}×{size}. Each kernel sums "
    "its "
    "slices to one map, so {kernels} kernels give {kernels} maps.",
    "输入有 {channels} 个通道，因此每个卷积核由 {channels} 片 {size}×{size} 的权重组成。"
    "每个卷积核把各片的结果求和成一张图，"
    "因此 {kernels} 个卷积核得到 {kernels} 张特征图。",
)
PARAMETERS = Text("Parameters", "参数量")
SHARING = Text("What sharing saves", "权重共享节省了多少")
SHARING_WORDS = Text(
    "The same kernel works at all {positions} positions. With own weights at every position (a locally connected "
    "layer) there would be {positions} times as many; a dense layer sees every input from every output.",
    "同一个卷积核用于全部 {positions} 个位置。若每个位置各有一组权重（局部连接层），权重将是 {positions} 倍；"
    "全连接层的每个输出则看到全部输入。",
)
COLUMNS = {
    "layer": Text("layer with the same output", "输出相同的层"),
    "weights": Text("weights", "权重"),
    "biases": Text("biases", "偏置"),
    "parameters": Text("parameters", "参数量"),
    "ratio": Text("ratio", "倍数"),
}
LAYERS = (
    Text("convolution", "卷积层"),
    Text("locally connected", "局部连接层"),
    Text("dense", "全连接层"),
)
TITLE = Text("Depth and sharing", "深度与权重共享")


def _teach(shape: tuple[int, ...] = (3, 32, 32), kernels: int = 32, size: int = 3) -> Lesson:
    refuse_too_large((size, size), shape[1:])
    network = chain(shape, ("conv", Conv2d(kernels, (size, size))))
    output = network["conv"].output_shape
    channels, positions, outputs = shape[0], prod(output[1:]), prod(output)
    one = channels * size * size
    shared = (one * kernels, kernels)
    local = (one * outputs, outputs)
    dense = (prod(shape) * outputs, outputs)
    rows = tuple(
        (name, weights, biases, weights + biases, (weights + biases) / sum(shared))
        for name, (weights, biases) in zip(LAYERS, (shared, local, dense), strict=True)
    )
    lines = (
        f"depth = {channels}",
        f"weights = {channels}·{size}·{size}·{kernels} = {number(shared[0])}",
        f"maps = {kernels}",
    )
    totals = np.array([row[3] for row in rows])
    return Lesson(
        "depth-and-sharing",
        TITLE,
        (
            Section(
                DEPTH,
                (
                    Words(DEPTH_WORDS.fill(channels=channels, kernels=kernels, size=size)),
                    Formulas(lines),
                    Table(
                        "shapes",
                        {"what": Text("array", "数组"), "shape": Text("shape", "形状")},
                        (
                            (Text("input", "输入"), show_shape(shape)),
                            (Text("one kernel", "一个卷积核"), f"{channels}×{size}×{size}"),
                            (Text("all kernels", "全部卷积核"), f"{kernels}×{channels}×{size}×{size}"),
                            (Text("output", "输出"), show_shape(output)),
                        ),
                    ),
                ),
            ),
            Section(PARAMETERS, tuple(derived(network, "conv", "params"))),
            Section(
                SHARING,
                (
                    Words(SHARING_WORDS.fill(positions=positions)),
                    Table("layers", COLUMNS, rows),
                    Curves("bars", PARAMETERS, COLUMNS["layer"], LAYERS, {"parameters": totals}, logarithmic=True),
                ),
            ),
        ),
        network,
    )


TOPIC = Topic(
    "depth-and-sharing",
    Chapter.CONVOLUTION,
    Text(
        "kernel depth, number of maps, and what sharing weights saves",
        "卷积核深度、特征图数量，以及权重共享的节省",
    ),
    _teach,
    (
        SHAPE,
        Option("kernels", "--kernels", "COUNT", "Number of kernels.", integer(1)),
        Option("size", "--size", "PIXELS", "Side of the kernel.", integer(1)),
    ),
    "depth-and-sharing --shape 3x32x32 --kernels 32 --size 3",
)
