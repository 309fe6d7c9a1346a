"""One window through every kind of pooling: outputs and gradients."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers import pooling as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, backward, forward
from ...errors import BadShape
from ...layers.base import Layer, show_shape
from ...layers.pooling import (
    AvgPool2d,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    LPPool2d,
    MaxPool2d,
    MinPool2d,
    SpatialPyramidPool,
    StochasticPool2d,
)
from ..arrays import numbers
from ..lesson import Lesson, Row, Section, Taught, Value, Words
from ..options import INPUT, SEED
from ..topic import Chapter, Topic

WINDOW = ((1.0, 3.0, 2.0), (3.0, 5.0, 4.0), (2.0, 5.0, 6.0))
_SLIDING = 2

TITLE = Text("Every kind of pooling", "各种池化")
WINDOW_TITLE = Text("One window", "一个窗口")
WINDOW_WORDS = Text(
    "Every kind reduces it in its own way. The gradient of the window is for a gradient of 1 per output.",
    "每种池化以各自的方式归约这个窗口。窗口的梯度按每个输出的梯度为 1 计算。",
)
OUTPUT, GRADIENT = Text("output", "输出"), Text("gradient of the window", "窗口的梯度")
KINDS = {
    "max": (Text("Max", "最大池化"), Text("The gradient goes to the winner.", "梯度只传给胜出者。")),
    "min": (Text("Min", "最小池化"), Text("The gradient goes to the smallest.", "梯度只传给最小者。")),
    "average": (Text("Average", "平均池化"), Text("The gradient is shared equally.", "梯度平均分给所有元素。")),
    "root of squares (LP, p = 2)": (
        Text("Root of squares (LP, p = 2)", "平方和开方（LP，p = 2）"),
        Text("Between average and max: the gradient is x / y.", "介于平均与最大之间：梯度为 x / y。"),
    ),
    "stochastic, training": (
        Text("Stochastic, in training", "随机池化（训练时）"),
        Text(
            "One element is drawn with a probability in proportion to its value; it alone gets the gradient.",
            "按与值成正比的概率抽取一个元素，只有它得到梯度。",
        ),
    ),
    "stochastic, inference": (
        Text("Stochastic, at inference", "随机池化（推理时）"),
        Text("The mean, weighted with these probabilities.", "以这些概率为权重的均值。"),
    ),
    "overlapping max, 2×2 stride 1": (
        Text("Overlapping max, 2×2, stride 1", "重叠的最大池化，2×2，步长 1"),
        Text(
            "An element may win in several windows; its gradient is the sum.",
            "一个元素可能在多个窗口中胜出，其梯度为各窗口之和。",
        ),
    ),
    "spatial pyramid, 2×2 and 1×1": (
        Text("Spatial pyramid, 2×2 and 1×1", "空间金字塔池化，2×2 与 1×1"),
        Text("Any input gives 4 + 1 values, level by level.", "任意尺寸的输入都得到 4 + 1 个值，逐层排列。"),
    ),
    "global average": (
        Text("Global average", "全局平均池化"),
        Text("One value per channel, as before a classifier.", "每个通道一个值，常用于分类器之前。"),
    ),
    "global max": (Text("Global max", "全局最大池化"), Text("One value per channel.", "每个通道一个值。")),
}
"""Title and remark, by the name of a row."""


@dataclass(frozen=True)
class PoolingRow:
    """One kind of pooling: its output, and the input gradient for an output gradient of 1."""

    name: str
    layer: Layer
    output: Array
    gradient: Array


@dataclass(frozen=True)
class PoolingTable(Taught):
    """The same window through several kinds of pooling."""

    window: Array
    rows: tuple[PoolingRow, ...]

    def __getitem__(self, name: str) -> PoolingRow:
        """Return the row of a kind by its name, as "max"."""
        return {row.name: row for row in self.rows}[name]

    def lesson(self) -> Lesson:
        sections = [Section(WINDOW_TITLE, (Words(WINDOW_WORDS), Row((Value("x", self.window),))))]
        for row in self.rows:
            title, remark = KINDS[row.name]
            key = re.sub(r"[^a-z0-9]+", "_", row.name.replace("×", "x").lower()).strip("_")
            values = Row((Value(f"{key}", row.output, OUTPUT), Value(f"{key}_gradient", row.gradient, GRADIENT)))
            sections.append(Section(title, (Words(remark), values)))
        return Lesson("pooling-kinds", TITLE, tuple(sections))


def pooling_table(window: ArrayLike = WINDOW, seed: int = 0) -> PoolingTable:
    """Pass one window through every kind of pooling, and a gradient of 1 per output back.

    The first kinds take the window as a whole; overlapping and pyramid pooling lay several smaller windows into
    it. `seed` draws the element of stochastic pooling in training.

    Shapes:   window (h, w), at least 2×2
    Errors:   BadShape [lab-window]

    >>> pooling_table([[1, 3], [3, 5]])["average"].output
    array([[3.]])
    """
    x = numbers("window", window)
    if x.ndim != 2 or min(x.shape) < _SLIDING:
        raise BadShape(
            "window must be a matrix of at least 2×2 numbers (got window={got}). Pass rows of numbers. "
            "[lab-window]",
            got=show_shape(x.shape),
        )
    whole = x.shape
    training = Context(training=True, generator=np.random.default_rng(seed))
    kinds: tuple[tuple[str, Layer, Context], ...] = (
        ("max", MaxPool2d(whole), Context()),
        ("min", MinPool2d(whole), Context()),
        ("average", AvgPool2d(whole), Context()),
        ("root of squares (LP, p = 2)", LPPool2d(whole), Context()),
        ("stochastic, training", StochasticPool2d(whole), training),
        ("stochastic, inference", StochasticPool2d(whole), Context()),
        ("overlapping max, 2×2 stride 1", MaxPool2d((_SLIDING, _SLIDING), stride=(1, 1)), Context()),
        ("spatial pyramid, 2×2 and 1×1", SpatialPyramidPool((2, 1)), Context()),
        ("global average", GlobalAvgPool2d(), Context()),
        ("global max", GlobalMaxPool2d(), Context()),
    )
    return PoolingTable(x, tuple(_row(name, layer, x, context) for name, layer, context in kinds))


def _row(name: str, layer: Layer, x: Array, context: Context) -> PoolingRow:
    inputs = (x[None, None],)
    output = forward(layer, inputs, {}, context)
    gradient = backward(layer, np.ones_like(output), inputs, {}, context).inputs[0]
    assert gradient is not None  # the input is no integer
    return PoolingRow(name, layer, np.atleast_2d(output.reshape(output.shape[2:] or -1)), gradient[0, 0])


def _teach(x: ArrayLike = WINDOW, seed: int = 0) -> Lesson:
    return pooling_table(x, seed).lesson()


TOPIC = Topic(
    "pooling-kinds",
    Chapter.POOLING,
    Text("one window through ten kinds of pooling, with gradients", "同一窗口经过十种池化：输出与梯度"),
    _teach,
    (INPUT, SEED),
    "pooling-kinds --input 1,3/2,4 --seed 3",
)
