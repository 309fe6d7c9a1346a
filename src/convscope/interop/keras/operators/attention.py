"""Attention: one layer where possible, otherwise its parts."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ....layers.activation import Softmax
from ....layers.elementwise import Affine
from ....layers.merge import MatMul, MultiheadAttention, Multiply
from ...errors import UnsupportedOperator
from ..call import Call
from ..registry import converts
from ..symbolic import SymbolicTensor, keras_order
from ..weights import Array, WeightSource
from .dense import add_einsum


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
    given = [query, key, value]
    if not all(isinstance(one, SymbolicTensor) and len(one.order) == 2 for one in given):
        raise UnsupportedOperator("not a sequence")
    q, k, v = (call.in_keras_order(one) for one in given)
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

    def joined(*biases: Array) -> Array:
        return np.concatenate([bias.reshape(-1) for bias in biases])

    parameters = {
        "in_proj_weight": WeightSource(tuple(one.kernel for one in denses), rows),
        "out_proj.weight": WeightSource((op._output_dense.kernel,), lambda array: array.reshape(width, width).T),
    }
    if op._use_bias:
        parameters["in_proj_bias"] = WeightSource(tuple(one.bias for one in denses), joined)
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
