"""ReLU on every element of a matrix, forward and backward."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers import activation as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Context, backward, forward
from ...layers.activation import ReLU
from ..arrays import index, number, of_rank
from ..gradients import output_gradient
from ..lesson import Formulas, Lesson, Row, Section, Value, Words
from ..networks import chain
from ..options import GRADIENT, INPUT
from ..stepping import element_steps
from ..topic import Chapter, Topic

EXAMPLE = ((-2.5, 1.0, 0.5), (3.0, -0.5, 0.0))
MOST = 6
"""Elements that are written out."""

FORWARD = Text("Forward: each element on its own", "前向：逐元素运算")
FORWARD_WORDS = Text(
    "y = max(0, x): a negative value becomes 0, the others stay. Shape and channels stay as they are.",
    "y = max(0, x)：负值变为 0，其余不变。形状与通道数都不变。",
)
BACKWARD = Text("Backward: the gradient passes where x was positive", "反向：梯度只从 x 为正处通过")
BACKWARD_WORDS = Text(
    "dx is dy times the mask; the mask is 1 where x > 0. At 0 the derivative is a convention: 0.",
    "dx 等于 dy 乘以掩码，x > 0 处掩码为 1。0 处的导数是约定值，取 0。",
)


def _teach(x: ArrayLike = EXAMPLE, gradient: ArrayLike | None = None) -> Lesson:
    image = of_rank("--input", x, 2, "-2.5,1/3,-0.5")
    layer, inputs, context = ReLU(), (image[None],), Context()
    y = forward(layer, inputs, {}, context)[0]
    dy = output_gradient(gradient, y.shape)
    (dx,) = backward(layer, dy[None], inputs, {}, context).inputs
    assert dx is not None  # the input is no integer
    mask = (image > 0).astype(float)
    places = list(np.ndindex(image.shape))
    lines = tuple(
        f"{index('y', *at)} = max(0, {number(float(image[at]))}) = {number(float(y[at]))}" for at in places
    )
    steps = element_steps(
        "steps",
        (Value("x", image), "→", Value("y", y)),
        [{"x": (at,), "y": (at,)} for at in places],
        lines,
    )
    return Lesson(
        "relu",
        Text("Element-wise ReLU", "逐元素的 ReLU"),
        (
            Section(
                FORWARD,
                (
                    Words(FORWARD_WORDS),
                    Row((Value("x", image), "→", Value("y", y))),
                    Formulas(lines[:MOST]),
                    *steps,
                ),
            ),
            Section(
                BACKWARD,
                (
                    Words(BACKWARD_WORDS),
                    Row(
                        (Value("dy", dy), "⊙", Value("mask", mask, Text("mask", "掩码")), "=", Value("dx", dx[0]))
                    ),
                ),
            ),
        ),
        chain((1, *image.shape), ("relu", layer)),
    )


TOPIC = Topic(
    "relu",
    Chapter.ACTIVATION,
    Text("ReLU on every element of a matrix, forward and backward", "矩阵逐元素的 ReLU：前向与反向"),
    _teach,
    (INPUT, GRADIENT),
    "relu --input -2.5,1/3,-0.5",
)
