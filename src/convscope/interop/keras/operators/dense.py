"""Dense layers, embedding, matrix products, einsum and attention."""

from __future__ import annotations

from dataclasses import replace
from math import prod, sqrt
from typing import Any

import numpy as np

from ....layers.activation import Softmax
from ....layers.connection import Shape
from ....layers.dense import Embedding, Linear
from ....layers.elementwise import Affine
from ....layers.indexing import Expand
from ....layers.merge import MatMul, MultiheadAttention, Multiply
from ....layers.rearrange import Reshape
from ....layers.reduction import Reduce
from ...errors import UnsupportedOperator
from ...graph_builder import reshape_layer
from ..call import Call, converts, is_learned
from ..symbolic import SymbolicTensor, keras_order
from ..weights import Array, RearrangedWeight, WeightSource, transposed_source, unchanged_source
from .activation import add_activation


@converts("layers.Dense")
def dense(call: Call) -> SymbolicTensor:
    """Convert `Dense`, over the last axis."""
    op = call.op
    x = call.in_keras_order(call.tensor())
    parameters = {"weight": transposed_source(op.kernel, (1, 0))}
    if op.use_bias:
        parameters["bias"] = unchanged_source(op.bias)
    layer = Linear(op.units, op.use_bias, in_features=x.layer_shape[-1])
    return add_activation(call, call.emit(layer, x, parameters=parameters), op.activation)


@converts("layers.TimeDistributed")
def time_distributed(call: Call) -> SymbolicTensor:
    """Convert `TimeDistributed(Dense)`, which equals `Dense`."""
    import keras

    call.refuse_other_arguments()
    if type(call.op.layer) is not keras.layers.Dense:
        raise UnsupportedOperator("a layer other than Dense")
    return call.convert_call(call.op.layer, call.name, call.tensor())


@converts("layers.Embedding")
def embedding(call: Call) -> SymbolicTensor:
    """Convert an embedding. Layers that use its mask receive that separately."""
    op = call.op
    x = call.in_keras_order(call.tensor())
    parameters = {"weight": unchanged_source(op.embeddings)}
    layer = Embedding(op.input_dim, op.output_dim)
    return call.emit(layer, x, order=keras_order(len(x.order) + 1), parameters=parameters)


@converts("layers.EinsumDense")
def einsum_dense(call: Call) -> SymbolicTensor:
    """Convert `EinsumDense`, if each axis of the kernel is either summed or kept."""
    op = call.op
    inputs, kernel, outputs = einsum_letters(op.equation, len(call.tensor().order))
    bias = op.bias
    folded = add_einsum(call, call.tensor(), op.kernel, bias, inputs, kernel, outputs)
    return add_activation(call, folded, op.activation)


def einsum_letters(equation: str, rank: int) -> tuple[str, str, str]:
    """Return the letters of input, kernel and output, without the batch."""
    left, _, outputs = equation.replace(" ", "").partition("->")
    inputs, _, kernel = left.partition(",")
    if "..." in equation:
        spare = [letter for letter in "ZYXWVUTS" if letter not in equation]
        dots = "".join(spare[: rank + 1 - len(inputs.replace("...", ""))])
        inputs, outputs = inputs.replace("...", dots), outputs.replace("...", dots)
    if len(inputs) != rank + 1 or not outputs.startswith(inputs[0]) or inputs[0] in kernel:
        raise UnsupportedOperator("the batch axis is combined with another axis")
    return inputs[1:], kernel, outputs[1:]


