"""Products of two tensors made from the picture."""

from __future__ import annotations

from ....layers.merge import MatMul, Multiply
from ....layers.rearrange import Reshape
from ....layers.reduction import Reduce
from ..call import Call
from ..flow import Flow, Unmapped, plain
from ..registry import converts


@converts("ops.numpy.Matmul")
def matmul(call: Call) -> Flow:
    """Convert a matrix product per picture."""
    one, two = call.argument(0, "x1"), call.argument(1, "x2")
    if not isinstance(one, Flow) or not isinstance(two, Flow):
        raise Unmapped("an array of the network's own")
    if len(one.order) != len(two.order) or len(one.order) < 2:
        raise Unmapped("pictures are mixed")
    return call.emit(MatMul(), call.plain(one), call.plain(two))


@converts("layers.Dot")
def dot(call: Call) -> Flow:
    """Convert the sum of products along an axis of each of two vectors or matrices."""
    op, flows = call.op, call.flows()
    axes = (op.axes, op.axes) if isinstance(op.axes, int) else tuple(op.axes)
    if op.normalize or len(flows) != 2 or any(len(flow.order) > 2 for flow in flows):
        raise Unmapped("another product")
    places = [axis % (len(flow.order) + 1) - 1 for axis, flow in zip(axes, flows, strict=True)]
    if min(places) < 0:
        raise Unmapped("pictures are mixed")
    if len(flows[0].order) == len(flows[1].order) == 1:
        return call.emit(Reduce("sum", (0,), True), call.emit(Multiply(), *flows, part="mul"))
    one = _matrix(call, flows[0], places[0], 1, "first")
    two = _matrix(call, flows[1], places[1], 0, "second")
    product = call.emit(MatMul(), one, two, order=(0, 1))
    kept = tuple(n for n, flow in zip(product.held, flows, strict=True) if len(flow.order) == 2)
    if len(kept) == 2:
        return product
    return call.emit(Reshape(kept), product, part="reshape", order=plain(len(kept)))


def _matrix(call: Call, flow: Flow, summed: int, place: int, part: str) -> Flow:
    """Return a flow as a matrix whose summed axis is at `place`."""
    if len(flow.order) == 1:
        shape = (flow.held[0], 1) if place == 0 else (1, flow.held[0])
        return call.emit(Reshape(shape), flow, part=part, order=(0, 1))
    order = (1 - summed, summed) if place == 1 else (summed, 1 - summed)
    return call.arranged(flow, order)
