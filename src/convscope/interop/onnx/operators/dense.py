"""Matrix products: Gemm, MatMul; and rows of a table: Gather."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....layers import Add, Embedding, Linear, MatMul
from ....layers.connection import Shape
from ..call import Call
from ..registry import Unmapped, converts
from ..values import REAL, SIGNED, Constant, Flow, broadcast
from . import patterns
from .merging import aligned, expanded, merged, stored


@converts("Gemm", since=(7, 9, 11, 13))
def gemm(call: Call) -> Sequence[Flow]:
    """alpha·A·B + beta·C with B and C fixed: a dense layer; one C for all outputs is added after it."""
    x, weight = call.flow(), call.constant(1)
    if call.attribute("transA", 0) or len(x.shape) != 2 or x.axis(1) is None or len(weight.shape) != 2:
        raise Unmapped("a product of another form")
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if not call.attribute("transB", 0):
        weight = weight.derived(weight.shape[::-1], lambda array: array.T, "T")
    held = {"weight": _times(weight, alpha)}
    bias, outputs = call.optional(2), weight.shape[0]
    if bias is None:
        return [_linear(call, x, held)]
    if bias.shape not in ((), (1,), (1, 1), (outputs,), (1, outputs)):
        raise Unmapped("a bias that differs from row to row")
    bias = _times(bias.derived((bias.size,), lambda array: array.reshape(-1), "row"), beta)
    if bias.size == outputs:
        return [_linear(call, x, {**held, "bias": bias})]
    product = _linear(call, x, held, "product")
    return [merged(call, Add(), (product, bias))]


def _times(constant: Constant, factor: float) -> Constant:
    if factor == 1:
        return constant
    return constant.derived(constant.shape, lambda array: array * np.float32(factor), f"times{factor}")


def _linear(call: Call, x: Flow, held: dict[str, Constant], part: str = "") -> Flow:
    outputs, inputs = held["weight"].shape
    image = x.image
    column = len(image) > 1 and image[1:] == (1,) * len(image[1:])
    wrong = image[-1] != inputs
    layer = Linear(outputs, "bias" in held, inputs if column or wrong else None)
    return call.emit(layer, x, part=part, parameters=held)


@converts("MatMul", since=(1, 9, 13), types=SIGNED)
def matmul(call: Call) -> Sequence[Flow]:
    """A product of two branches, or a dense layer where one is a fixed matrix; a bias added next is its own."""
    one, two = call.all_inputs()
    if isinstance(one, Flow) and isinstance(two, Constant) and len(two.shape) == 2:
        if one.axis(len(one.shape) - 1) is None:
            raise Unmapped("a product over the batch")
        held = {"weight": two.derived(two.shape[::-1], lambda array: array.T, "T")}
        plus = patterns.follower(call, call.node.output[0], "Add")
        bias = call.around.values.get(patterns.partner(plus, call.node.output[0])) if plus is not None else None
        if plus is None or not isinstance(bias, Constant) or bias.shape != two.shape[1:]:
            return [_linear(call, one, held)]
        output = _linear(call, one, {**held, "bias": bias})
        call.absorb([plus], output)
        return [output]
    return [_product(call)]


def _product(call: Call) -> Flow:
    """Emit a product of two values of at least two axes, their leading axes repeated where needed."""
    values = call.all_inputs()
    flows, place = aligned([value for value in values if isinstance(value, Flow)])
    if not flows:
        raise Unmapped("a product of constants")
    if place is not None and place >= -2:
        flows, place = [flow.seen_as(flow.shape, None) for flow in flows if _alone(flow)], None
        if len(flows) < sum(isinstance(value, Flow) for value in values):
            raise Unmapped("a product over the batch")
    ready = iter(flows)
    one, two = (
        next(ready) if isinstance(value, Flow) else stored(call, value, flows[0], place, str(index))
        for index, value in enumerate(values)
    )
    if min(len(one.image), len(two.image)) < 2:
        raise Unmapped("a product of vectors")
    leading = broadcast(one.image[:-2], two.image[:-2])
    one = expanded(call, one, (*leading, *one.image[-2:]), "first")
    two = expanded(call, two, (*leading, *two.image[-2:]), "second")
    output = call.emit(MatMul(), one, two)
    size = next((flow.shape[flow.batch] for flow in flows if flow.batch is not None), 1)
    if place is None:
        return Flow(output.layer, output.held, None, output.held, output.dtype)
    rank = len(output.held) + 1
    shape: Shape = (*output.held[: rank + place], size, *output.held[rank + place :])
    return Flow(output.layer, shape, rank + place, output.held, output.dtype)


def _alone(flow: Flow) -> bool:
    return flow.batch is None or flow.shape[flow.batch] == 1


def embedding(call: Call) -> Flow:
    """Emit rows of a table, picked by the whole numbers of the input."""
    table, indices = call.constant(0), call.flow(1)
    if call.attribute("axis", 0) != 0 or len(table.shape) != 2 or table.dtype not in REAL:
        raise Unmapped("indices into something else than a table's rows")
    output = call.emit(Embedding(*table.shape), indices, parameters={"weight": table})
    return Flow(output.layer, output.shape, output.batch, output.held, table.dtype)