def add_einsum(
    call: Call,
    tensor: SymbolicTensor,
    kernel: Any,
    bias: Any,
    inputs: str,
    letters: str,
    outputs: str,
    part: str = "",
) -> SymbolicTensor:
    """Add a matrix product whose rows and columns may each be several axes.

    Letters name axes, as in einsum: axes of input and kernel that are not in the output are summed.

    Raises:
        UnsupportedOperator: Where an axis of the kernel is neither summed nor new.
    """
    summed = [c for c in letters if c not in outputs]
    columns = [c for c in letters if c in outputs]
    kept = [c for c in inputs if c not in summed]
    if any(c in inputs for c in columns) or any(c not in inputs for c in summed) or not summed:
        raise UnsupportedOperator("an unsupported einsum")
    if sorted(outputs) != sorted(kept + columns):
        raise UnsupportedOperator("an unsupported einsum")
    sizes = dict(zip(letters, kernel.shape, strict=True)) | dict(zip(inputs, tensor.shape, strict=True))

    def total(group: list[str]) -> int:
        return prod(sizes[c] for c in group)

    x = call.transpose(tensor, tuple(inputs.index(c) for c in kept + summed))
    if len(summed) > 1:
        layer_shape = (*(sizes[c] for c in kept), total(summed))
        x = call.emit(
            reshape_layer(layer_shape), x, part=f"{part or 'input'}.reshape", order=keras_order(len(layer_shape))
        )
    parameters = {"weight": _matrix(kernel, [letters.index(c) for c in columns + summed], total(columns))}
    folded = len(columns) != 1
    if bias is not None:
        _check_bias(bias, columns, outputs, sizes)
        parameters["bias"] = WeightSource((bias,), lambda array: array.reshape(-1))
    layer = Linear(total(columns), bias is not None, in_features=x.layer_shape[-1])
    product = call.emit(layer, x, part=part, order=keras_order(len(kept) + 1), parameters=parameters)
    layer_shape = tuple(sizes[c] for c in kept + columns)
    if folded:
        product = call.emit(
            reshape_layer(layer_shape),
            product,
            part=f"{part or 'output'}.reshape",
            order=keras_order(len(layer_shape)),
        )
    return replace(product, layer_shape=layer_shape, order=tuple(outputs.index(c) for c in kept + columns))


def _matrix(kernel: Any, order: list[int], rows: int) -> WeightSource:
    return WeightSource((kernel,), lambda array: array.transpose(order).reshape(rows, -1))


def _check_bias(bias: Any, columns: list[str], outputs: str, sizes: dict[str, int]) -> None:
    """Refuse a bias that is not one value per column of the matrix, in its order."""
    expected = tuple(sizes[c] for c in columns if sizes[c] > 1)
    in_order = [c for c in outputs if c in columns] == columns
    if not in_order or expected != tuple(size for size in bias.shape if size > 1):
        raise UnsupportedOperator("an unsupported bias")


@converts("ops.numpy.Matmul", "ops.numpy.Dot")
def matmul(call: Call) -> SymbolicTensor:
    """Convert a matrix product per image; a product with a weight is a Linear layer."""
    one, two = call.argument(0, "x1"), call.argument(1, "x2")
    if isinstance(one, SymbolicTensor) and isinstance(two, SymbolicTensor) and one.batched and two.batched:
        if len(one.order) != len(two.order) or len(one.order) < 2 or type(call.op).__name__ == "Dot":
            raise UnsupportedOperator("the batch axis is combined with another axis")
        return call.emit(MatMul(), call.in_keras_order(one), call.in_keras_order(two))
    if isinstance(one, SymbolicTensor) and is_learned(two) and len(two.shape) == 2:
        return _add_linear(call, call.in_keras_order(one), two)
    if type(call.op).__name__ == "Dot":
        raise UnsupportedOperator("an unsupported product")
    first, second = (call.in_keras_order(tensor) for tensor in call.as_tensors([one, two]))
    if len(first.order) < 2 or len(second.order) != len(first.order):
        raise UnsupportedOperator("a product with a vector")
    outer = tuple(map(max, first.layer_shape[:-2], second.layer_shape[:-2]))
    return call.emit(MatMul(), _broadcast(call, first, outer, "first"), _broadcast(call, second, outer, "second"))


def _add_linear(call: Call, tensor: SymbolicTensor, weight: Any) -> SymbolicTensor:
    """Multiply the last axis by a weight matrix."""
    rearranged = weight if isinstance(weight, RearrangedWeight) else RearrangedWeight(weight, tuple(weight.shape))
    axes = rearranged.axes or (0, 1)
    if rearranged.axes is None and rearranged.shape != tuple(rearranged.variable.shape):
        rows = WeightSource(
            (rearranged.variable,), lambda array: rearranged.read(array).T, (*rearranged.shape, "rows")
        )
    else:
        rows = transposed_source(rearranged.variable, (axes[1], axes[0]))
    layer = Linear(rearranged.shape[1], False, in_features=rearranged.shape[0])
    return call.emit(layer, tensor, parameters={"weight": rows})


