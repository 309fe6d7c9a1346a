"""Values, derivatives and properties of activation functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...derivations.derivation import Text
from ...engines.reference.layers import activation as _rules  # noqa: F401 - registers the answers
from ...engines.reference.layers.rules import Array, Context, backward, forward
from ...errors import BadSetting, suggest
from ...layers.activation import (
    ELU,
    GELU,
    Activation,
    Hardswish,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from ..arrays import number, of_rank
from ..lesson import Cell, Curves, Lesson, Section, Table, Taught, Words, same
from ..options import INPUT_ROW, Option, word
from ..topic import Chapter, Topic

POINTS = (-1e4, -2.5, -1.0, 0.0, 1.0, 2.5, 1e4)
FUNCTIONS: tuple[Activation, ...] = (
    Sigmoid(),
    Tanh(),
    ReLU(),
    LeakyReLU(),
    PReLU(),
    ELU(),
    ReLU6(),
    Softplus(),
    GELU(),
    SiLU(),
    Hardswish(),
)
PIECEWISE_LINEAR = (ReLU, LeakyReLU, PReLU, ReLU6)
MOST_POINTS = 7
"""Points that fit in a line of a table."""

TITLE = Text("Activation functions", "激活函数")
ABOUT = Text("values, derivatives and properties of 11 functions", "11 种激活函数的值、导数与性质")
VALUES = Text("Values", "函数值")
DERIVATIVES = Text("Derivatives", "导数")
PROPERTIES = Text("Properties", "性质")
SLOPE = Text("PReLU learns its slope a", "PReLU 的斜率 a 可学习")
SLOPE_WORDS = Text(
    "f(x) = max(0, x) + a·min(0, x), so the derivative with respect to a is min(0, x): a learns from negative "
    "inputs only.",
    "f(x) = max(0, x) + a·min(0, x)，对 a 的导数为 min(0, x)：只有负的输入才会更新 a。",
)
CONVENTION = Text(
    "At 0 the derivative of ReLU is a convention: 0, as in the frameworks. Where a derivative is 0, nothing is "
    "learned; where it is below 1 everywhere, gradients shrink from layer to layer.",
    "ReLU 在 0 处的导数是约定值，各框架取 0。导数为 0 处学不到东西；导数处处小于 1 时，梯度逐层变小。",
)
FUNCTION = Text("function", "函数")
COLUMNS = {
    "function": FUNCTION,
    "range": Text("range", "值域"),
    "zero_centered": Text("zero-centered", "零中心"),
    "saturates": Text("saturates", "饱和"),
    "dies": Text("can die", "可能死亡"),
    "monotone": Text("monotone", "单调"),
    "max_slope": Text("max slope", "最大斜率"),
}
COSTS = {
    "function": FUNCTION,
    "multiplications": Text("mul", "乘法"),
    "additions": Text("add", "加法"),
    "comparisons": Text("compare", "比较"),
    "divisions": Text("div", "除法"),
    "exponentials": Text("exp", "指数"),
}
COST_WORDS = Text("Operations for each element:", "每个元素的运算次数：")
SIDES = {
    (): Text("nowhere", "无"),
    ("left",): Text("left", "左侧"),
    ("right",): Text("right", "右侧"),
    ("left", "right"): Text("both sides", "两侧"),
}
LINEAR = (
    Text("Piecewise linear: values", "分段线性：函数值"),
    Text("Piecewise linear: derivatives", "分段线性：导数"),
)
SMOOTH = (Text("Others: values", "其他：函数值"), Text("Others: derivatives", "其他：导数"))


@dataclass(frozen=True)
class ActivationRow:
    """One function at the points of its table; `slope_gradient` is that of PReLU's learned slope, else None."""

    layer: Activation
    values: Array
    derivatives: Array
    slope_gradient: Array | None


