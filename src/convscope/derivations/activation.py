"""Derivations of activation functions: the formula, and the cost per element."""

from __future__ import annotations

from functools import singledispatch

from ..errors import NoRule
from ..layers.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from ..layers.connection import Shape
from . import texts
from .derivation import Derivation, Text
from .family import (
    Shapes,
    counted,
    derivations,
    no_parameters,
    on_shape,
    per_element,
    product,
    same_shape,
    symbols,
)
from .worksheet import Worksheet

FUNCTION = Text(
    "${formula}$, for every element on its own: the shape does not change.", "${formula}$，逐元素计算，形状不变。"
)
SLOPES = Text("learned slopes: {which}", "可学习的斜率：{which}")
ONE_SLOPE = Text("one for the whole layer", "整层共用一个")
CHANNEL_SLOPES = Text("one per channel", "每个通道一个")
PER_ELEMENT = {
    "multiplications": Text("multiplications per element", "每个元素的乘法次数"),
    "additions": Text("additions and subtractions per element", "每个元素的加减法次数"),
    "comparisons": Text("comparisons per element", "每个元素的比较次数"),
    "divisions": Text("divisions per element", "每个元素的除法次数"),
    "exponentials": Text(
        "exponentials, logarithms or error functions per element", "每个元素的指数、对数或误差函数次数"
    ),
}
SETS = Text(
    "sets: each holds the {size} values along axis {axis}", "集合个数：每个集合是第 {axis} 轴上的 {size} 个数"
)
SOFTMAX = Text(
    "$y_i = e^(x_i - m) / Σ_j$ with $m$ the largest $x$ and "
    "$Σ_j$ the sum of all $e^(x_j - m)$: subtracting $m$ "
    "changes nothing but prevents overflow.",
    "$y_i = e^(x_i - m) / Σ_j$，其中 $m$ 是最大的 $x$，$Σ_j$ 是所有 "
    "$e^(x_j - m)$ 之和：减去 $m$ 不改变结果，但可避免溢出。",
)
LOG_SOFTMAX = Text(
    "$y_i = x_i - m - ln(Σ_j)$ with $m$ the largest $x$ and $Σ_j$ the sum of all $e^(x_j - m)$.",
    "$y_i = x_i - m - ln(Σ_j)$，其中 $m$ 是最大的 $x$，$Σ_j$ 是所有 $e^(x_j - m)$ 之和。",
)
MAXIMUM = Text("to find each set's maximum", "求每个集合的最大值")
SUBTRACT_ADD = Text("minus the maximum, then the sum of each set", "减去最大值，再对每个集合求和")
SUBTRACT_TWICE = Text(
    "minus the maximum, the sum of each set, minus its logarithm", "减去最大值、对每个集合求和、再减去其对数"
)
DIVIDED = Text("each element over its set's sum", "每个元素除以所在集合之和")
RAISED = Text("one per element", "每个元素一次")
RAISED_LOG = Text("one per element, and one logarithm per set", "每个元素一次，每个集合再取一次对数")


@singledispatch
def function_of(layer: Activation) -> str:
    """Return the function's formula."""
    raise NoRule("explain has no formula for {layer}. Register one. [no-derivation]", layer=layer.kind)


function_of.register(Sigmoid, lambda _: "σ(x) = 1 / (1 + e^(-x))")
function_of.register(Tanh, lambda _: "tanh(x) = 2·σ(2·x) - 1")
function_of.register(ReLU, lambda _: "y = max(0, x)")
function_of.register(ReLU6, lambda _: "y = min(max(0, x), 6)")
function_of.register(LeakyReLU, lambda layer: f"y = max(0, x) + {decimal(layer.negative_slope)}·min(0, x)")
function_of.register(PReLU, lambda _: "y = max(0, x) + α·min(0, x)")
function_of.register(ELU, lambda layer: f"y = max(0, x) + {decimal(layer.alpha)}·min(0, e^x - 1)")
function_of.register(SELU, lambda _: "y = λ·(max(0, x) + α·min(0, e^x - 1))")
function_of.register(GELU, lambda _: "y = x·Φ(x)")
function_of.register(SiLU, lambda _: "y = x·σ(x)")
function_of.register(Mish, lambda _: "y = x·tanh(ln(1 + e^x))")
function_of.register(Softplus, lambda _: "y = ln(1 + e^x)")
function_of.register(Hardsigmoid, lambda _: "y = min(max(0, x + 3), 6) / 6")
function_of.register(Hardswish, lambda _: "y = x·min(max(0, x + 3), 6) / 6")


def decimal(value: float) -> str:
    """Write a setting into a formula without an exponent."""
    digits = f"{value:.6f}".rstrip("0").rstrip(".")
    return f"({digits})" if value < 0 else digits


@derivations.register
def _activation(layer: Activation, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    costs = layer.properties.cost._asdict()
    return [
        same_shape(shape, FUNCTION.fill(formula=function_of(layer))),
        _slopes(layer) if isinstance(layer, PReLU) else no_parameters(),
        *per_element(shape, [(kind, costs[kind], words) for kind, words in PER_ELEMENT.items()]),
    ]


def _slopes(layer: PReLU) -> Derivation:
    sheet = Worksheet()
    which = ONE_SLOPE if layer.num_parameters == 1 else CHANNEL_SLOPES
    sheet.know("a", layer.num_parameters, SLOPES.fill(which=which))
    sheet.step("params", "a")
    return sheet.finish("params", texts.PARAMETERS)


@derivations.register
def _softmax(layer: Softmax, inputs: Shapes) -> list[Derivation]:
    return _over_sets(
        layer,
        inputs[0],
        SOFTMAX,
        [
            ("additions", "N + (N - S)", SUBTRACT_ADD),
            ("comparisons", "N - S", MAXIMUM),
            ("divisions", "N", DIVIDED),
            ("exponentials", "N", RAISED),
        ],
    )


@derivations.register
def _log_softmax(layer: LogSoftmax, inputs: Shapes) -> list[Derivation]:
    return _over_sets(
        layer,
        inputs[0],
        LOG_SOFTMAX,
        [
            ("additions", "N + (N - S) + N", SUBTRACT_TWICE),
            ("comparisons", "N - S", MAXIMUM),
            ("exponentials", "N + S", RAISED_LOG),
        ],
    )


def _over_sets(
    layer: Softmax, shape: Shape, function: Text, costs: list[tuple[str, str, Text]]
) -> list[Derivation]:
    axis = layer.along(shape)
    worked = [same_shape(shape, function), no_parameters()]
    for quantity, formula, label in costs:
        sheet = on_shape(shape)
        sheet.step("N", product(symbols(shape)), texts.ELEMENTS)
        sheet.step("S", f"N / {symbols(shape)[axis]}", SETS.fill(size=shape[axis], axis=axis))
        worked.append(counted(sheet, quantity, formula, label))
    return worked