def _broadcast(call: Call, tensor: SymbolicTensor, outer: Shape, part: str) -> SymbolicTensor:
    """Broadcast the axes before the last two."""
    layer_shape = (*outer, *tensor.layer_shape[-2:])
    return tensor if layer_shape == tensor.layer_shape else call.emit(Expand(layer_shape), tensor, part=part)


@converts("ops.numpy.Einsum")
def einsum(call: Call) -> SymbolicTensor:
    """Convert an einsum of a tensor and a weight, if each axis is either summed or kept."""
    if len(call.args) != 2 or call.kwargs:
        raise UnsupportedOperator("an unsupported einsum")
    left, _, outputs = call.op.subscripts.replace(" ", "").partition("->")
    positions = left.split(",")
    values = list(call.args)
    if not isinstance(values[0], SymbolicTensor):
        values.reverse()
        positions.reverse()
    tensor, weight = values
    if (
        not isinstance(tensor, SymbolicTensor)
        or not is_learned(weight)
        or isinstance(weight, RearrangedWeight)
        or not tensor.batched
    ):
        raise UnsupportedOperator("two tensors computed from the input")
    letters = einsum_letters(f"{','.join(positions)}->{outputs}", len(tensor.order))
    return add_einsum(call, tensor, weight, None, *letters)


@converts("layers.Dot")
def dot(call: Call) -> SymbolicTensor:
    """Convert the dot product of two vectors or matrices along one axis of each."""
    op, tensors = call.op, call.tensors()
    axes = (op.axes, op.axes) if isinstance(op.axes, int) else tuple(op.axes)
    if op.normalize or len(tensors) != 2 or any(len(tensor.order) > 2 for tensor in tensors):
        raise UnsupportedOperator("an unsupported product")
    positions = [axis % (len(tensor.order) + 1) - 1 for axis, tensor in zip(axes, tensors, strict=True)]
    if min(positions) < 0:
        raise UnsupportedOperator("the batch axis is combined with another axis")
    if len(tensors[0].order) == len(tensors[1].order) == 1:
        return call.emit(Reduce("sum", (0,), True), call.emit(Multiply(), *tensors, part="mul"))
    one = _as_matrix(call, tensors[0], positions[0], 1, "first")
    two = _as_matrix(call, tensors[1], positions[1], 0, "second")
    product = call.emit(MatMul(), one, two, order=(0, 1))
    kept = tuple(n for n, tensor in zip(product.layer_shape, tensors, strict=True) if len(tensor.order) == 2)
    if len(kept) == 2:
        return product
    return call.emit(Reshape(kept), product, part="reshape", order=keras_order(len(kept)))


def _as_matrix(call: Call, tensor: SymbolicTensor, summed: int, position: int, part: str) -> SymbolicTensor:
    """Return a tensor as a matrix whose summed axis is axis `position`."""
    if len(tensor.order) == 1:
        shape = (tensor.layer_shape[0], 1) if position == 0 else (1, tensor.layer_shape[0])
        return call.emit(Reshape(shape), tensor, part=part, order=(0, 1))
    order = (1 - summed, summed) if position == 1 else (summed, 1 - summed)
    return call.transpose(tensor, order)


