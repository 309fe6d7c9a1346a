"""Concat; and merges of several values, whose batch axes are aligned first."""

from __future__ import annotations

from collections.abc import Sequence

from ....layers import Concat, Expand, Parameter
from ....layers.base import Layer
from ....layers.connection import Shape
from ...errors import UnsupportedOperator
from ..call import Call, with_batch_at, with_layer_output, without_batch
from ..registry import converts
from ..values import NUMERIC, REAL, Constant, Flow, Value, broadcast


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
    reshaped = constant.derived(shape, lambda array: array.reshape(shape), f"shape{shape}")
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
