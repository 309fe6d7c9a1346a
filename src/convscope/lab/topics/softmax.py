"""Softmax of a row of scores, its derivative, and cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers import softmax as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, backward, forward
from ...errors import BadSetting
from ...layers.activation import Softmax
from ..arrays import factor, index, number, of_rank
from ..lesson import Curves, Formulas, Lesson, Row, Section, Taught, Value, Words, same
from ..networks import chain
from ..options import INPUT_ROW, Option, integer
from ..topic import Chapter, Topic

SCORES = (2.0, 1.0, -1.0)
MOST = 12
"""Scores of one lesson."""

FORWARD = Text("Probabilities", "概率")
FORWARD_WORDS = Text(
    "Every score is the exponent of e, and the results are divided by their sum. The largest score is subtracted "
    "first: that changes no probability, and no exponential overflows.",
    "以每个得分为指数求 e 的幂，再除以总和。先减去最大的得分：概率不变，指数运算也不会溢出。",
)
JACOBIAN = Text("Derivative: every probability depends on every score", "导数：每个概率都依赖每个得分")
JACOBIAN_WORDS = Text(
    "Row i, column j is the derivative of $p_i$ with respect to score j: $p_i·(1 - p_i)$ on the diagonal, "
    "$-p_i·p_j$ elsewhere. Each row sums to 0.",
    "第 i 行第 j 列是 $p_i$ 对第 j 个得分的导数：对角线上为 $p_i·(1 - p_i)$，其余为 $-p_i·p_j$。每行之和为 0。",
)
LOSS = Text("Cross-entropy of class {target}", "类别 {target} 的交叉熵")
LOSS_WORDS = Text(
    "The loss is −ln p of the right class. Through softmax its gradient is p, less 1 at that class: the "
    "difference "
    "between what was predicted and what is right.",
    "损失为正确类别的 −ln p。经过 softmax，它对得分的梯度等于 p 在该类别处减 1：即预测与正确答案之差。",
)


@dataclass(frozen=True)
class SoftmaxTable(Taught):
    """Scores, their probabilities, the derivative, and the cross-entropy of one class with its gradient."""

    scores: Array
    probabilities: Array
    jacobian: Array
    target: int
    loss: float
    gradient: Array

    def lesson(self) -> Lesson:
        shifted = self.scores - self.scores.max()
        powers = np.exp(shifted)
        lines = [
            f"{index('p', i)} = e^({number(s)}) / {number(powers.sum())} = {number(p)}"
            for i, (s, p) in enumerate(zip(shifted, self.probabilities, strict=True))
        ]
        classes = tuple(same(str(i)) for i in range(len(self.scores)))
        return Lesson(
            "softmax",
            Text("Softmax and cross-entropy", "softmax 与交叉熵"),
            (
                Section(
                    FORWARD,
                    (
                        Words(FORWARD_WORDS),
                        Row(
                            (
                                Value("scores", self.scores, Text("scores", "得分")),
                                Value("shifted", shifted, Text("less the largest", "减去最大值")),
                                Value("exponentials", powers, Text("exponentials", "指数")),
                            )
                        ),
                        Formulas(tuple(lines)),
                        Row((Value("probabilities", self.probabilities, Text("probabilities", "概率")),)),
                        Curves("bars", FORWARD, Text("class", "类别"), classes, {"p": self.probabilities}),
                    ),
                ),
                Section(JACOBIAN, (Words(JACOBIAN_WORDS), Row((Value("jacobian", self.jacobian, same("dp")),)))),
                Section(
                    LOSS.fill(target=self.target),
                    (
                        Words(LOSS_WORDS),
                        Formulas(
                            (f"loss = −ln({index('p', self.target)}) = −ln("
                             f"{factor(self.probabilities[self.target])}) = {number(self.loss)}",)
                        ),
                        Row((Value("gradient", self.gradient, Text("gradient of the scores", "得分的梯度")),)),
                    ),
                ),
            ),
            chain(self.scores.shape, ("softmax", Softmax())),
        )  # fmt: skip


def softmax_table(scores: ArrayLike = SCORES, target: int = 0) -> SoftmaxTable:
    """Compute softmax of one row of scores, its derivative, a matrix, and the cross-entropy of one class.

    Shapes:   scores (k) → probabilities (k), jacobian (k, k), gradient (k)
    Errors:   BadSetting [lab-target]; BadShape [lab-numbers], [lab-rank]

    >>> softmax_table([1000.0, 1000.0]).probabilities
    array([0.5, 0.5])
    """
    row = of_rank("scores", scores, 1, "2,1,-1")[None]
    if not 0 <= target < row.size or row.size > MOST:
        raise BadSetting(
            "The class must be a number from 0 to {last}, and there may be {most} scores (got class {got} of "
            "{count}). [lab-target]",
            last=row.size - 1,
            most=MOST,
            got=target,
            count=row.size,
        )
    context, layer = Context(), Softmax()
    probabilities = forward(layer, (row,), {}, context)
    rows = [backward(layer, one[None], (row,), {}, context).inputs[0] for one in np.eye(row.size)]
    jacobian = np.concatenate([gradient for gradient in rows if gradient is not None])
    shifted = row[0] - row.max()
    loss = float(np.log(np.exp(shifted).sum()) - shifted[target])
    return SoftmaxTable(
        row[0], probabilities[0], jacobian, target, loss, probabilities[0] - np.eye(row.size)[target]
    )


def _teach(x: ArrayLike = SCORES, target: int = 0) -> Lesson:
    return softmax_table(x, target).lesson()


TOPIC = Topic(
    "softmax",
    Chapter.ACTIVATION,
    Text("probabilities, their derivative, and cross-entropy", "概率及其导数，交叉熵"),
    _teach,
    (INPUT_ROW, Option("target", "--target", "CLASS", "The right class.", integer(0))),
    "softmax --input 2,1,-1 --target 0",
)
