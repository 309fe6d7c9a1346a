"""Attention."""

from __future__ import annotations

import inspect
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from ....layers.activation import Softmax
from ....layers.elementwise import Affine
from ....layers.merge import Add, MultiheadAttention
from ....layers.rearrange import Permute
from ...errors import RandomAtInference, UnsupportedOperator
from ..registry import converts
from .dense import check_stacked, product

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


@converts("functional.scaled_dot_product_attention")
def scaled_dot_product_attention(
    call: Call,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> str:
    """Convert softmax(Q·Kᵀ·scale + mask)·V, part by part."""
    import torch

    if dropout_p > 0:
        raise RandomAtInference("random weights")
    check_stacked(call, query, key, value)
    if enable_gqa:
        raise UnsupportedOperator("heads in groups")
    q, k, v = (call.node(one) for one in (query, key, value))
    rank = len(call.shape_of(k))
    turned = call.step(Permute((*range(rank - 2), rank - 1, rank - 2)), k)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = call.step(Affine(factor), product(call, q, turned, last=False))
    if is_causal:
        attn_mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            if call.recorder.is_value(attn_mask) or attn_mask.is_meta:
                raise UnsupportedOperator("a mask from images")
            attn_mask = torch.zeros(attn_mask.shape).masked_fill(~attn_mask, float("-inf"))
        scores = call.step(Add(), scores, *call.operands(attn_mask))
    return product(call, call.step(Softmax(-1), scores), v, last=True)


@converts("functional.multi_head_attention_forward")
def multi_head_attention(
    call: Call,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    *_how: Any,
    **_more: Any,
) -> str:
    """Convert the attention of a module as one layer; `is_plain_attention` says which can be."""
    nodes = [call.node(one) for one in (query, key, value)]
    inputs = nodes[:1] if len(set(nodes)) == 1 else nodes
    parameters = {"in_proj_weight": in_proj_weight, "out_proj.weight": out_proj_weight}
    if in_proj_bias is not None:
        parameters |= {"in_proj_bias": in_proj_bias, "out_proj.bias": out_proj_bias}
    layer = MultiheadAttention(num_heads, in_proj_bias is not None)
    kept = {name: tensor for name, tensor in parameters.items() if tensor is not None}
    return call.last(layer, *inputs, parameters=kept)


def is_plain_attention(args: tuple[Any, ...], kwargs: Any) -> bool:
    """Tell whether a call is what the layer computes: no mask, one width, packed weights, nothing random."""
    given = _attention_signature().bind(*args, **kwargs).arguments
    query, key, value = (given[name] for name in ("query", "key", "value"))
    left_out = ("bias_k", "bias_v", "key_padding_mask", "attn_mask", "static_k", "static_v")
    return (
        given["in_proj_weight"] is not None
        and not given["add_zero_attn"]
        and not (given.get("training", True) and given["dropout_p"] > 0)
        and all(given.get(name) is None for name in left_out)
        and (given["in_proj_bias"] is None) == (given["out_proj_bias"] is None)
        and query.dim() == 3
        and key.shape == value.shape
        and key.shape[-1] == query.shape[-1]
    )


@cache
def _attention_signature() -> inspect.Signature:
    import torch

    return inspect.signature(torch.nn.functional.multi_head_attention_forward)
