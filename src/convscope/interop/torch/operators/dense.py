"""Linear layers, embedding, matrix products and einsum."""

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
