"""Elementwise arithmetic and functions, Identity and Cast."""

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
    Identity,
    Maximum,
    Minimum,
    Multiply,
    Power,
    Scale,
    Subtract,
)
from ....layers.base import Layer
from ...errors import UnsupportedOperator
from ..call import Call
from ..registry import converts
from ..values import NUMERIC, ORDERED, REAL, SIGNED, Constant, Flow, Value, broadcast, from_array
from . import patterns
from .merge import emit_merge

_MERGE_LAYERS: dict[str, type[Layer]] = {
    "Add": Add,
    "Sub": Subtract,
    "Mul": Multiply,
    "Div": Divide,
    "Sum": Add,
    "Max": Maximum,
    "Min": Minimum,
}


def _finite_scalar(value: Value) -> float | None:
    """Return the value of a constant with one finite element, otherwise None."""
    scalar = value.scalar if isinstance(value, Constant) else None
    return scalar if scalar is not None and isfinite(scalar) else None


@converts("Add", "Sub", "Mul", since=(7, 13, 14), types=SIGNED)
@converts("Div", since=(7, 13, 14))
def arithmetic(call: Call) -> Sequence[Flow]:
    """Sums and products of two branches, with a scalar, or with an array."""
    one, two = call.all_inputs()
    pattern = patterns.gelu(call) if call.operator in ("Mul", "Div") and isinstance(one, Flow) else None
    if pattern is not None:
        return [pattern]
    for value, flow, first in ((one, two, True), (two, one, False)):
        scalar = _finite_scalar(value)
        if scalar is not None and isinstance(flow, Flow) and len(value.shape) <= len(flow.shape):
            return [_with_scalar(call, flow, scalar, first)]
    if call.operator == "Mul":
        scaled = _scaled(call, one, two) or _scaled(call, two, one)
        if scaled is not None:
            return [scaled]
    return [emit_merge(call, _MERGE_LAYERS[call.operator](), (one, two))]


def _with_scalar(call: Call, x: Flow, scalar: float, first: bool) -> Flow:
    """Emit scalar ∘ x if `first`, otherwise x ∘ scalar."""
    match call.operator:
        case "Add":
            layer: Layer = Affine(1.0, scalar)
        case "Sub":
            layer = Affine(-1.0, scalar) if first else Affine(1.0, -scalar)
        case "Mul":
            layer = Affine(scalar)
        case _ if first:
            inverse = call.emit(Function("reciprocal"), x, part="inverse" if scalar != 1 else "")
            return inverse if scalar == 1 else call.emit(Affine(scalar), inverse)
        case _:
            if not isfinite(1 / scalar if scalar else float("inf")):
                raise UnsupportedOperator("division by zero")
            layer = Affine(1 / scalar)
    return call.emit(layer, x)


def _scaled(call: Call, x: Value, weight: Value) -> Flow | None:
    """Emit a Scale if `weight` is a learned factor per index of one axis."""
    if not isinstance(x, Flow) or not isinstance(weight, Constant) or not weight.learned:
        return None
    long_axes = [axis for axis, size in enumerate(weight.shape) if size > 1]
    if len(long_axes) != 1 or len(weight.shape) > len(x.shape):
        return None
    aligned = long_axes[0] + len(x.shape) - len(weight.shape)
    axis = x.axis(aligned)
    if axis is None or x.shape[aligned] != weight.shape[long_axes[0]]:
        return None
    shape = (weight.shape[long_axes[0]], *(1 for _ in x.image[axis + 1 :]))
    factor = weight.derived(shape, lambda array: array.reshape(shape), f"shape{shape}")
    return call.emit(Scale(axis), x, parameters={"weight": factor})


@converts("Sum", since=(8, 13))
@converts("Max", "Min", since=(8, 12, 13), types=ORDERED)
def multi_input(call: Call) -> Sequence[Flow]:
    """Sum, maximum or minimum of any number of inputs; the maximum or minimum with a scalar is a Clamp."""
    values = call.all_inputs()
    if len(values) == 1:
        return [call.flow()]
    if call.operator != "Sum" and len(values) == 2:
        for value, flow in (values, values[::-1]):
            scalar = _finite_scalar(value)
            if scalar is not None and isinstance(flow, Flow) and len(value.shape) <= len(flow.shape):
                return [call.emit(Clamp(scalar, None) if call.operator == "Max" else Clamp(None, scalar), flow)]
    return [emit_merge(call, _MERGE_LAYERS[call.operator](), values)]


@converts("Where", since=(9, 16), types=SIGNED)
def where(call: Call) -> Sequence[Flow]:
    """A choice by a constant mask: each input times its mask of 0 and 1, summed."""
    condition = call.array(0).astype(bool)
    parts: list[Value] = []
    for value, word, mask in zip(call.all_inputs()[1:], ("one", "other"), (condition, ~condition), strict=True):
        if isinstance(value, Constant):
            array = call.read(value)
            if not np.isfinite(array).all():
                raise UnsupportedOperator("infinite elements")
            call.charge(broadcast(mask.shape, array.shape))
            masked = np.where(mask, array, 0)
            if masked.any():
                parts.append(from_array(masked.astype(array.dtype), value.dtype))
        else:
            factor = from_array(mask.astype(np.float32), 1)
            parts.append(emit_merge(call.subcall(word), Multiply(), (value, factor)))
    flows = [part for part in parts if isinstance(part, Flow)]
    return [emit_merge(call, Add(), parts) if len(parts) > 1 else flows[0]]


@converts("Mean", since=(8, 13))
def mean_of_inputs(call: Call) -> Sequence[Flow]:
    """The mean of the inputs: their sum, divided by their count."""
    values = call.all_inputs()
    if len(values) == 1:
        return [call.flow()]
    total = emit_merge(call.subcall("sum"), Add(), values)
    return [call.emit(Affine(1 / len(values)), total)]


@converts("Pow", since=(7, 12, 13, 15))
def power(call: Call) -> Sequence[Flow]:
    """A power with a scalar exponent."""
    exponent = _finite_scalar(call.constant(1))
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


@converts("Identity", since=(1, 13, 14, 16, 19, 21, 23, 24, 25), types=NUMERIC)
def identity(call: Call) -> Sequence[Flow]:
    """Identity."""
    return [call.emit(Identity(), call.flow())]


@converts("Cast", since=(9, 13, 19, 21, 23, 24, 25, 28), types=NUMERIC)
def cast(call: Call) -> Sequence[Flow]:
    """Cast between floating-point types, or from integers: values change only by rounding."""
    x, to = call.flow(), call.attribute("to", 1)
    if to not in (REAL if x.dtype in REAL else SIGNED) and to != x.dtype:
        raise UnsupportedOperator("truncation to integers, or integers that may overflow")
    output = call.emit(Identity(), x)
    return [Flow(output.layer, output.shape, output.batch, output.layer_shape, to)]
