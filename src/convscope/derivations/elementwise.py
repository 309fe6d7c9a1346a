"""Functions of one number that are no activations: the formula, and what it costs per element."""

from __future__ import annotations

from functools import singledispatch

from ..errors import NoRule
from ..layers.elementwise import Affine, Clamp, Function, Pointwise, Power
from .activation import FUNCTION, PER_ELEMENT, decimal
from .derivation import Derivation
from .family import Shapes, derivations, no_operations, no_parameters, per_element, same_shape

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
    raise NoRule(
        "explain has no formula for this function (got {kind}). Register one. [no-derivation]", kind=layer.kind
    )


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
