"""Derivations of elementwise functions and reductions."""

from __future__ import annotations

from functools import singledispatch
from math import prod

from ..errors import NoRule
from ..layers.elementwise import Affine, Clamp, Function, Pointwise, Power
from ..layers.reduction import Reduce
from . import texts
from .activation import FUNCTION, PER_ELEMENT, decimal
from .derivation import Derivation, Text
from .family import (
    Shapes,
    counted,
    derivations,
    no_operations,
    no_parameters,
    on_shape,
    per_element,
    product,
    same_shape,
    symbols,
)

_FORMULAS = {
    "abs": "y = max(x, -x)",
    "ceil": "y = ⌈x⌉",
    "cos": "y = cos(x)",
    "erf": "y = erf(x)",
    "exp": "y = e^x",
    "floor": "y = ⌊x⌋",
    "log": "y = ln(x)",
    "neg": "y = -x",
    "reciprocal": "y = 1 / x",
    "round": "y = round(x)",
    "rsqrt": "y = 1 / sqrt(x)",
    "sign": "y = sign(x)",
    "sin": "y = sin(x)",
    "sqrt": "y = sqrt(x)",
}


@singledispatch
def formula_of(layer: Pointwise) -> str:
    """Return the function's formula."""
    raise NoRule("explain has no formula for {layer}. Register one. [no-derivation]", layer=layer.kind)


formula_of.register(Affine, lambda layer: f"y = {decimal(layer.scale)}·x + {decimal(layer.shift)}")
formula_of.register(Power, lambda layer: f"y = x^({decimal(layer.exponent)})")
formula_of.register(Function, lambda layer: _FORMULAS[layer.function])


@formula_of.register
def _(layer: Clamp) -> str:
    inner = "x" if layer.high is None else f"min(x, {decimal(layer.high)})"
    return f"y = {inner}" if layer.low is None else f"y = max({decimal(layer.low)}, {inner})"


@derivations.register
def _pointwise(layer: Pointwise, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    costs = layer.cost._asdict()
    counts = per_element(shape, [(kind, costs[kind], words) for kind, words in PER_ELEMENT.items()])
    shown = same_shape(shape, FUNCTION.fill(formula=formula_of(layer)))
    return [shown, no_parameters(), *(counts or [no_operations()])]


REDUCED = Text(
    "{what} of the {size} values along {axes}: every output sees all of them.",
    "{axes} 上 {size} 个数的{what}：每个输出都看到其中全部。",
)
WHAT = {
    "mean": Text("The mean", "平均值"),
    "sum": Text("The sum", "总和"),
    "max": Text("The largest", "最大值"),
    "min": Text("The smallest", "最小值"),
}
AXES = Text("axes {listed}", "第 {listed} 轴")
SETS = Text("outputs: one for each set of {size} values", "输出个数：每 {size} 个数得到一个")
ADDED = Text("one addition fewer than values, for each set", "每个集合的加法次数比元素个数少一")
COMPARED = Text("one comparison fewer than values, for each set", "每个集合的比较次数比元素个数少一")
DIVIDED = Text("one division for each set", "每个集合一次除法")


@derivations.register
def _reduce(layer: Reduce, inputs: Shapes) -> list[Derivation]:
    (shape,) = inputs
    axes = layer.along(shape)
    size = prod(shape[axis] for axis in axes)
    sheet = on_shape(shape)
    names = ["1" if axis in axes else name for axis, name in enumerate(symbols(shape))]
    kept = names if layer.keepdims else [name for axis, name in enumerate(names) if axis not in axes]
    sheet.shape(" × ".join(kept), texts.THE_SHAPE)
    listed = AXES.fill(listed=", ".join(map(str, axes)))
    sheet.note(REDUCED, what=WHAT[layer.mode], size=size, axes=listed)
    worked = [sheet.finish("output_shape", texts.OUTPUT_SHAPE), no_parameters()]
    for quantity, formula, label, modes in (
        ("additions", "N - S", ADDED, ("mean", "sum")),
        ("comparisons", "N - S", COMPARED, ("max", "min")),
        ("divisions", "S", DIVIDED, ("mean",)),
    ):
        if layer.mode in modes and getattr(layer.operations(shape), quantity):
            sheet = on_shape(shape)
            sheet.step("N", product(symbols(shape)), texts.ELEMENTS)
            reduced = product(symbols(shape)[axis] for axis in axes)
            sheet.step("S", f"N / ({reduced})", SETS.fill(size=size))
            worked.append(counted(sheet, quantity, formula, label))
    return worked
