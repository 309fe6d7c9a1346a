"""Weight decay (L2 regularization): a pull of every weight towards 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.common.updates import state_slots, update
from ...engines.reference.layers.rules import Array
from ...errors import BadSetting
from ...optim.optimizers import SGD
from ..arrays import factor, index, number, of_rank
from ..lesson import Cell, Curves, Formulas, Lesson, Row, Section, Table, Value, Words, same
from ..options import INPUT_ROW, Option, integer, row
from ..options import number as decimal
from ..topic import Chapter, Topic

W, GRADIENT = (2.0, -1.0, 0.5), (0.5, 0.0, -0.1)
MOST = 8
LISTED = 10
"""Steps in the table; all are in JSON."""

TITLE = Text("Weight decay", "权重衰减（L2 正则化）")
PENALTY = Text("The penalty and its gradient", "惩罚项及其梯度")
PENALTY_WORDS = Text(
    "The loss gets $λ / 2$ times the sum of the squared weights. The gradient of that is $λ·w$: it is added to "
    "the "
    "gradient g of the data. λ = {decay}.",
    "损失中加入 $λ / 2$ 乘以权重平方和。它的梯度为 $λ·w$，加到数据的梯度 g 上。λ = {decay}。",
)
STEP = Text("One step of gradient descent, learning rate {lr}", "一步梯度下降，学习率 {lr}")
STEP_WORDS = Text(
    "$w - lr·(g + λ·w)$ is the same as $(1 - lr·λ)·w - lr·g$: every weight shrinks by the factor {factor}, "
    "then follows "
    "its gradient.",
    "$w - lr·(g + λ·w)$ 等于 $(1 - lr·λ)·w - lr·g$：每个权重先乘以 {factor}，再减去 $lr·g$。",
)
STEPS = Text("{steps} steps without a gradient of the data", "数据梯度为 0 时的 {steps} 步")
STEPS_WORDS = Text(
    "Only the decay works: after t steps the weights are $(1 - lr·λ)^t·w$.",
    "只有衰减起作用：t 步之后，权重为 $(1 - lr·λ)^t·w$。",
)
STEP_COLUMN, SQUARES = Text("step", "步"), Text("sum of squares", "平方和")
SIZES = Text("Weights step by step", "各步的权重")


def _teach(
    x: ArrayLike = W, gradient: ArrayLike | None = None, lr: float = 0.1, decay: float = 0.5, steps: int = 10
) -> Lesson:
    w = of_rank("input", x, 1, "2,-1,0.5")
    g = np.resize(GRADIENT, len(w)) if gradient is None else of_rank("gradient", gradient, 1, "0.5,0,-0.1")
    if len(w) > MOST or len(g) != len(w):
        raise BadSetting(
            "The lesson takes 1 to {most} weights, with as many gradients (got {weights} weights, {gradients} "
            "gradients). [lab-weights]",
            most=MOST,
            weights=len(w),
            gradients=len(g),
        )
    if lr <= 0 or decay < 0 or lr * decay > 1:
        raise BadSetting(
            "The learning rate must be above 0, the decay at least 0, and their product at most 1 (got {lr} and "
            "{decay}). A larger product would change the signs of the weights. [lab-decay]",
            lr=lr,
            decay=decay,
        )
    penalty = decay / 2 * float((w**2).sum())
    after = _stepped(w, g, lr, decay)
    lines = tuple(
        f"{index('w', i)} = {factor(a)} − {number(lr)}·({factor(b)} + {number(decay)}·{factor(a)}) = {number(c)}"
        for i, (a, b, c) in enumerate(zip(w, g, after, strict=True))
    )
    path = [w]
    for _ in range(steps):
        path.append(_stepped(path[-1], np.zeros_like(w), lr, decay))
    history = np.stack(path)
    names = [f"w{i}" for i in range(len(w))]
    columns = {"step": STEP_COLUMN, **{name: same(name) for name in names}, "squares": SQUARES}
    rows: list[tuple[Cell, ...]] = [(t, *map(float, one), float((one**2).sum())) for t, one in enumerate(history)]
    series = {name: history[:, place] for place, name in enumerate(names)}
    return Lesson(
        "weight-decay",
        TITLE,
        (
            Section(
                PENALTY,
                (
                    Words(PENALTY_WORDS.fill(decay=number(decay))),
                    Row((Value("w", w), Value("g", g), Value("decay_gradient", decay * w, same("λ·w")))),
                    Row((Value("penalty", np.array([penalty]), Text("penalty", "惩罚项")),)),
                ),
            ),
            Section(
                STEP.fill(lr=number(lr)),
                (
                    Words(STEP_WORDS.fill(factor=number(1 - lr * decay))),
                    Formulas(lines),
                    Row((Value("w_after", after, Text("w after the step", "更新后的 w")),)),
                ),
            ),
            Section(
                STEPS.fill(steps=steps),
                (
                    Words(STEPS_WORDS),
                    Table("steps", columns, tuple(rows), shown=LISTED + 1),
                    Curves("curves", SIZES, STEP_COLUMN, np.arange(steps + 1.0), series),
                ),
            ),
        ),
    )


def _stepped(w: Array, gradient: Array, lr: float, decay: float) -> Array:
    """Return the weights after one step of SGD."""
    optimizer = SGD(lr=lr, weight_decay=decay)
    stepped = w.copy()
    state = {slot: np.zeros_like(w) for slot in state_slots(optimizer)}
    update(optimizer, stepped, gradient, state, lr, 1)
    return stepped


TOPIC = Topic(
    "weight-decay",
    Chapter.TRAINING,
    Text("the L2 penalty, its gradient, and how weights shrink", "L2 惩罚项、它的梯度，以及权重如何缩小"),
    _teach,
    (
        INPUT_ROW,
        Option("gradient", "--gradient", "NUMBERS", "Gradient of the data.", row),
        Option("lr", "--lr", "NUMBER", "Learning rate.", decimal),
        Option("decay", "--decay", "NUMBER", "Weight decay.", decimal),
        Option("steps", "--steps", "COUNT", "Steps without a gradient.", integer(1)),
    ),
    "weight-decay --input 2,-1 --gradient 0.5,0 --lr 0.1 --decay 0.5",
)
