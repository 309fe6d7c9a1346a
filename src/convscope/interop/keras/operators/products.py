"""Products of two tensors, one of which may be a weight."""

from __future__ import annotations

from typing import Any

from ....layers.connection import Shape
from ....layers.dense import Linear
from ....layers.indexing import Expand
from ....layers.merge import MatMul, Multiply
from ....layers.rearrange import Reshape
from ....layers.reduction import Reduce
from ..call import Call, is_learned
from ..flow import Flow, Unmapped, plain
from ..own import Own
from ..registry import converts
from ..weights import Weights, turned
from .dense import einsum_letters, folded_dense


@converts("ops.numpy.Matmul", "ops.numpy.Dot")
def matmul(call: Call) -> Flow:
    """Convert a matrix product per image; a weight behind it is a dense layer's."""
    one, two = call.argument(0, "x1"), call.argument(1, "x2")
    if isinstance(one, Flow) and isinstance(two, Flow) and one.batched and two.batched:
        if len(one.order) != len(two.order) or len(one.order) < 2 or type(call.op).__name__ == "Dot":
            raise Unmapped("images are mixed")
        return call.emit(MatMul(), call.plain(one), call.plain(two))
    if isinstance(one, Flow) and is_learned(two) and len(two.shape) == 2:
        return _dense(call, call.plain(one), two)
    if type(call.op).__name__ == "Dot":
        raise Unmapped("another product")
    first, second = (call.plain(flow) for flow in call.together([one, two]))
    if len(first.order) < 2 or len(second.order) != len(first.order):
        raise Unmapped("a product with a vector")
    outer = tuple(map(max, first.held[:-2], second.held[:-2]))
    return call.emit(MatMul(), _repeated(call, first, outer, "first"), _repeated(call, second, outer, "second"))


def _dense(call: Call, flow: Flow, weight: Any) -> Flow:
    """Multiply the last axis by a weight of as many rows."""
    own = weight if isinstance(weight, Own) else Own(weight, tuple(weight.shape))
    axes = own.axes or (0, 1)
    if own.axes is None and own.shape != tuple(own.variable.shape):
        rows = Weights((own.variable,), lambda array: own.read(array).T, (*own.shape, "rows"))
    else:
        rows = turned(own.variable, (axes[1], axes[0]))
    layer = Linear(own.shape[1], False, in_features=own.shape[0])
    return call.emit(layer, flow, parameters={"weight": rows})


def _repeated(call: Call, flow: Flow, outer: Shape, part: str) -> Flow:
    """Repeat the axes before the last two, as NumPy's product does."""
    held = (*outer, *flow.held[-2:])
    return flow if held == flow.held else call.emit(Expand(held), flow, part=part)


@converts("ops.numpy.Einsum")
def einsum(call: Call) -> Flow:
    """Convert a sum of products of a tensor and a weight, where each axis is summed or stays."""
    if len(call.args) != 2 or call.kwargs:
        raise Unmapped("another sum of products")
    left, _, outputs = call.op.subscripts.replace(" ", "").partition("->")
    places = left.split(",")
    values = list(call.args)
    if not isinstance(values[0], Flow):
        values.reverse()
        places.reverse()
    flow, weight = values
    if not isinstance(flow, Flow) or not is_learned(weight) or isinstance(weight, Own) or not flow.batched:
        raise Unmapped("two tensors made from the image")
    letters = einsum_letters(f"{','.join(places)}->{outputs}", len(flow.order))
    return folded_dense(call, flow, weight, None, *letters)


@converts("layers.Dot")
def dot(call: Call) -> Flow:
    """Convert the sum of products along an axis of each of two vectors or matrices."""
    op, flows = call.op, call.flows()
    axes = (op.axes, op.axes) if isinstance(op.axes, int) else tuple(op.axes)
    if op.normalize or len(flows) != 2 or any(len(flow.order) > 2 for flow in flows):
        raise Unmapped("another product")
    places = [axis % (len(flow.order) + 1) - 1 for axis, flow in zip(axes, flows, strict=True)]
    if min(places) < 0:
        raise Unmapped("images are mixed")
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
