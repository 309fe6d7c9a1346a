"""Linear layers, embedding, matrix products, einsum and attention."""

from __future__ import annotations

import inspect
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from ....layers.activation import Softmax
from ....layers.dense import Embedding, Linear
from ....layers.elementwise import Affine
from ....layers.indexing import Expand
from ....layers.merge import Add, MatMul, MultiheadAttention
from ....layers.rearrange import Permute, Reshape
from ...errors import RandomAtInference, UnsupportedOperator
from ..call import converts
from .convolution import present, refuse_computed_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


@converts("functional.linear")
def linear(call: Call, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> str:
    """Convert a linear layer. Vectors folded into the batch become rows of a sequence."""
    refuse_computed_weights(call, weight, bias)
    call.batch.image_axis(input.shape, -1)
    node = call.node(input)
    if len(call.shape_of(node)) > 1 and len(call.batch.image_shape(input.shape)) == 1:
        node = call.add(Reshape(call.batch.image_shape(input.shape)), node)
    layer = Linear(weight.shape[0], bias is not None, weight.shape[1])
    return call.add_result(layer, node, parameters=present(weight=weight, bias=bias))


@converts("functional.embedding")
def embedding(
    call: Call,
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> str:
    """Convert an embedding, which itself converts its input to integers."""
    refuse_computed_weights(call, weight)
    if max_norm is not None:
        raise UnsupportedOperator("renormalized rows")
    layer = Embedding(*weight.shape)
    return call.add_result(layer, call.recorder.before_cast(input), parameters=present(weight=weight))


def product(call: Call, one: str, two: str, *, is_result: bool) -> str:
    """Add the product of two stacks of matrices, broadcasting their stack axes."""
    first, second = call.shape_of(one), call.shape_of(two)
    put = call.add_result if is_result else call.add
    if len(second) == 2 < len(first):
        rows = call.add(Reshape((-1, first[-1])), one)
        return put(Reshape((*first[:-1], second[-1])), call.add(MatMul(), rows, two))
    rank = max(len(first), len(second))
    padded = [(1,) * (rank - len(shape)) + shape for shape in (first, second)]
    stacks = tuple(max(pair) for pair in zip(padded[0][:-2], padded[1][:-2], strict=True))
    operands = []
    for node, shape in ((one, first), (two, second)):
        target = (*stacks, *shape[-2:])
        operands.append(node if shape == target else call.add(Expand(target), node))
    return put(MatMul(), *operands)


def check_stacked(call: Call, *tensors: Tensor) -> None:
    """Refuse matrices whose rows or columns contain the batch."""
    for tensor in tensors:
        axis = call.batch.axis(tensor.shape)
        if tensor.dim() < 2 or (axis is not None and axis >= tensor.dim() - 2):
            raise UnsupportedOperator("the batch axis is combined with another axis")


@converts("matmul", "Tensor.__matmul__", "Tensor.__rmatmul__", "bmm", "mm")
def matmul(call: Call, input: Tensor, other: Tensor) -> str:
    """Convert a matrix product. The batch may be the rows of the first matrix if the second has no batch."""
    axis = call.batch.axis(input.shape)
    rows = axis is not None and axis == input.dim() - 2 and call.batch.axis(other.shape) is None
    if not rows or other.dim() < 2:
        check_stacked(call, input, other)
        return product(call, call.node(input), call.node(other), is_result=True)
    node = call.node(input)
    if call.batch.fold_factor(input.shape) > 1:
        return product(call, node, call.node(other), is_result=True)
    stack = [call.batch.image_size(size) for size in input.shape[:-2]]
    one_row = call.add(Reshape((*stack, 1, input.shape[-1])), node)
    return call.add_result(Reshape(call.image_shape), product(call, one_row, call.node(other), is_result=False))


@converts("addmm", "baddbmm")
def add_product(
    call: Call, input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> str:
    """Convert beta·input + alpha·mat1·mat2."""
    if call.batch.axis(mat1.shape) != 0:
        raise UnsupportedOperator("the batch axis is combined with another axis")
    one = call.node(mat1)
    if len(call.shape_of(one)) == 1:
        one = call.add(Reshape((1, mat1.shape[-1])), one)
    output = product(call, one, call.node(mat2), is_result=False)
    output = call.add(Affine(alpha), output) if alpha != 1 else output
    if call.shape_of(output) != call.image_shape:
        output = call.add(Reshape(call.image_shape), output)
    (addend,) = call.operands(input)
    return call.add_result(Add(), call.add(Affine(beta), addend) if beta != 1 else addend, output)


@converts("einsum")
def einsum(call: Call, equation: str, *operands: Any) -> str:
    """Convert an einsum of two tensors: permute, reshape, multiply, reshape, permute."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or len(tensors) != 2 or "." in equation or any(len(set(t)) != len(t) for t in terms):
        raise UnsupportedOperator("an unsupported einsum")
    nodes: list[str] = []
    letters: list[str] = []
    sizes: dict[str, int] = {}
    for term, tensor in zip(terms, tensors, strict=True):
        kept = call.batch.image_axes(tensor.shape)
        letters.append("".join(term[axis] for axis in kept))
        nodes.append(call.node(tensor))
        sizes |= {letter: call.batch.image_size(n) for letter, n in zip(term, tensor.shape, strict=True)}
        gone = set(term) - set(letters[-1])
        if any(one not in right for one in gone):
            raise UnsupportedOperator("the batch axis is combined with another axis")
    one, two = letters
    result = "".join(letter for letter in right if letter in one + two)
    if any(letter not in right and letter not in (two if letter in one else one) for letter in one + two):
        raise UnsupportedOperator("a sum over one operand")
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
            node = call.add(Permute(tuple(old.index(c) for c in order)), node)
        matrices.append(node if call.shape_of(node) == shape else call.add(Reshape(shape), node))
    output = call.add(MatMul(), *matrices)
    order = [*stack, *rows, *columns]
    unfolded = tuple(sizes[c] for c in order) or (1,)
    if "".join(order) == result:
        return call.add_result(Reshape(unfolded), output)
    output = call.add(Reshape(unfolded), output)
    return call.add_result(Permute(tuple(order.index(c) for c in result)), output)


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
    """Convert softmax(Q·Kᵀ·scale + mask)·V into its parts."""
    import torch

    if dropout_p > 0:
        raise RandomAtInference("random dropout of weights")
    check_stacked(call, query, key, value)
    if enable_gqa:
        raise UnsupportedOperator("grouped-query attention")
    q, k, v = (call.node(one) for one in (query, key, value))
    rank = len(call.shape_of(k))
    transposed = call.add(Permute((*range(rank - 2), rank - 1, rank - 2)), k)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = call.add(Affine(factor), product(call, q, transposed, is_result=False))
    if is_causal:
        attn_mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            if call.recorder.depends_on_input(attn_mask) or attn_mask.is_meta:
                raise UnsupportedOperator("a mask that depends on the input")
            attn_mask = torch.zeros(attn_mask.shape).masked_fill(~attn_mask, float("-inf"))
        scores = call.add(Add(), scores, *call.operands(attn_mask))
    return product(call, call.add(Softmax(-1), scores), v, is_result=True)


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
    """Convert the attention of `nn.MultiheadAttention` into one layer, if `is_plain_attention` allows it."""
    nodes = [call.node(one) for one in (query, key, value)]
    inputs = nodes[:1] if len(set(nodes)) == 1 else nodes
    parameters = {"in_proj_weight": in_proj_weight, "out_proj.weight": out_proj_weight}
    if in_proj_bias is not None:
        parameters |= {"in_proj_bias": in_proj_bias, "out_proj.bias": out_proj_bias}
    layer = MultiheadAttention(num_heads, in_proj_bias is not None)
    kept = {name: tensor for name, tensor in parameters.items() if tensor is not None}
    return call.add_result(layer, *inputs, parameters=kept)


def is_plain_attention(args: tuple[Any, ...], kwargs: Any) -> bool:
    """Return whether the layer computes the call: no mask, one width, packed weights, no dropout."""
    arguments = _attention_signature().bind(*args, **kwargs).arguments
    query, key, value = (arguments[name] for name in ("query", "key", "value"))
    left_out = ("bias_k", "bias_v", "key_padding_mask", "attn_mask", "static_k", "static_v")
    return (
        arguments["in_proj_weight"] is not None
        and not arguments["add_zero_attn"]
        and not (arguments.get("training", True) and arguments["dropout_p"] > 0)
        and all(arguments.get(name) is None for name in left_out)
        and (arguments["in_proj_bias"] is None) == (arguments["out_proj_bias"] is None)
        and query.dim() == 3
        and key.shape == value.shape
        and key.shape[-1] == query.shape[-1]
    )


@cache
def _attention_signature() -> inspect.Signature:
    import torch

    return inspect.signature(torch.nn.functional.multi_head_attention_forward)
