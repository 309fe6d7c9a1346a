"""Matrix products: Gemm, MatMul, Einsum; and rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ....layers import Add, Embedding, Linear, MatMul, Permute, Reduce, Reshape
from ....layers.connection import Shape
from ..call import Call
from ..registry import UnsupportedOperator, converts
from ..values import REAL, SIGNED, Constant, Flow, Value, broadcast
from . import patterns
from .merge import align_batches, emit_expand, emit_merge, stored


@converts("Gemm", since=(7, 9, 11, 13))
def gemm(call: Call) -> Sequence[Flow]:
    """alpha·A·B + beta·C with B and C fixed: a dense layer; one C for all outputs is added after it."""
    x, weight = call.flow(), call.constant(1)
    if call.attribute("transA", 0) or len(x.shape) != 2 or x.axis(1) is None or len(weight.shape) != 2:
        raise UnsupportedOperator("a product of another form")
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    if not call.attribute("transB", 0):
        weight = weight.derived(weight.shape[::-1], lambda array: array.T, "T")
    held = {"weight": _times(weight, alpha)}
    bias, outputs = call.optional_constant(2), weight.shape[0]
    if bias is None:
        return [_linear(call, x, held)]
    if bias.shape not in ((), (1,), (1, 1), (outputs,), (1, outputs)):
        raise UnsupportedOperator("a bias that differs from row to row")
    bias = _times(bias.derived((bias.size,), lambda array: array.reshape(-1), "row"), beta)
    if bias.size == outputs:
        return [_linear(call, x, {**held, "bias": bias})]
    product = _linear(call, x, held, "product")
    return [emit_merge(call, Add(), (product, bias))]


def _times(constant: Constant, factor: float) -> Constant:
    if factor == 1:
        return constant
    return constant.derived(constant.shape, lambda array: array * np.float32(factor), f"times{factor}")


def _linear(call: Call, x: Flow, held: dict[str, Constant], part: str = "") -> Flow:
    outputs, inputs = held["weight"].shape
    image = x.image
    column = len(image) > 1 and image[1:] == (1,) * len(image[1:])
    wrong = image[-1] != inputs
    layer = Linear(outputs, "bias" in held, inputs if column or wrong else None)
    return call.emit(layer, x, part=part, parameters=held)


@converts("MatMul", since=(1, 9, 13), types=SIGNED)
def matmul(call: Call) -> Sequence[Flow]:
    """A product of two branches, or a dense layer where one is a fixed matrix; a bias added next is its own."""
    one, two = call.all_inputs()
    if isinstance(one, Flow) and isinstance(two, Constant) and len(two.shape) == 2:
        if one.axis(len(one.shape) - 1) is None:
            raise UnsupportedOperator("a product over the batch")
        held = {"weight": two.derived(two.shape[::-1], lambda array: array.T, "T")}
        plus = patterns.sole_consumer(call, call.node.output[0], "Add")
        bias = (
            call.context.values.get(patterns.other_input(plus, call.node.output[0])) if plus is not None else None
        )
        if plus is None or not isinstance(bias, Constant) or bias.shape != two.shape[1:]:
            return [_linear(call, one, held)]
        output = _linear(call, one, {**held, "bias": bias})
        call.absorb([plus], output)
        return [output]
    return [_product(call)]


def _product(call: Call) -> Flow:
    """Emit a product of two values of at least two axes, their leading axes repeated where needed."""
    values = call.all_inputs()
    flows, place = align_batches([value for value in values if isinstance(value, Flow)])
    if not flows:
        raise UnsupportedOperator("a product of constants")
    if place is not None and place >= -2:
        flows, place = [flow.view(flow.shape, None) for flow in flows if _alone(flow)], None
        if len(flows) < sum(isinstance(value, Flow) for value in values):
            raise UnsupportedOperator("a product over the batch")
    ready = iter(flows)
    one, two = (
        next(ready) if isinstance(value, Flow) else stored(call, value, flows[0], place, str(index))
        for index, value in enumerate(values)
    )
    if min(len(one.image), len(two.image)) < 2:
        raise UnsupportedOperator("a product of vectors")
    leading = broadcast(one.image[:-2], two.image[:-2])
    one = emit_expand(call, one, (*leading, *one.image[-2:]), "first")
    two = emit_expand(call, two, (*leading, *two.image[-2:]), "second")
    output = call.emit(MatMul(), one, two)
    size = next((flow.shape[flow.batch] for flow in flows if flow.batch is not None), 1)
    if place is None:
        return Flow(output.layer, output.held, None, output.held, output.dtype)
    rank = len(output.held) + 1
    shape: Shape = (*output.held[: rank + place], size, *output.held[rank + place :])
    return Flow(output.layer, shape, rank + place, output.held, output.dtype)


def _alone(flow: Flow) -> bool:
    return flow.batch is None or flow.shape[flow.batch] == 1


def emit_embedding(call: Call) -> Flow:
    """Emit rows of a table, picked by the whole numbers of the input."""
    table, indices = call.constant(0), call.flow(1)
    if call.attribute("axis", 0) != 0 or len(table.shape) != 2 or table.dtype not in REAL:
        raise UnsupportedOperator("indices into something else than a table's rows")
    output = call.emit(Embedding(*table.shape), indices, parameters={"weight": table})
    return Flow(output.layer, output.shape, output.batch, output.held, table.dtype)


@converts("Einsum", since=(12, 28), types=SIGNED)
def einsum(call: Call) -> Sequence[Flow]:
    """Sums of products over named axes."""
    equation = call.attribute("equation", "").replace(" ", "")
    left, arrow, output = equation.partition("->")
    terms = left.split(",")
    plain = arrow and equation.replace(",", "").replace("->", "").isalpha()
    if (
        not plain
        or len(terms) != len(call.all_inputs())
        or any(len(set(term)) < len(term) for term in (*terms, output))
    ):
        raise UnsupportedOperator("an equation with dots or repeated letters")
    letter = _batch_letter(call, terms)
    if letter is not None and letter not in output:
        raise UnsupportedOperator("a sum over the batch")
    values = call.all_inputs()
    flows = [value for value in values if isinstance(value, Flow)]
    rows = [
        _operand(call, value, term, letter, flows[0], str(i))
        for i, (value, term) in enumerate(zip(values, terms, strict=True))
    ]
    imaged = [term.replace(letter, "") if letter else term for term in terms]
    wanted = output.replace(letter, "") if letter else output
    made = _one(call, rows[0], imaged[0], wanted) if len(rows) == 1 else _two(call, rows, imaged, wanted)
    if letter is None:
        return [Flow(made.layer, made.held, None, made.held, made.dtype)]
    axis = output.index(letter)
    size = next(flow.shape[flow.batch] for flow in flows if flow.batch is not None)
    return [Flow(made.layer, (*made.held[:axis], size, *made.held[axis:]), axis, made.held, made.dtype)]


def _batch_letter(call: Call, terms: list[str]) -> str | None:
    """Return the letter of the batch; all values must agree in it."""
    letters = {
        term[value.batch]
        for value, term in zip(call.inputs, terms, strict=True)
        if isinstance(value, Flow) and value.batch is not None and len(term) == len(value.shape)
    }
    if len(letters) > 1:
        raise UnsupportedOperator("batches under different letters")
    return letters.pop() if letters else None


def _operand(call: Call, value: Value, term: str, letter: str | None, like: Flow, part: str) -> Flow:
    if len(term) != len(value.shape) or len(term) == 0:
        raise UnsupportedOperator("letters for another number of axes")
    if isinstance(value, Flow):
        if (value.batch is None) == (letter is not None and letter in term):
            raise UnsupportedOperator("a batch in one of the values only")
        return value
    if letter is not None and letter in term:
        raise UnsupportedOperator("a constant that differs from image to image")
    return stored(call, value, like, None, part)


def _one(call: Call, x: Flow, term: str, wanted: str) -> Flow:
    gone = tuple(axis for axis, letter in enumerate(term) if letter not in wanted)
    kept = "".join(letter for letter in term if letter in wanted)
    if len(kept) != len(wanted) or not kept:
        raise UnsupportedOperator("axes from nowhere")
    if gone:
        x = call.emit(Reduce("sum", gone), x, part="sum" if kept != wanted else "")
    return _permuted(call, x, kept, wanted, "") if kept != wanted or not gone else x


def _two(call: Call, rows: list[Flow], terms: list[str], wanted: str) -> Flow:
    """Emit (together…, own of one, summed) × (together…, summed, own of two), then the wanted order."""
    one, two = terms
    sizes = {
        letter: size
        for row, term in zip(rows, terms, strict=True)
        for letter, size in zip(term, row.image, strict=True)
    }
    together = "".join(letter for letter in one if letter in two and letter in wanted)
    summed = "".join(letter for letter in one if letter in two and letter not in wanted)
    first = "".join(letter for letter in one if letter not in two)
    second = "".join(letter for letter in two if letter not in one)
    if any(letter not in wanted for letter in first + second) or not summed:
        raise UnsupportedOperator("a sum over one value alone, or an outer product")

    def shaped(*groups: str) -> Shape:
        return (*(sizes[letter] for letter in together), *(prod(sizes[x] for x in group) for group in groups))

    a = _permuted(call, rows[0], one, together + first + summed, "first")
    b = _permuted(call, rows[1], two, together + summed + second, "second")
    a = _reshaped(call, a, shaped(first, summed), "first.rows")
    b = _reshaped(call, b, shaped(summed, second), "second.rows")
    made = together + first + second
    shape = tuple(sizes[letter] for letter in made) or (1,)
    product_shape = shaped(first, second)
    last = product_shape == shape and made == wanted
    product = call.emit(MatMul(), a, b, part="" if last else "product")
    split = _reshaped(call, product, shape, "" if made == wanted else "axes")
    return _permuted(call, split, made, wanted, "")


def _reshaped(call: Call, x: Flow, shape: Shape, part: str) -> Flow:
    if x.image == shape:
        return x
    output = call.emit(Reshape(shape), x, part=part)
    return Flow(output.layer, shape, None, shape, x.dtype)


def _permuted(call: Call, x: Flow, letters: str, wanted: str, part: str) -> Flow:
    if letters == wanted:
        return x
    output = call.emit(Permute(tuple(letters.index(letter) for letter in wanted)), x, part=part)
    return Flow(output.layer, output.held, None, output.held, x.dtype)
