"""Elementwise functions of one value and of several, Concat, Identity and Cast."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from ....layers import (
    Add,
    Affine,
    Clamp,
    Concat,
    Divide,
    Expand,
    Function,
    Identity,
    Maximum,
    Minimum,
    Multiply,
    Parameter,
    Power,
    Scale,
    Subtract,
)
from ....layers.base import Layer
from ....layers.connection import Shape
from ...errors import UnsupportedOperator
from ..call import Call, converts, with_batch_at, with_layer_output, without_batch
from ..values import NUMERIC, ORDERED, REAL, SIGNED, Constant, Flow, Value, broadcast, from_array
from . import patterns

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
        scaled = _emit_scale(call, one, two) or _emit_scale(call, two, one)
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


def _emit_scale(call: Call, x: Value, weight: Value) -> Flow | None:
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
    factor = weight.derive(shape, lambda array: array.reshape(shape), f"shape{shape}")
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


@converts("Concat", since=(4, 11, 13), types=NUMERIC)
def concat(call: Call) -> Sequence[Flow]:
    """The inputs concatenated along an axis; empty ones are dropped."""
    values = [value for value in call.all_inputs() if 0 not in value.shape]
    rank = len(values[0].shape)
    axis = call.attribute("axis", 1)
    axis += rank if axis < 0 else 0
    flows = [value for value in values if isinstance(value, Flow)]
    if len(values) == 1:
        return [flows[0]]
    flows, batch_axis = align_batches(flows)
    if batch_axis is not None and rank + batch_axis == axis:
        flows, batch_axis = [without_batch(flow) for flow in flows], None
    inputs = as_flows(call, values, flows, batch_axis)
    batch = None if batch_axis is None else rank + batch_axis
    output = call.emit(Concat(axis - (batch is not None and axis > batch)), *inputs)
    return [with_layer_output(flows[0], output, batch)]


def emit_merge(call: Call, layer: Layer, values: Sequence[Value]) -> Flow:
    """Emit an elementwise layer of several values, which broadcast from the last axis as in NumPy."""
    flows, batch_axis = align_batches([value for value in values if isinstance(value, Flow)])
    rank = max(len(value.shape) for value in values)
    if batch_axis is not None and -batch_axis > max(len(flow.shape) for flow in flows):
        raise UnsupportedOperator("a constant with more axes than the input")
    inputs = as_flows(call, values, flows, batch_axis)
    output = call.emit(layer, *inputs)
    return with_layer_output(
        flows[0] if batch_axis is not None else inputs[0],
        output,
        None if batch_axis is None else rank + batch_axis,
    )


def align_batches(flows: Sequence[Flow]) -> tuple[list[Flow], int | None]:
    """Return the flows with a common batch axis, and that axis counted from the last; None without a batch."""
    longest = max((flow for flow in flows if flow.batch is not None), key=lambda f: len(f.shape), default=None)
    if longest is None or longest.batch is None:
        return list(flows), None
    batch_axis = longest.batch - len(longest.shape)
    try:
        return [_with_batch_at(flow, batch_axis) for flow in flows], batch_axis
    except UnsupportedOperator:
        return [without_batch(flow) for flow in flows], None


def _with_batch_at(flow: Flow, batch_axis: int) -> Flow:
    """Return the flow with its batch at this negative axis, or without a batch if it has too few axes."""
    if len(flow.shape) < -batch_axis:
        return without_batch(flow)
    return with_batch_at(flow, len(flow.shape) + batch_axis)


def as_flows(call: Call, values: Sequence[Value], flows: Sequence[Flow], batch_axis: int | None) -> list[Flow]:
    """Return the values with constants as Parameter layers; `flows` are the others, with their batches aligned."""
    remaining = iter(flows)
    return [
        next(remaining) if isinstance(value, Flow) else as_layer(call, value, flows[0], batch_axis, str(index))
        for index, value in enumerate(values)
    ]


def as_layer(call: Call, constant: Constant, like: Flow, batch_axis: int | None, part: str) -> Flow:
    """Return a constant as a Parameter layer, learned or fixed."""
    shape = constant.shape
    if batch_axis is not None and len(shape) >= -batch_axis:
        if shape[batch_axis] != 1:
            raise UnsupportedOperator("a constant per image")
        shape = shape[:batch_axis] + (shape[batch_axis + 1 :] if batch_axis != -1 else ())
    shape = shape or (1,)
    learned = constant.learned and constant.dtype in REAL
    reshaped = constant.derive(shape, lambda array: array.reshape(shape), f"shape{shape}")
    name = "weight" if learned else "value"
    output = call.emit(Parameter(shape, learned), like, part=f"constant{part}", parameters={name: reshaped})
    return Flow(output.layer, shape, None, shape, constant.dtype)


def emit_expand(call: Call, flow: Flow, image: Shape, part: str) -> Flow:
    """Return the flow broadcast to a shape without the batch."""
    if flow.image == image:
        return flow
    if broadcast(flow.image, image) != image:
        raise UnsupportedOperator("shapes that do not broadcast")
    return call.emit(Expand(image), flow, part=part)
