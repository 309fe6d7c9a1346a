"""Matrix products: Gemm, MatMul, Einsum; and rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ....layers import Add, Embedding, Linear, MatMul, Permute, Reduce, Reshape
from ....layers.connection import Shape
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..values import REAL, SIGNED, Constant, Flow, Value, broadcast
from . import patterns
from .elementwise import align_batches, as_flows, as_layer, emit_expand, emit_merge


@converts("Gemm", since=(7, 9, 11, 13))
def gemm(call: Call) -> Sequence[Flow]:
    """alpha·A·B + beta·C with constant B and C: a dense layer; a scalar C is added after it."""
    x, weight = call.flow(), call.constant(1)
    if call.attribute("transA", 0) or len(x.shape) != 2 or x.axis(1) is None or len(weight.shape) != 2:
        raise UnsupportedOperator("a product that is not a dense layer")
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if not call.attribute("transB", 0):
        weight = weight.derive(weight.shape[::-1], lambda array: array.T, "T")
    parameters = {"weight": _times(weight, alpha)}
    bias, outputs = call.optional_constant(2), weight.shape[0]
    if bias is None:
        return [_linear(call, x, parameters)]
    if bias.shape not in ((), (1,), (1, 1), (outputs,), (1, outputs)):
        raise UnsupportedOperator("a bias per row")
    bias = _times(bias.derive((bias.size,), lambda array: array.reshape(-1), "row"), beta)
    if bias.size == outputs:
        return [_linear(call, x, {**parameters, "bias": bias})]
    product = _linear(call, x, parameters, "product")
    return [emit_merge(call, Add(), (product, bias))]


def _times(constant: Constant, factor: float) -> Constant:
    if factor == 1:
        return constant
    return constant.derive(constant.shape, lambda array: array * np.float32(factor), f"times{factor}")


def _linear(call: Call, x: Flow, parameters: dict[str, Constant], part: str = "") -> Flow:
    outputs, inputs = parameters["weight"].shape
    image = x.image
    column = len(image) > 1 and image[1:] == (1,) * len(image[1:])
    wrong = image[-1] != inputs
    layer = Linear(outputs, "bias" in parameters, inputs if column or wrong else None)
    return call.emit(layer, x, part=part, parameters=parameters)


@converts("MatMul", since=(1, 9, 13), types=SIGNED)
def matmul(call: Call) -> Sequence[Flow]:
    """A product of two branches, or a dense layer if one is a constant matrix, with the bias added next."""
    one, two = call.all_inputs()
    if isinstance(one, Flow) and isinstance(two, Constant) and len(two.shape) == 2:
        if one.axis(len(one.shape) - 1) is None:
            raise UnsupportedOperator("a product over the batch")
        parameters = {"weight": two.derive(two.shape[::-1], lambda array: array.T, "T")}
        plus = patterns.sole_consumer(call, call.node.output[0], "Add")
        bias = (
            call.context.values.get(patterns.other_input(plus, call.node.output[0])) if plus is not None else None
        )
        if plus is None or not isinstance(bias, Constant) or bias.shape != two.shape[1:]:
            return [_linear(call, one, parameters)]
        output = _linear(call, one, {**parameters, "bias": bias})
        call.absorb([plus], output)
        return [output]
    return [_product(call)]


def _product(call: Call) -> Flow:
    """Emit a product of two values of at least two axes; the leading axes are broadcast."""
    values = call.all_inputs()
    flows, batch = align_batches([value for value in values if isinstance(value, Flow)])
    if not flows:
        raise UnsupportedOperator("a product of constants")
    if batch is not None and batch >= -2:
        flows, batch = [flow.view(flow.shape, None) for flow in flows if _has_one_image(flow)], None
        if len(flows) < sum(isinstance(value, Flow) for value in values):
            raise UnsupportedOperator("a product over the batch")
    one, two = as_flows(call, values, flows, batch)
    if min(len(one.image), len(two.image)) < 2:
        raise UnsupportedOperator("a product of vectors")
    leading = broadcast(one.image[:-2], two.image[:-2])
    one = emit_expand(call, one, (*leading, *one.image[-2:]), "first")
    two = emit_expand(call, two, (*leading, *two.image[-2:]), "second")
    output = call.emit(MatMul(), one, two)
    size = next((flow.shape[flow.batch] for flow in flows if flow.batch is not None), 1)
    if batch is None:
        return Flow(output.layer, output.layer_shape, None, output.layer_shape, output.dtype)
    rank = len(output.layer_shape) + 1
    shape: Shape = (*output.layer_shape[: rank + batch], size, *output.layer_shape[rank + batch :])
    return Flow(output.layer, shape, rank + batch, output.layer_shape, output.dtype)


def _has_one_image(flow: Flow) -> bool:
    return flow.batch is None or flow.shape[flow.batch] == 1


def emit_embedding(call: Call) -> Flow:
    """Emit the rows of a table at the indices of the input."""
    table, indices = call.constant(0), call.flow(1)
    if call.attribute("axis", 0) != 0 or len(table.shape) != 2 or table.dtype not in REAL:
        raise UnsupportedOperator("indices that are not a table's rows")
    output = call.emit(Embedding(*table.shape), indices, parameters={"weight": table})
    return Flow(output.layer, output.shape, output.batch, output.layer_shape, table.dtype)


@converts("Einsum", since=(12, 28), types=SIGNED)
def einsum(call: Call) -> Sequence[Flow]:
    """Sums of products over named axes."""
    equation = call.attribute("equation", "").replace(" ", "")
    left, arrow, output = equation.partition("->")
    terms = left.split(",")
    is_plain = arrow and equation.replace(",", "").replace("->", "").isalpha()
    if (
        not is_plain
        or len(terms) != len(call.all_inputs())
        or any(len(set(term)) < len(term) for term in (*terms, output))
    ):
        raise UnsupportedOperator("an equation with dots or repeated letters")
    letter = _batch_letter(call, terms)
    if letter is not None and letter not in output:
        raise UnsupportedOperator("a sum over the batch")
    values = call.all_inputs()
    flows = [value for value in values if isinstance(value, Flow)]
    operands = [
        _operand(call, value, term, letter, flows[0], str(i))
        for i, (value, term) in enumerate(zip(values, terms, strict=True))
    ]
    image_terms = [term.replace(letter, "") if letter else term for term in terms]
    target = output.replace(letter, "") if letter else output
    result = (
        _sum_of_one(call, operands[0], image_terms[0], target)
        if len(operands) == 1
        else _product_of_two(call, operands, image_terms, target)
    )
    if letter is None:
        return [Flow(result.layer, result.layer_shape, None, result.layer_shape, result.dtype)]
    axis = output.index(letter)
    size = next(flow.shape[flow.batch] for flow in flows if flow.batch is not None)
    return [
        Flow(
            result.layer,
            (*result.layer_shape[:axis], size, *result.layer_shape[axis:]),
            axis,
            result.layer_shape,
            result.dtype,
        )
    ]


def _batch_letter(call: Call, terms: list[str]) -> str | None:
    """Return the letter of the batch axis, which must be the same for all values."""
    letters = {
        term[value.batch]
        for value, term in zip(call.inputs, terms, strict=True)
        if isinstance(value, Flow) and value.batch is not None and len(term) == len(value.shape)
    }
    if len(letters) > 1:
        raise UnsupportedOperator("batch axes under different letters")
    return letters.pop() if letters else None


def _operand(call: Call, value: Value, term: str, letter: str | None, like: Flow, part: str) -> Flow:
    if len(term) != len(value.shape) or len(term) == 0:
        raise UnsupportedOperator("letters for a different number of axes")
    if isinstance(value, Flow):
        if (value.batch is None) == (letter is not None and letter in term):
            raise UnsupportedOperator("a batch axis in only one of the values")
        return value
    if letter is not None and letter in term:
        raise UnsupportedOperator("a constant per image")
    return as_layer(call, value, like, None, part)


def _sum_of_one(call: Call, x: Flow, term: str, target: str) -> Flow:
    summed_axes = tuple(axis for axis, letter in enumerate(term) if letter not in target)
    remaining = "".join(letter for letter in term if letter in target)
    if len(remaining) != len(target) or not remaining:
        raise UnsupportedOperator("output axes that no input has")
    if summed_axes:
        x = call.emit(Reduce("sum", summed_axes), x, part="sum" if remaining != target else "")
    return _permute(call, x, remaining, target, "") if remaining != target or not summed_axes else x


def _product_of_two(call: Call, operands: list[Flow], terms: list[str], target: str) -> Flow:
    """Emit (shared…, one's own, summed) × (shared…, summed, two's own), then the output's order."""
    one, two = terms
    sizes = {
        letter: size
        for row, term in zip(operands, terms, strict=True)
        for letter, size in zip(term, row.image, strict=True)
    }
    shared = "".join(letter for letter in one if letter in two and letter in target)
    summed = "".join(letter for letter in one if letter in two and letter not in target)
    first = "".join(letter for letter in one if letter not in two)
    second = "".join(letter for letter in two if letter not in one)
    if any(letter not in target for letter in first + second) or not summed:
        raise UnsupportedOperator("a sum over one value's own axis, or an outer product")

    def grouped_shape(*groups: str) -> Shape:
        return (*(sizes[letter] for letter in shared), *(prod(sizes[x] for x in group) for group in groups))

    a = _permute(call, operands[0], one, shared + first + summed, "first")
    b = _permute(call, operands[1], two, shared + summed + second, "second")
    a = _reshape(call, a, grouped_shape(first, summed), "first.rows")
    b = _reshape(call, b, grouped_shape(summed, second), "second.rows")
    result = shared + first + second
    shape = tuple(sizes[letter] for letter in result) or (1,)
    product_shape = grouped_shape(first, second)
    is_last = product_shape == shape and result == target
    product = call.emit(MatMul(), a, b, part="" if is_last else "product")
    split = _reshape(call, product, shape, "" if result == target else "axes")
    return _permute(call, split, result, target, "")


def _reshape(call: Call, x: Flow, shape: Shape, part: str) -> Flow:
    if x.image == shape:
        return x
    output = call.emit(Reshape(shape), x, part=part)
    return Flow(output.layer, shape, None, shape, x.dtype)


def _permute(call: Call, x: Flow, letters: str, target: str, part: str) -> Flow:
    if letters == target:
        return x
    output = call.emit(Permute(tuple(letters.index(letter) for letter in target)), x, part=part)
    return Flow(output.layer, output.layer_shape, None, output.layer_shape, x.dtype)
