"""Convolution in one dimension: its graph, its backward pass, and the flipped kernel in it."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ..arrays import of_rank
from ..correlation import correlation
from ..lesson import Lesson
from ..options import BIAS, INPUT_ROW, Option, row
from ..topic import Chapter, Topic

X, W, B = (1.0, 2.0, -1.0, 3.0, 0.0), (2.0, -1.0, 1.0), 1.0


def _teach(x: ArrayLike = X, kernel: ArrayLike = W, bias: float = B, gradient: ArrayLike | None = None) -> Lesson:
    return correlation(
        of_rank("input", x, 1, "1,2,-1,3,0"), of_rank("kernel", kernel, 1, "2,-1,1"), bias, gradient
    ).lesson()


TOPIC = Topic(
    "convolution-1d",
    Chapter.CONVOLUTION,
    Text(
        "5 values and a kernel of 3: graph, backward pass, flipped kernel",
        "5 个值与 3 个权重：计算图、反向传播、翻转的卷积核",
    ),
    _teach,
    (
        INPUT_ROW,
        Option("kernel", "--kernel", "NUMBERS", "Own kernel, such as 2,-1,1.", row),
        BIAS,
        Option("gradient", "--gradient", "NUMBERS", "Gradient of the output; ones by default.", row),
    ),
    "convolution-1d --input 1,2,3,4,5 --kernel 1,0,-1 --bias 0",
)
