"""Linear layers, embedding, matrix products, einsum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ....layers.dense import Embedding, Linear
from ....layers.elementwise import Affine
from ....layers.indexing import Expand
from ....layers.merge import Add, MatMul
from ....layers.rearrange import Permute, Reshape
from ...errors import UnsupportedOperator
from ..registry import converts
from .convolution import own, weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


@converts("functional.linear")
def linear(call: Call, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> str:
    """Convert a dense layer; vectors of images folded into the batch are rows of one sequence."""
    own(call, weight, bias)
    call.batch.place(input.shape, -1)
    node = call.node(input)
    if len(call.shape_of(node)) > 1 and len(call.batch.free(input.shape)) == 1:
        node = call.step(Reshape(call.batch.free(input.shape)), node)
    layer = Linear(weight.shape[0], bias is not None, weight.shape[1])
    return call.last(layer, node, parameters=weights(weight=weight, bias=bias))


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
    """Convert a look-up of rows; an embedding takes its input for integers by itself."""
    own(call, weight)
    if max_norm is not None:
        raise UnsupportedOperator("rows are normalized")
    layer = Embedding(*weight.shape)
    return call.last(layer, call.recorder.before_cast(input), parameters=weights(weight=weight))


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


def check_stacked(call: Call, *tensors: Tensor) -> None:
    """Refuse matrices whose rows or columns are images."""
    for tensor in tensors:
        axis = call.batch.axis(tensor.shape)
        if tensor.dim() < 2 or (axis is not None and axis >= tensor.dim() - 2):
            raise UnsupportedOperator("images are mixed")


@converts("matmul", "Tensor.__matmul__", "Tensor.__rmatmul__", "bmm", "mm")
def matmul(call: Call, input: Tensor, other: Tensor) -> str:
    """Convert a matrix product; images may be among the rows of the first where the second has none."""
    axis = call.batch.axis(input.shape)
    rows = axis is not None and axis == input.dim() - 2 and call.batch.axis(other.shape) is None
    if not rows or other.dim() < 2:
        check_stacked(call, input, other)
        return product(call, call.node(input), call.node(other), last=True)
    node = call.node(input)
    if call.batch.folded(input.shape) > 1:
        return product(call, node, call.node(other), last=True)
    stack = [call.batch.one(size) for size in input.shape[:-2]]
    one_row = call.step(Reshape((*stack, 1, input.shape[-1])), node)
    return call.last(Reshape(call.free), product(call, one_row, call.node(other), last=False))


@converts("addmm", "baddbmm")
def add_product(
    call: Call, input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> str:
    """Convert beta·input + alpha·mat1·mat2."""
    if call.batch.axis(mat1.shape) != 0:
        raise UnsupportedOperator("images are mixed")
    one = call.node(mat1)
    if len(call.shape_of(one)) == 1:
        one = call.step(Reshape((1, mat1.shape[-1])), one)
    made = product(call, one, call.node(mat2), last=False)
    made = call.step(Affine(alpha), made) if alpha != 1 else made
    if call.shape_of(made) != call.free:
        made = call.step(Reshape(call.free), made)
    (addend,) = call.operands(input)
    return call.last(Add(), call.step(Affine(beta), addend) if beta != 1 else addend, made)


@converts("einsum")
def einsum(call: Call, equation: str, *operands: Any) -> str:
    """Convert a sum of products of two tensors: permute, fold, multiply matrices, unfold, permute."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or len(tensors) != 2 or "." in equation or any(len(set(t)) != len(t) for t in terms):
        raise UnsupportedOperator("another sum of products")
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
            raise UnsupportedOperator("images are mixed")
    one, two = letters
    result = "".join(letter for letter in right if letter in one + two)
    if any(letter not in right and letter not in (two if letter in one else one) for letter in one + two):
        raise UnsupportedOperator("a sum over one tensor")
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
