"""Matrix products, einsum, attention."""

from __future__ import annotations

import inspect
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from ....layers.activation import Softmax
from ....layers.elementwise import Affine
from ....layers.indexing import Expand
from ....layers.merge import Add, MatMul, MultiheadAttention
from ....layers.rearrange import Permute, Reshape
from ..batch import RandomInEvaluation, Unmapped
from .registry import operator

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


def product(call: Call, one: str, two: str, *, last: bool) -> str:
    """Add the product of two stacks of matrices; a stack of one, or none, is repeated."""
    first, second = call.shape_of(one), call.shape_of(two)
    put = call.last if last else call.step
    if len(second) == 2 < len(first):
        rows = call.step(Reshape((-1, first[-1])), one)
        return put(Reshape((*first[:-1], second[-1])), call.step(MatMul(), rows, two))
    rank = max(len(first), len(second))
    padded = [(1,) * (rank - len(shape)) + shape for shape in (first, second)]
    stacks = tuple(max(pair) for pair in zip(padded[0][:-2], padded[1][:-2], strict=True))
    operands = []
    for node, shape in ((one, first), (two, second)):
        wanted = (*stacks, *shape[-2:])
        operands.append(node if shape == wanted else call.step(Expand(wanted), node))
    return put(MatMul(), *operands)


def _check_stacked(call: Call, *tensors: Tensor) -> None:
    """Refuse matrices whose rows or columns are images."""
    for tensor in tensors:
        axis = call.batch.axis(tensor.shape)
        if tensor.dim() < 2 or (axis is not None and axis >= tensor.dim() - 2):
            raise Unmapped("images are mixed")


@operator("matmul", "Tensor.__matmul__", "Tensor.__rmatmul__", "bmm", "mm")
def matmul(call: Call, input: Tensor, other: Tensor) -> str:
    """Convert a matrix product; images may be among the rows of the first where the second has none."""
    axis = call.batch.axis(input.shape)
    rows = axis is not None and axis == input.dim() - 2 and call.batch.axis(other.shape) is None
    if not rows or other.dim() < 2:
        _check_stacked(call, input, other)
        return product(call, call.node(input), call.node(other), last=True)
    node = call.node(input)
    if call.batch.folded(input.shape) > 1:
        return product(call, node, call.node(other), last=True)
    stack = [call.batch.one(size) for size in input.shape[:-2]]
    one_row = call.step(Reshape((*stack, 1, input.shape[-1])), node)
    return call.last(Reshape(call.free), product(call, one_row, call.node(other), last=False))


@operator("addmm", "baddbmm")
def add_product(
    call: Call, input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> str:
    """Convert beta·input + alpha·mat1·mat2."""
    if call.batch.axis(mat1.shape) != 0:
        raise Unmapped("images are mixed")
    one = call.node(mat1)
    if len(call.shape_of(one)) == 1:
        one = call.step(Reshape((1, mat1.shape[-1])), one)
    made = product(call, one, call.node(mat2), last=False)
    made = call.step(Affine(alpha), made) if alpha != 1 else made
    if call.shape_of(made) != call.free:
        made = call.step(Reshape(call.free), made)
    (addend,) = call.operands(input)
    return call.last(Add(), call.step(Affine(beta), addend) if beta != 1 else addend, made)


@operator("einsum")
def einsum(call: Call, equation: str, *operands: Any) -> str:
    """Convert a sum of products of two tensors: permute, fold, multiply matrices, unfold, permute."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or len(tensors) != 2 or "." in equation or any(len(set(t)) != len(t) for t in terms):
        raise Unmapped("another sum of products")
    nodes: list[str] = []
    letters: list[str] = []
    sizes: dict[str, int] = {}
    for term, tensor in zip(terms, tensors, strict=True):
        kept = call.batch.kept(tensor.shape)
        letters.append("".join(term[axis] for axis in kept))
        nodes.append(call.node(tensor))
        sizes |= {letter: call.batch.one(n) for letter, n in zip(term, tensor.shape, strict=True)}
        gone = set(term) - set(letters[-1])
        if any(one not in right for one in gone):
            raise Unmapped("images are mixed")
    one, two = letters
    result = "".join(letter for letter in right if letter in one + two)
    if any(letter not in right and letter not in (two if letter in one else one) for letter in one + two):
        raise Unmapped("a sum over one tensor")
    stack = [c for c in one if c in two and c in result]
    inner = [c for c in one if c in two and c not in result]
    rows, columns = [c for c in one if c not in two], [c for c in two if c not in one]

    def size(group: list[str]) -> int:
        return math.prod(sizes[c] for c in group)

    matrices = []
    for node, old, order, shape in (
        (nodes[0], one, [*stack, *rows, *inner], (size(stack), size(rows), size(inner))),
        (nodes[1], two, [*stack, *inner, *columns], (size(stack), size(inner), size(columns))),
    ):
        if "".join(order) != old:
            node = call.step(Permute(tuple(old.index(c) for c in order)), node)
        matrices.append(node if call.shape_of(node) == shape else call.step(Reshape(shape), node))
    made = call.step(MatMul(), *matrices)
    order = [*stack, *rows, *columns]
    unfolded = tuple(sizes[c] for c in order) or (1,)
    if "".join(order) == result:
        return call.last(Reshape(unfolded), made)
    made = call.step(Reshape(unfolded), made)
    return call.last(Permute(tuple(order.index(c) for c in result)), made)


@operator("functional.scaled_dot_product_attention")
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
        raise RandomInEvaluation("random weights")
    _check_stacked(call, query, key, value)
    if enable_gqa:
        raise Unmapped("heads in groups")
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
                raise Unmapped("a mask from images")
            attn_mask = torch.zeros(attn_mask.shape).masked_fill(~attn_mask, float("-inf"))
        scores = call.step(Add(), scores, *call.operands(attn_mask))
    return product(call, call.step(Softmax(-1), scores), v, last=True)


@operator("functional.multi_head_attention_forward")
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