@converts("layers.MultiHeadAttention")
def multi_head_attention(call: Call) -> SymbolicTensor:
    """Convert multi-head attention over sequences."""
    op = call.op
    call.refuse_other_arguments("query", "value", "key", "return_attention_scores", "use_causal_mask")
    if call.kwargs.get("return_attention_scores") or call.kwargs.get("use_causal_mask") or len(call.args) > 3:
        raise UnsupportedOperator("scores or a mask")
    if getattr(op, "_use_gate", False) or getattr(op, "_sliding_window", None):
        raise UnsupportedOperator("gates or windows")
    query, value = call.argument(0, "query"), call.argument(1, "value")
    key = call.argument(2, "key", value)
    sequences = [query, key, value]
    if not all(isinstance(one, SymbolicTensor) and len(one.order) == 2 for one in sequences):
        raise UnsupportedOperator("not a sequence")
    q, k, v = (call.in_keras_order(one) for one in sequences)
    width = op._num_heads * op._key_dim
    if (
        q.layer_shape[1] == k.layer_shape[1] == v.layer_shape[1] == width
        and op._value_dim == op._key_dim
        and op._output_dense.kernel.shape[-1] == width
        and k.layer_shape == v.layer_shape
    ):
        return _add_packed(call, q, k, v)
    return _add_parts(call, q, k, v)


def _add_packed(call: Call, q: SymbolicTensor, k: SymbolicTensor, v: SymbolicTensor) -> SymbolicTensor:
    """Add one MultiheadAttention layer, for heads that are together as wide as the sequence."""
    op = call.op
    width = op._num_heads * op._key_dim
    denses = (op._query_dense, op._key_dense, op._value_dense)

    def rows(*kernels: Array) -> Array:
        return np.concatenate([kernel.reshape(width, width).T for kernel in kernels])

    def join(*biases: Array) -> Array:
        return np.concatenate([bias.reshape(-1) for bias in biases])

    parameters = {
        "in_proj_weight": WeightSource(tuple(one.kernel for one in denses), rows),
        "out_proj.weight": WeightSource((op._output_dense.kernel,), lambda array: array.reshape(width, width).T),
    }
    if op._use_bias:
        parameters["in_proj_bias"] = WeightSource(tuple(one.bias for one in denses), join)
        parameters["out_proj.bias"] = WeightSource((op._output_dense.bias,), lambda array: array.reshape(-1))
    tensors = [q] if q == k == v else [q, k, v]
    return call.emit(MultiheadAttention(op._num_heads, op._use_bias), *tensors, parameters=parameters)


def _add_parts(call: Call, q: SymbolicTensor, k: SymbolicTensor, v: SymbolicTensor) -> SymbolicTensor:
    """Add softmax(Q·Kᵀ / √key)·V per head, between projections."""
    op = call.op

    def heads(tensor: SymbolicTensor, dense: Any, part: str) -> SymbolicTensor:
        return add_einsum(call, tensor, dense.kernel, dense.bias, "lw", "whd", "hld", part)

    queries = call.transpose(heads(q, op._query_dense, "query"), keras_order(3))
    keys = call.transpose(heads(k, op._key_dense, "key"), (0, 2, 1))
    values = call.transpose(heads(v, op._value_dense, "value"), keras_order(3))
    scores = call.emit(MatMul(), queries, keys, part="scores", order=keras_order(3))
    weights = call.emit(Softmax(2), call.emit(Affine(1 / sqrt(op._key_dim)), scores, part="scale"), part="softmax")
    sums = call.emit(MatMul(), weights, values, part="sums", order=keras_order(3))
    dense = op._output_dense
    return add_einsum(call, sums, dense.kernel, dense.bias, "hld", "hdw", "lw")


@converts("layers.Attention")
def attention(call: Call) -> SymbolicTensor:
    """Convert attention without projections, with an optional trainable scale."""
    op = call.op
    call.refuse_other_arguments()
    tensors = call.tensors()
    if len(call.args) > 1 or not 2 <= len(tensors) <= 3 or op.score_mode != "dot":
        raise UnsupportedOperator("masks, or an unsupported score")
    if any(len(tensor.order) != 2 for tensor in tensors):
        raise UnsupportedOperator("not a sequence")
    query, value = call.in_keras_order(tensors[0]), call.in_keras_order(tensors[1])
    key = call.transpose(tensors[-1] if len(tensors) == 3 else tensors[1], (1, 0))
    scores = call.emit(MatMul(), query, key, part="scores", order=(0, 1))
    if op.use_scale:
        scores = call.emit(Multiply(), scores, call.add_array(op.scale, scores, "factor"), part="scale")
    weights = call.emit(Softmax(1), scores, part="softmax")
    return call.emit(MatMul(), weights, value, order=(0, 1))
