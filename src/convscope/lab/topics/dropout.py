"""Dropout: masks, the scaling, the backward pass, and the 2ⁿ sub-networks."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers import structural as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, backward, forward
from ...errors import BadSetting
from ...layers.structural import Dropout
from ..arrays import number, of_rank
from ..lesson import Cell, Curves, Lesson, LitStep, Row, Section, Steps, Table, Value, Words, same
from ..networks import chain
from ..options import INPUT_ROW, SEED, Option, row
from ..options import number as decimal
from ..stepping import STEP_BY_STEP, sum_of_products
from ..topic import Chapter, Topic

X, WEIGHTS = (2.0, -1.0, 3.0), (1.0, 2.0, 0.5)
MOST = 10
"""Units of the lesson: 1024 sub-networks."""

MOST_ROWS = 32
DRAWS = 5

TITLE = Text("Dropout", "随机失活（dropout）")
FORWARD = Text("Forward, in training: a mask of 0 and 1", "训练时的前向：由 0 和 1 组成的掩码")
FORWARD_WORDS = Text(
    "Each unit is dropped with probability {p}. The others are divided by 1 − {p} = {keep}, so that the mean "
    "stays as "
    "it is (inverted dropout), and inference needs no scaling.",
    "每个单元以概率 {p} 失活。其余单元除以 1 − {p} = {keep}，使均值保持不变（反向缩放），推理时不需要再缩放。",
)
BACKWARD = Text("Backward: the same mask", "反向：同一个掩码")
BACKWARD_WORDS = Text(
    "A dropped unit passes no gradient; for the others the gradient is scaled as the value was.",
    "失活的单元不传梯度；其余单元的梯度按与数值相同的比例缩放。",
)
INFERENCE = Text("At inference: nothing is dropped", "推理时：不失活")
DRAWN = Text("Every step draws another mask", "每一步都抽取新的掩码")
SUBNETWORKS = Text("The {count} sub-networks of {n} units", "{n} 个单元的 {count} 个子网络")
SUBNETWORKS_WORDS = Text(
    "Each mask is a network of its own; all share the weights w. For a linear unit $s = w·y$, the mean over "
    "all masks, "
    "each with its probability, is {mean}: the output at inference, {inference}. With a nonlinearity after it, "
    "this "
    "holds approximately.",
    "每个掩码都是一个独立的网络，它们共享权重 w。对线性单元 $s = w·y$，按概率对所有掩码求平均得 {mean}，"
    "正是推理时的输出 {inference}。其后若有非线性，则近似成立。",
)
LISTED = Text("The first {count} are listed; --json has all.", "这里列出前 {count} 个；全部见 --json。")
MASK, SCALE = Text("mask", "掩码"), Text("scale", "缩放")
COLUMNS = {"mask": MASK, "probability": Text("probability", "概率"), "output": same("s")}
OUTPUTS = Text("Outputs of the sub-networks", "各子网络的输出")


def _teach(
    x: ArrayLike = X,
    weights: ArrayLike | None = None,
    rate: float = 0.5,
    gradient: ArrayLike | None = None,
    seed: int = 0,
) -> Lesson:
    values = of_rank("input", x, 1, "2,-1,3")
    n = len(values)
    w = np.resize(WEIGHTS, n) if weights is None else of_rank("weights", weights, 1, "1,2,0.5")
    dy = np.ones(n) if gradient is None else of_rank("gradient", gradient, 1, "1,1,1")
    if n > MOST or len(w) != n or len(dy) != n:
        raise BadSetting(
            "The lesson takes 1 to {most} units, with as many weights and gradients (got {n} units, {weights} "
            "weights, "
            "{gradients} gradients). [lab-units]",
            most=MOST,
            n=n,
            weights=len(w),
            gradients=len(dy),
        )
    if not 0 <= rate < 1:
        raise BadSetting("The rate must be at least 0 and below 1 (got {got}). 0.5 is usual. [lab-rate]", got=rate)
    layer, inputs = Dropout(rate), (values[None],)
    generator = np.random.default_rng(seed)
    context = Context(training=True, generator=generator)
    y = forward(layer, inputs, {}, context)[0]
    (dx,) = backward(layer, dy[None], inputs, {}, context).inputs
    assert dx is not None  # the input is no integer
    scale = context.saved["factor"][0]
    mask = (scale > 0).astype(float)
    still = forward(layer, inputs, {}, Context())[0]
    ones = np.ones((DRAWS, n))
    draws = (forward(layer, (ones,), {}, Context(training=True, generator=generator)) > 0).astype(float)
    return Lesson(
        "dropout",
        TITLE,
        (
            Section(
                FORWARD,
                (
                    Words(FORWARD_WORDS.fill(p=number(rate), keep=number(1 - rate))),
                    Row((Value("x", values), Value("mask", mask, MASK), Value("scale", scale, SCALE))),
                    Row((Value("y", y, same("y = x · mask / (1 − p)")),)),
                ),
            ),
            Section(BACKWARD, (Words(BACKWARD_WORDS), Row((Value("dy", dy), "→", Value("dx", dx[0]))))),
            Section(INFERENCE, (Row((Value("y_inference", still, same("y")),)),)),
            Section(DRAWN, (Row((Value("masks", draws, MASK),)),)),
            _subnetworks(values, w, rate, float(w @ still)),
        ),
        chain(values.shape, ("dropout", layer)),
    )


def _subnetworks(x: Array, w: Array, rate: float, inference: float) -> Section:
    """List all masks with their probability and the output of a linear unit."""
    masks = np.array(list(product((1.0, 0.0), repeat=len(x))))
    dropped = (1 - masks).sum(axis=1)
    probabilities = rate**dropped * (1 - rate) ** (len(x) - dropped)
    outputs = (masks * x / (1 - rate)) @ w
    mean = float(probabilities @ outputs)
    rows: list[tuple[Cell, ...]] = [
        ("".join("1" if one else "0" for one in mask), float(p), float(s))
        for mask, p, s in zip(masks, probabilities, outputs, strict=True)
    ]
    shown = rows[:MOST_ROWS]
    columns = tuple(same(str(row[0])) for row in shown)
    cut = (Words(LISTED.fill(count=len(shown))),) if len(rows) > len(shown) else ()
    words = SUBNETWORKS_WORDS.fill(mean=number(mean), inference=number(inference))
    return Section(
        SUBNETWORKS.fill(count=len(masks), n=len(x)),
        (
            Words(words),
            Row((Value("w", w), Value("mean", np.array([mean]), Text("mean", "均值")))),
            Table("subnetworks", COLUMNS, tuple(rows), shown=len(shown)),
            *cut,
            Curves("bars", OUTPUTS, MASK, columns, {"s": outputs[: len(shown)]}),
            _steps(x, w, rate, masks[: len(shown)], outputs[: len(shown)]),
        ),
    )


def _steps(x: Array, w: Array, rate: float, masks: Array, outputs: Array) -> Steps:
    """Return a step per sub-network: the units that stay, their values, and the output."""
    steps = []
    for mask, output in zip(masks, outputs, strict=True):
        y = mask * x / (1 - rate)
        kept = tuple((int(one),) for one in np.flatnonzero(mask))
        pairs = [(float(w[one]), float(y[one])) for (one,) in kept]
        line = sum_of_products("s", pairs, None, float(output)) if pairs else f"s = {number(float(output))}"
        steps.append(LitStep({"x": kept, "w": kept, "y": kept}, line, own={"mask": mask, "y": y}))
    blank = np.zeros_like(x)
    parts = (Value("x", x), "⊙", Value("mask", blank, MASK), "→", Value("y", blank), "·", Value("w", w))
    return Steps("steps", STEP_BY_STEP, parts, tuple(steps))


TOPIC = Topic(
    "dropout",
    Chapter.TRAINING,
    Text("masks, inverted scaling, backward, and the 2ⁿ sub-networks", "掩码、反向缩放、反向传播与 2ⁿ 个子网络"),
    _teach,
    (
        INPUT_ROW,
        Option("weights", "--weights", "NUMBERS", "Weights of the unit that reads the outputs.", row),
        Option("rate", "--rate", "NUMBER", "Probability that a unit is dropped.", decimal),
        Option("gradient", "--gradient", "NUMBERS", "Gradient of the output; ones by default.", row),
        SEED,
    ),
    "dropout --input 2,-1,3 --rate 0.5 --seed 1",
)
