"""Arithmetic element by element: with another branch, with a constant, with nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from ....layers import (
    Add,
    Affine,
    Clamp,
    Divide,
    Function,
    Maximum,
    Minimum,
    Multiply,
    Power,
    Scale,
    Subtract,
)
from ....layers.base import Layer
from ..call import Call
from ..registry import UnsupportedOperator, converts
from ..values import ORDERED, REAL, SIGNED, Constant, Flow, Value, broadcast, known
from . import patterns
from .merge import emit_merge

_MERGES: dict[str, type[Layer]] = {
    "Add": Add,
    "Sub": Subtract,
    "Mul": Multiply,
    "Div": Divide,
    "Sum": Add,
    "Max": Maximum,
    "Min": Minimum,
}


def _number(value: Value) -> float | None:
    """Return a constant's one finite number."""
    number = value.number if isinstance(value, Constant) else None
    return number if number is not None and isfinite(number) else None


@converts("Add", "Sub", "Mul", since=(7, 13, 14), types=SIGNED)
@converts("Div", since=(7, 13, 14))
def arithmetic(call: Call) -> Sequence[Flow]:
    """Sums and products: of two branches, with one number, with an array of the network's own."""
    one, two = call.all_inputs()
    pattern = patterns.gelu(call) if call.operator in ("Mul", "Div") and isinstance(one, Flow) else None
    if pattern is not None:
        return [pattern]
    for value, flow, first in ((one, two, True), (two, one, False)):
        number = _number(value)
        if number is not None and isinstance(flow, Flow) and len(value.shape) <= len(flow.shape):
            return [_with_number(call, flow, number, first)]
    if call.operator == "Mul":
        scaled = _scaled(call, one, two) or _scaled(call, two, one)
        if scaled is not None:
            return [scaled]
    return [emit_merge(call, _MERGES[call.operator](), (one, two))]


def _with_number(call: Call, x: Flow, number: float, first: bool) -> Flow:
    """Emit number ∘ x where `first`, else x ∘ number."""
    match call.operator:
        case "Add":
            layer: Layer = Affine(1.0, number)
        case "Sub":
            layer = Affine(-1.0, number) if first else Affine(1.0, -number)
        case "Mul":
            layer = Affine(number)
        case _ if first:
            inverse = call.emit(Function("reciprocal"), x, part="inverse" if number != 1 else "")
            return inverse if number == 1 else call.emit(Affine(number), inverse)
        case _:
            if not isfinite(1 / number if number else float("inf")):
                raise UnsupportedOperator("division by zero")
            layer = Affine(1 / number)
    return call.emit(layer, x)


def _scaled(call: Call, x: Value, weight: Value) -> Flow | None:
    """Emit a learned factor per index of one axis."""
    if not isinstance(x, Flow) or not isinstance(weight, Constant) or not weight.learned:
        return None
    long = [axis for axis, size in enumerate(weight.shape) if size > 1]
    if len(long) != 1 or len(weight.shape) > len(x.shape):
        return None
    whole = long[0] + len(x.shape) - len(weight.shape)
    axis = x.axis(whole)
    if axis is None or x.shape[whole] != weight.shape[long[0]]:
        return None
    shape = (weight.shape[long[0]], *(1 for _ in x.image[axis + 1 :]))
    held = weight.derived(shape, lambda array: array.reshape(shape), f"shape{shape}")
    return call.emit(Scale(axis), x, parameters={"weight": held})


@converts("Sum", since=(8, 13))
@converts("Max", "Min", since=(8, 12, 13), types=ORDERED)
def several(call: Call) -> Sequence[Flow]:
    """Of any number of inputs; the larger or smaller of x and a number is a clamp."""
    values = call.all_inputs()
    if len(values) == 1:
        return [call.flow()]
    if call.operator != "Sum" and len(values) == 2:
        for value, flow in (values, values[::-1]):
            number = _number(value)
            if number is not None and isinstance(flow, Flow) and len(value.shape) <= len(flow.shape):
                return [call.emit(Clamp(number, None) if call.operator == "Max" else Clamp(None, number), flow)]
    return [emit_merge(call, _MERGES[call.operator](), values)]


@converts("Where", since=(9, 16), types=SIGNED)
def where(call: Call) -> Sequence[Flow]:
    """Fixed places taken of one input, the others of another: each times its share of 0 and 1, and summed."""
    chosen = call.array(0).astype(bool)
    parts: list[Value] = []
    for value, word, places in zip(call.all_inputs()[1:], ("one", "other"), (chosen, ~chosen), strict=True):
        if isinstance(value, Constant):
            array = call.read(value)
            if not np.isfinite(array).all():
                raise UnsupportedOperator("infinity in some places")
            call.charge(broadcast(places.shape, array.shape))
            numbers = np.where(places, array, 0)
            if numbers.any():
                parts.append(known(numbers.astype(array.dtype), value.dtype))
        else:
            share = known(places.astype(np.float32), 1)
            parts.append(emit_merge(call.subcall(word), Multiply(), (value, share)))
    flows = [part for part in parts if isinstance(part, Flow)]
    return [emit_merge(call, Add(), parts) if len(parts) > 1 else flows[0]]


@converts("Mean", since=(8, 13))
def mean_of_inputs(call: Call) -> Sequence[Flow]:
    """The mean of the inputs: their sum, divided by their number."""
    values = call.all_inputs()
    if len(values) == 1:
        return [call.flow()]
    total = emit_merge(call.subcall("sum"), Add(), values)
    return [call.emit(Affine(1 / len(values)), total)]


@converts("Pow", since=(7, 12, 13, 15))
def power(call: Call) -> Sequence[Flow]:
    """A power with a fixed exponent."""
    exponent = _number(call.constant(1))
    if exponent is None or len(call.constant(1).shape) > len(call.flow().shape):
        raise UnsupportedOperator("an exponent per element")
    return [call.emit(Power(exponent), call.flow())]


_FUNCTIONS = {
    "Abs": ((6, 13), "abs", SIGNED),
    "Ceil": ((6, 13), "ceil", REAL),
    "Cos": ((7, 22), "cos", REAL),
    "Erf": ((9, 13), "erf", REAL),
    "Exp": ((6, 13), "exp", REAL),
    "Floor": ((6, 13), "floor", REAL),
    "Log": ((6, 13), "log", REAL),
    "Neg": ((6, 13), "neg", SIGNED),
    "Reciprocal": ((6, 13), "reciprocal", REAL),
    "Round": ((11, 22), "round", REAL),
    "Sign": ((9, 13), "sign", ORDERED),
    "Sin": ((7, 22), "sin", REAL),
    "Sqrt": ((6, 13), "sqrt", REAL),
}


def _function(call: Call) -> Sequence[Flow]:
    """Emit an elementary function."""
    return [call.emit(Function(_FUNCTIONS[call.operator][1]), call.flow())]


for _operator, (_since, _, _types) in _FUNCTIONS.items():
    converts(_operator, since=_since, types=_types)(_function)
