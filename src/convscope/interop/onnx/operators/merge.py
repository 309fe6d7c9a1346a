"""Concat, and values brought to one batch axis."""

from __future__ import annotations

from collections.abc import Sequence

from ....layers import Concat, Expand, Parameter
from ....layers.base import Layer
from ....layers.connection import Shape
from ..call import Call, with_batch_at, with_layer_output, without_batch
from ..registry import UnsupportedOperator, converts
from ..values import NUMERIC, REAL, Constant, Flow, Value, broadcast


@converts("Concat", since=(4, 11, 13), types=NUMERIC)
def concat(call: Call) -> Sequence[Flow]:
    """The inputs one after another along an axis, the empty ones left out."""
    values = [value for value in call.all_inputs() if 0 not in value.shape]
    rank = len(values[0].shape)
    axis = call.attribute("axis", 1)
    axis += rank if axis < 0 else 0
    flows = [value for value in values if isinstance(value, Flow)]
    if len(values) == 1:
        return [flows[0]]
    flows, place = align_batches(flows)
    if place is not None and rank + place == axis:
        flows, place = [without_batch(flow) for flow in flows], None
    ready = iter(flows)
    inputs = [
        next(ready) if isinstance(value, Flow) else stored(call, value, flows[0], place, str(index))
        for index, value in enumerate(values)
    ]
    batch = None if place is None else rank + place
    output = call.emit(Concat(axis - (batch is not None and axis > batch)), *inputs)
    return [with_layer_output(flows[0], output, batch)]


def emit_merge(call: Call, layer: Layer, values: Sequence[Value]) -> Flow:
    """Emit a layer that joins values element by element, aligned from the last axis as in NumPy."""
    flows, place = align_batches([value for value in values if isinstance(value, Flow)])
    rank = max(len(value.shape) for value in values)
    if place is not None and -place > max(len(flow.shape) for flow in flows):
        raise UnsupportedOperator("a constant with more axes than the images")
    ready = iter(flows)
    inputs = [
        next(ready) if isinstance(value, Flow) else stored(call, value, flows[0], place, str(index))
        for index, value in enumerate(values)
    ]
    output = call.emit(layer, *inputs)
    return with_layer_output(
        flows[0] if place is not None else inputs[0], output, None if place is None else rank + place
    )


def align_batches(flows: Sequence[Flow]) -> tuple[list[Flow], int | None]:
    """Return the flows with their batches at one place, counted from the last axis; None without batch."""
    leader = max((flow for flow in flows if flow.batch is not None), key=lambda f: len(f.shape), default=None)
    if leader is None or leader.batch is None:
        return list(flows), None
    place = leader.batch - len(leader.shape)
    try:
        return [_at(flow, place) for flow in flows], place
    except UnsupportedOperator:
        return [without_batch(flow) for flow in flows], None


def _at(flow: Flow, place: int) -> Flow:
    """Return the flow with its batch at this place from the end, or without one where it has too few axes."""
    if len(flow.shape) < -place:
        return without_batch(flow)
    return with_batch_at(flow, len(flow.shape) + place)


def stored(call: Call, constant: Constant, like: Flow, place: int | None, part: str) -> Flow:
    """Return a constant as a layer: a parameter where it is learned, otherwise a fixed array."""
    shape = constant.shape
    if place is not None and len(shape) >= -place:
        if shape[place] != 1:
            raise UnsupportedOperator("a constant that differs from image to image")
        shape = shape[:place] + (shape[place + 1 :] if place != -1 else ())
    shape = shape or (1,)
    learned = constant.learned and constant.dtype in REAL
    held = constant.derived(shape, lambda array: array.reshape(shape), f"shape{shape}")
    name = "weight" if learned else "value"
    output = call.emit(Parameter(shape, learned), like, part=f"constant{part}", parameters={name: held})
    return Flow(output.layer, shape, None, shape, constant.dtype)


def emit_expand(call: Call, flow: Flow, image: Shape, part: str) -> Flow:
    """Return the flow repeated along axes of size 1, up to an image's shape."""
    if flow.image == image:
        return flow
    if broadcast(flow.image, image) != image:
        raise UnsupportedOperator("shapes that do not repeat to one another")
    return call.emit(Expand(image), flow, part=part)
