"""Convolution in two dimensions, forward and backward, with the flipped kernel."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ..arrays import of_rank
from ..correlation import correlation
from ..lesson import Lesson
from ..options import BIAS, GRADIENT, INPUT, KERNEL
from ..topic import Chapter, Topic

X, W = ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), (7.0, 8.0, 9.0)), ((1.0, 0.0), (-1.0, 2.0))


def _teach(
    x: ArrayLike = X, kernel: ArrayLike = W, bias: float = 0.0, gradient: ArrayLike | None = None
) -> Lesson:
    return correlation(
        of_rank("input", x, 2, "1,2,3/4,5,6/7,8,9"), of_rank("kernel", kernel, 2, "1,0/-1,2"), bias, gradient
    ).lesson()


TOPIC = Topic(
    "convolution-2d",
    Chapter.CONVOLUTION,
    Text(
        "3×3 values and a kernel of 2×2: graph, backward pass, flipped kernel",
        "3×3 的矩阵与 2×2 的卷积核：计算图、反向传播、翻转的卷积核",
    ),
    _teach,
    (INPUT, KERNEL, BIAS, GRADIENT),
    "convolution-2d --input 1,2,3/4,5,6/7,8,9 --kernel 1,0/-1,2",
)
