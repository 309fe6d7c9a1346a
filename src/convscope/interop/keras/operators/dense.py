"""Dense layers, embedding, matrix products, einsum."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ....layers.connection import Shape
from ....layers.dense import Embedding, Linear
from ....layers.indexing import Expand
from ....layers.merge import MatMul, Multiply
from ....layers.rearrange import Reshape
from ....layers.reduction import Reduce
from ..arrange import reshaping
from ..call import Call, is_learned
from ..flow import Flow, Unmapped, plain
from ..own import Own
from ..registry import converts
from ..weights import Weights, as_it_is, turned
from .activation import activated


@converts("layers.Dense")
def dense(call: Call) -> Flow:
    """Convert a matrix over the last axis."""
    op = call.op
    x = call.plain(call.flow())
    parameters = {"weight": turned(op.kernel, (1, 0))}
    if op.use_bias:
        parameters["bias"] = as_it_is(op.bias)
    layer = Linear(op.units, op.use_bias, in_features=x.held[-1])
    return activated(call, call.emit(layer, x, parameters=parameters), op.activation)


@converts("layers.TimeDistributed")
def at_each_step(call: Call) -> Flow:
    """Convert a Dense layer at each step, which is what it does anyway."""
    import keras

    call.only()
    if type(call.op.layer) is not keras.layers.Dense:
        raise Unmapped("another layer at each step")
    return call.result(call.op.layer, call.name, call.flow())


@converts("layers.Embedding")
def embedding(call: Call) -> Flow:
    """Convert rows of a table. A mask made of its input goes its own way, to the layers that heed it."""
    op = call.op
    x = call.plain(call.flow())
    parameters = {"weight": as_it_is(op.embeddings)}
    layer = Embedding(op.input_dim, op.output_dim)
    return call.emit(layer, x, order=plain(len(x.order) + 1), parameters=parameters)


@converts("layers.EinsumDense")
def einsum_dense(call: Call) -> Flow:
    """Convert a learned array over some axes, where each of them is summed or stays."""
    op = call.op
    inputs, kernel, outputs = einsum_letters(op.equation, len(call.flow().order))
    bias = op.bias
    folded = folded_dense(call, call.flow(), op.kernel, bias, inputs, kernel, outputs)
    return activated(call, folded, op.activation)


def einsum_letters(equation: str, rank: int) -> tuple[str, str, str]:
    """Return the letters of input, kernel and output, the batch left out."""
    left, _, outputs = equation.replace(" ", "").partition("->")
    inputs, _, kernel = left.partition(",")
    if "..." in equation:
        spare = [letter for letter in "ZYXWVUTS" if letter not in equation]
        dots = "".join(spare[: rank + 1 - len(inputs.replace("...", ""))])
        inputs, outputs = inputs.replace("...", dots), outputs.replace("...", dots)
    if len(inputs) != rank + 1 or not outputs.startswith(inputs[0]) or inputs[0] in kernel:
        raise Unmapped("images are mixed")
    return inputs[1:], kernel, outputs[1:]


def folded_dense(
    call: Call, flow: Flow, kernel: Any, bias: Any, inputs: str, letters: str, outputs: str, part: str = ""
) -> Flow:
    """Add a matrix product whose rows and columns may each be several axes.

    Letters name axes, as in an einsum: those of input and kernel that are not in the output are summed.

    Errors:   Unmapped where an axis of the kernel also stays in the input
    """
    summed = [c for c in letters if c not in outputs]
    made = [c for c in letters if c in outputs]
    kept = [c for c in inputs if c not in summed]
    if any(c in inputs for c in made) or any(c not in inputs for c in summed) or not summed:
        raise Unmapped("another sum of products")
    if sorted(outputs) != sorted(kept + made):
        raise Unmapped("another sum of products")
    sizes = dict(zip(letters, kernel.shape, strict=True)) | dict(zip(inputs, flow.shape, strict=True))

    def total(group: list[str]) -> int:
        return prod(sizes[c] for c in group)

    x = call.arranged(flow, tuple(inputs.index(c) for c in kept + summed))
    if len(summed) > 1:
        held = (*(sizes[c] for c in kept), total(summed))
        x = call.emit(reshaping(held), x, part=f"{part or 'input'}.reshape", order=plain(len(held)))
    parameters = {"weight": _matrix(kernel, [letters.index(c) for c in made + summed], total(made))}
    folded = len(made) != 1
    if bias is not None:
        _check_bias(bias, made, outputs, sizes)
        parameters["bias"] = Weights((bias,), lambda array: array.reshape(-1))
    layer = Linear(total(made), bias is not None, in_features=x.held[-1])
    product = call.emit(layer, x, part=part, order=plain(len(kept) + 1), parameters=parameters)
    held = tuple(sizes[c] for c in kept + made)
    if folded:
        product = call.emit(reshaping(held), product, part=f"{part or 'output'}.reshape", order=plain(len(held)))
    return replace(product, held=held, order=tuple(outputs.index(c) for c in kept + made))


def _matrix(kernel: Any, order: list[int], rows: int) -> Weights:
    return Weights((kernel,), lambda array: array.transpose(order).reshape(rows, -1))


def _check_bias(bias: Any, made: list[str], outputs: str, sizes: dict[str, int]) -> None:
    """Refuse a bias that is not one number per column of the matrix, in the matrix's order."""
    columns = tuple(sizes[c] for c in made)
    own = tuple(size for size in bias.shape if size > 1)
    in_order = [c for c in outputs if c in made] == made
    if not in_order or own != tuple(size for size in columns if size > 1):
        raise Unmapped("another bias")


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
    one = _as_matrix(call, flows[0], places[0], 1, "first")
    two = _as_matrix(call, flows[1], places[1], 0, "second")
    product = call.emit(MatMul(), one, two, order=(0, 1))
    kept = tuple(n for n, flow in zip(product.held, flows, strict=True) if len(flow.order) == 2)
    if len(kept) == 2:
        return product
    return call.emit(Reshape(kept), product, part="reshape", order=plain(len(kept)))


def _as_matrix(call: Call, flow: Flow, summed: int, place: int, part: str) -> Flow:
    """Return a flow as a matrix whose summed axis is at `place`."""
    if len(flow.order) == 1:
        shape = (flow.held[0], 1) if place == 0 else (1, flow.held[0])
        return call.emit(Reshape(shape), flow, part=part, order=(0, 1))
    order = (1 - summed, summed) if place == 1 else (summed, 1 - summed)
    return call.arranged(flow, order)