@dataclass(frozen=True)
class ActivationTable(Taught):
    """Values and derivatives of several functions at the same points."""

    points: Array
    rows: tuple[ActivationRow, ...]

    def __getitem__(self, kind: str) -> ActivationRow:
        """Return the row of a function by its kind, as "Sigmoid"."""
        return {row.layer.kind: row for row in self.rows}[kind]

    def lesson(self) -> Lesson:
        values = [(row.layer.kind, row.values) for row in self.rows]
        slopes = [(f"{row.layer.kind}′", row.derivatives) for row in self.rows]
        learned = [(f"∂{row.layer.kind}/∂a", row.slope_gradient) for row in self.rows]
        sections = [
            Section(VALUES, (*self._tables("values", values), *self._curves("value_curves", 0))),
            Section(
                DERIVATIVES,
                (*self._tables("derivatives", slopes), Words(CONVENTION), *self._curves("derivative_curves", 1)),
            ),
            Section(
                PROPERTIES,
                (
                    Table("properties", COLUMNS, tuple(_facts(row.layer) for row in self.rows)),
                    Words(COST_WORDS),
                    Table("operations", COSTS, tuple(_cost(row.layer) for row in self.rows)),
                ),
            ),
        ]
        if own := [(name, gradient) for name, gradient in learned if gradient is not None]:
            sections.append(Section(SLOPE, (Words(SLOPE_WORDS), *self._tables("slope_gradient", own))))
        return Lesson("activations", TITLE, tuple(sections))

    def _tables(self, name: str, rows: Sequence[tuple[str, Array]]) -> list[Table]:
        """Return a table per few points: as many as fit in a line."""
        tables = []
        for first in range(0, len(self.points), MOST_POINTS):
            part = slice(first, first + MOST_POINTS)
            columns = {"function": same("x"), **{_key(x): same(number(x)) for x in self.points[part]}}
            cells: list[tuple[Cell, ...]] = [(label, *map(float, row[part])) for label, row in rows]
            tables.append(Table(name if first == 0 else f"{name}_{first}", columns, tuple(cells)))
        return tables

    def _curves(self, name: str, derivative: int) -> Iterator[Curves]:
        """Yield a chart of the piecewise linear functions, and one of the others."""
        for prefix, titles, is_linear, end in (("linear", LINEAR, True, 8), ("other", SMOOTH, False, 4)):
            x = np.linspace(-4, end, 200 * (end + 4) + 1)
            layers = [row.layer for row in self.rows if isinstance(row.layer, PIECEWISE_LINEAR) == is_linear]
            rows = [_row(one, x) for one in layers]
            series = {row.layer.kind: (row.values, row.derivatives)[derivative] for row in rows}
            if series:
                yield Curves(f"{prefix}_{name}", titles[derivative], same("x"), x, series)


def _key(x: float) -> str:
    return f"{x:g}"


def _facts(layer: Activation) -> tuple[Cell, ...]:
    known = layer.properties
    return (
        layer.kind,
        known.range_text,
        known.zero_centered,
        SIDES[known.saturates],
        known.dies,
        known.monotone,
        known.max_slope,
    )


def _cost(layer: Activation) -> tuple[Cell, ...]:
    return (layer.kind, *(getattr(layer.properties.cost, name) for name in list(COSTS)[1:]))


def activation_table(points: ArrayLike = POINTS, functions: Sequence[Activation] = FUNCTIONS) -> ActivationTable:
    """Compute functions and their derivatives at these points, element by element.

    Shapes:   points (n)
    Errors:   BadShape [lab-numbers]

    >>> activation_table([-2.5, 3.0])["ReLU"].values
    array([0., 3.])
    """
    x = of_rank("points", points, 1, "-2.5,0,3")
    x = x[np.sort(np.unique(x, return_index=True)[1])]
    return ActivationTable(x, tuple(_row(layer, x) for layer in functions))


def _row(layer: Activation, x: Array) -> ActivationRow:
    """Compute one function; the points are a batch, and PReLU's slope sees each alone."""
    slope = {"weight": np.array([layer.init])} if isinstance(layer, PReLU) else {}
    inputs, context = (x[:, None],), Context()
    values = forward(layer, inputs, slope, context)[:, 0]
    (gradient,) = backward(layer, np.ones((len(x), 1)), inputs, slope, context).inputs
    assert gradient is not None  # x is no integer
    slopes = np.array([_slope_gradient(layer, point, slope) for point in x]) if slope else None
    return ActivationRow(layer, values, gradient[:, 0], slopes)


def _slope_gradient(layer: Activation, point: float, slope: dict[str, Array]) -> float:
    inputs, context = (np.array([[point]]),), Context()
    forward(layer, inputs, slope, context)
    return float(backward(layer, np.ones((1, 1)), inputs, slope, context).parameters["weight"][0])


def _teach(x: ArrayLike = POINTS, functions: Sequence[str] = ()) -> Lesson:
    known = {layer.keyword: layer for layer in FUNCTIONS}
    chosen = []
    for name in functions:
        key = name.lower().replace("-", "").replace("_", "")
        if key not in known:
            raise BadSetting(
                "There is no function {got!r} in this lesson. {hint} [lab-function]",
                got=name,
                hint=suggest(key, known),
            )
        chosen.append(known[key])
    return activation_table(x, tuple(dict.fromkeys(chosen)) or FUNCTIONS).lesson()


TOPIC = Topic(
    "activations",
    Chapter.ACTIVATION,
    ABOUT,
    _teach,
    (
        INPUT_ROW,
        Option(
            "functions", "--function", "NAME", "Show only this function, such as relu; repeatable.", word, True
        ),
    ),
    "activations --input -2.5,0,3 --function relu --function prelu",
)
