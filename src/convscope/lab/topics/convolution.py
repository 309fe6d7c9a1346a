"""A convolution of one channel with your own kernels, stride and padding: values, arithmetic, gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.im2col.columns import im2col
from ...engines.reference.layers import convolution as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, backward, forward
from ...layers.convolution import Conv2d
from ..arrays import factor, index, number, of_rank
from ..gradients import output_gradient
from ..lesson import Formulas, Lesson, Row, Section, Value, Words
from ..networks import chain, derived
from ..options import BIAS, DILATION, INPUT, KERNELS, PADDING, STRIDE
from ..stepping import sliding_steps
from ..topic import Chapter, Topic
from ..windows import kernel_maps, refuse_too_large

X = (
    (9.0, 9.0, 9.0, 0.0, 0.0),
    (9.0, 9.0, 9.0, 0.0, 0.0),
    (9.0, 9.0, 9.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 0.0),
)
HORIZONTAL = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -1.0, -1.0))
VERTICAL = ((1.0, 0.0, -1.0), (1.0, 0.0, -1.0), (1.0, 0.0, -1.0))
MOST = 4
"""Outputs of the first map that are written out."""

SLIDE = Text("The input and the windows", "输入与窗口")
SLIDE_WORDS = Text(
    "The window slides over the padded input by the stride. {count} windows fit; the first ones are shown.",
    "窗口按步长在填充后的输入上滑动，共有 {count} 个窗口；下面是前几个。",
)
MAP = Text("Kernel {number}: one feature map", "卷积核 {number}：一张特征图")
MAP_WORDS = Text(
    "Each element of the map is the sum of window × kernel, element by element, plus the bias.",
    "特征图的每个元素，等于窗口与卷积核逐元素相乘后求和，再加偏置。",
)
BACKWARD = Text("Backward, for a gradient of 1 per output", "反向：每个输出的梯度取 1")
BACKWARD_WORDS = Text(
    "dx sums over the kernels and over every window that sees the pixel; dw sums over the windows.",
    "dx 对所有卷积核、所有看到该像素的窗口求和；dw 对所有窗口求和。",
)
SHAPE = Text("Size of the maps", "特征图的尺寸")
KERNEL, PADDED = Text("kernel", "卷积核"), Text("padded", "填充后")


def _teach(
    x: ArrayLike = X,
    kernels: Sequence[ArrayLike] = (HORIZONTAL, VERTICAL),
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    bias: float = 0.0,
) -> Lesson:
    image, weight = of_rank("input", x, 2, "9,9,0/9,9,0/0,0,0"), kernel_maps(kernels, 2)
    size = weight.shape[1:]
    refuse_too_large(tuple((k - 1) * dilation + 1 for k in size), image.shape, padding)
    layer = Conv2d(
        len(weight),
        size,
        stride=(stride, stride),
        padding=((padding, padding), (padding, padding)),
        dilation=(dilation, dilation),
    )
    inputs, context = (image[None, None],), Context()
    parameters = {"weight": weight[:, None], "bias": np.full(len(weight), bias)}
    maps = forward(layer, inputs, parameters, context)[0]
    gradients = backward(layer, output_gradient(None, (1, *maps.shape)), inputs, parameters, context)
    (dx,) = gradients.inputs
    assert dx is not None  # the input is no integer
    windows = im2col(image[None, None], size, stride, padding, dilation).T.reshape(-1, *size)
    network = chain((1, *image.shape), ("conv", layer))
    padded = Value("x_padded", np.pad(image, padding), PADDED)
    shown = windows[:MOST] if windows[0].size <= MOST * MOST * 2 else windows[:1]
    sections = [
        Section(SHAPE, tuple(derived(network, "conv", "output_shape"))),
        Section(
            SLIDE,
            (
                Words(SLIDE_WORDS.fill(count=len(windows))),
                Row((Value("x", image), *(("→", padded) if padding else ()))),
                Row(tuple(Value(f"window_{i}", one, _window(i, maps.shape[2])) for i, one in enumerate(shown))),
            ),
        ),
    ]
    for number_, (kernel, one) in enumerate(zip(weight, maps, strict=True), start=1):
        sections.append(
            Section(
                MAP.fill(number=number_),
                (
                    Words(MAP_WORDS),
                    Row(
                        (
                            Value(f"kernel_{number_}", kernel, KERNEL),
                            "→",
                            Value(f"map_{number_}", one, _y(number_)),
                        )
                    ),
                    Formulas(tuple(_arithmetic(windows, kernel, one, bias, number_))),
                    *sliding_steps(
                        f"steps_{number_}",
                        padded if padding else Value("x", image),
                        Value("kernel", kernel, KERNEL),
                        Value("map", one, _y(number_)),
                        stride=stride,
                        dilation=dilation,
                        padding=(padding, padding),
                        bias=bias or None,
                    ),
                ),
            )
        )
    dw = (Value(f"dw_{i}", one[0], _dw(i)) for i, one in enumerate(gradients.parameters["weight"], start=1))
    sections.append(
        Section(
            BACKWARD,
            (
                Words(BACKWARD_WORDS),
                Row((Value("dx", dx[0, 0]), *dw)),
                Row((Value("db", gradients.parameters["bias"]),)),
            ),
        )
    )
    return Lesson(
        "convolution", Text("Convolution with your own kernels", "用自己的卷积核做卷积"), tuple(sections), network
    )


def _window(place: int, columns: int) -> Text:
    at = f"({place // columns}, {place % columns})"
    return Text(f"window {at}", f"窗口 {at}")


def _y(number_: int) -> Text:
    return Text(f"map {number_}", f"特征图 {number_}")


def _dw(number_: int) -> Text:
    return Text(f"dw of kernel {number_}", f"卷积核 {number_} 的 dw")


def _arithmetic(windows: Array, kernel: Array, made: Array, bias: float, number_: int) -> list[str]:
    """Write the first outputs as sums of products; those with a factor 0 are left out."""
    lines = []
    for place, at in enumerate(list(np.ndindex(made.shape))[: MOST if number_ == 1 else 1]):
        pairs = [(a, b) for a, b in zip(windows[place].ravel(), kernel.ravel(), strict=True) if b]
        terms = " + ".join(f"{factor(a)}·{factor(b)}" for a, b in pairs) or "0"
        tail = f" + {factor(bias)}" if bias else ""
        lines.append(f"{index('y', *at)} = {terms}{tail} = {number(float(made[at]))}")
    return lines


TOPIC = Topic(
    "convolution",
    Chapter.CONVOLUTION,
    Text(
        "a matrix, your own kernels, stride and padding; values and gradients",
        "矩阵与自己的卷积核、步长和填充；值与梯度",
    ),
    _teach,
    (INPUT, KERNELS, STRIDE, PADDING, DILATION, BIAS),
    "convolution --input 1,2,3/4,5,6/7,8,9 --kernel 1,0/0,-1 --stride 1 --padding 1",
)
