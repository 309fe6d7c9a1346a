"""Einsum of one or two values, written as permutations and a matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ....layers import MatMul, Permute, Reduce, Reshape
from ....layers.connection import Shape
from ..call import Call
from ..registry import Unmapped, converts
from ..values import SIGNED, Flow, Value
from .merging import stored


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
        raise Unmapped("an equation with dots or repeated letters")
    letter = _batch_letter(call, terms)
    if letter is not None and letter not in output:
        raise Unmapped("a sum over the batch")
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
        raise Unmapped("batches under different letters")
    return letters.pop() if letters else None


def _operand(call: Call, value: Value, term: str, letter: str | None, like: Flow, part: str) -> Flow:
    if len(term) != len(value.shape) or len(term) == 0:
        raise Unmapped("letters for another number of axes")
    if isinstance(value, Flow):
        if (value.batch is None) == (letter is not None and letter in term):
            raise Unmapped("a batch in one of the values only")
        return value
    if letter is not None and letter in term:
        raise Unmapped("a constant that differs from image to image")
    return stored(call, value, like, None, part)


def _one(call: Call, x: Flow, term: str, wanted: str) -> Flow:
    gone = tuple(axis for axis, letter in enumerate(term) if letter not in wanted)
    kept = "".join(letter for letter in term if letter in wanted)
    if len(kept) != len(wanted) or not kept:
        raise Unmapped("axes from nowhere")
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
        raise Unmapped("a sum over one value alone, or an outer product")

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
