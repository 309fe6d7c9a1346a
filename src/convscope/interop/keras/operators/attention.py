"""Attention: as one layer where it is the usual one, else part by part."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ....layers.activation import Softmax
from ....layers.elementwise import Affine
from ....layers.merge import MatMul, MultiheadAttention, Multiply
from ..call import Call
from ..registry import converts
from ..symbolic import Flow, Unmapped, plain
from ..weights import Array, Weights
from .dense import folded_dense


@converts("layers.MultiHeadAttention")
def multi_head_attention(call: Call) -> Flow:
    """Convert attention over a sequence."""
    op = call.op
    call.only("query", "value", "key", "return_attention_scores", "use_causal_mask")
    if call.kwargs.get("return_attention_scores") or call.kwargs.get("use_causal_mask") or len(call.args) > 3:
        raise Unmapped("scores or a mask")
    if getattr(op, "_use_gate", False) or getattr(op, "_sliding_window", None):
        raise Unmapped("gates, or windows")
    query, value = call.argument(0, "query"), call.argument(1, "value")
    key = call.argument(2, "key", value)
    given = [query, key, value]
    if not all(isinstance(one, Flow) and len(one.order) == 2 for one in given):
        raise Unmapped("images instead of sequences")
    q, k, v = (call.plain(one) for one in given)
    width = op._num_heads * op._key_dim
    if (
        q.held[1] == k.held[1] == v.held[1] == width
        and op._value_dim == op._key_dim
        and op._output_dense.kernel.shape[-1] == width
        and k.held == v.held
    ):
        return _packed(call, q, k, v)
    return _in_pieces(call, q, k, v)


def _packed(call: Call, q: Flow, k: Flow, v: Flow) -> Flow:
    """Add the one layer of attention whose heads together are as wide as the sequence."""
    op = call.op
    width = op._num_heads * op._key_dim
    denses = (op._query_dense, op._key_dense, op._value_dense)

    def rows(*kernels: Array) -> Array:
        return np.concatenate([kernel.reshape(width, width).T for kernel in kernels])

    def joined(*biases: Array) -> Array:
        return np.concatenate([bias.reshape(-1) for bias in biases])

    parameters = {
        "in_proj_weight": Weights(tuple(one.kernel for one in denses), rows),
        "out_proj.weight": Weights((op._output_dense.kernel,), lambda array: array.reshape(width, width).T),
    }
    if op._use_bias:
        parameters["in_proj_bias"] = Weights(tuple(one.bias for one in denses), joined)
        parameters["out_proj.bias"] = Weights((op._output_dense.bias,), lambda array: array.reshape(-1))
    flows = [q] if q == k == v else [q, k, v]
    return call.emit(MultiheadAttention(op._num_heads, op._use_bias), *flows, parameters=parameters)


def _in_pieces(call: Call, q: Flow, k: Flow, v: Flow) -> Flow:
    """Add softmax(Q·Kᵀ / √key)·V head by head, between its projections."""
    op = call.op

    def heads(flow: Flow, dense: Any, part: str) -> Flow:
        return folded_dense(call, flow, dense.kernel, dense.bias, "lw", "whd", "hld", part)

    queries = call.arranged(heads(q, op._query_dense, "query"), plain(3))
    keys = call.arranged(heads(k, op._key_dense, "key"), (0, 2, 1))
    values = call.arranged(heads(v, op._value_dense, "value"), plain(3))
    scores = call.emit(MatMul(), queries, keys, part="scores", order=plain(3))
    weights = call.emit(Softmax(2), call.emit(Affine(1 / sqrt(op._key_dim)), scores, part="scale"), part="softmax")
    sums = call.emit(MatMul(), weights, values, part="sums", order=plain(3))
    dense = op._output_dense
    return folded_dense(call, sums, dense.kernel, dense.bias, "hld", "hdw", "lw")


@converts("layers.Attention")
def attention(call: Call) -> Flow:
    """Convert attention without projections: a scale may be learned."""
    op = call.op
    call.only()
    flows = call.flows()
    if len(call.args) > 1 or not 2 <= len(flows) <= 3 or op.score_mode != "dot":
        raise Unmapped("masks, or another score")
    if any(len(flow.order) != 2 for flow in flows):
        raise Unmapped("images instead of sequences")
    query, value = call.plain(flows[0]), call.plain(flows[1])
    key = call.arranged(flows[-1] if len(flows) == 3 else flows[1], (1, 0))
    scores = call.emit(MatMul(), query, key, part="scores", order=(0, 1))
    if op.use_scale:
        scores = call.emit(Multiply(), scores, call.array(op.scale, scores, "factor"), part="scale")
    weights = call.emit(Softmax(1), scores, part="softmax")
    return call.emit(MatMul(), weights, value, order=(0, 1))
