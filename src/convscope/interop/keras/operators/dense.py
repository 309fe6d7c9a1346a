"""Layers that multiply by a learned matrix, or look rows up in one."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ....layers.dense import Embedding, Linear
from ..arrange import reshaping
from ..call import Call
from ..flow import Flow, Unmapped, plain
from ..registry import converts
from ..weights import Weights, as_it_is, turned
from .activation import activated


@converts("layers.Dense")
def dense(call: Call) -> Flow:
    """Convert a matrix over the last axis."""
    op = call.op
    x = call.plain(call.flow())
    parameters = {"weight": turned(op.kernel, (1, 0))}
    if op.use_bias:
        parameters["bias"] = as_it_is(op.bias)
    layer = Linear(op.units, op.use_bias, in_features=x.held[-1])
    return activated(call, call.emit(layer, x, parameters=parameters), op.activation)


@converts("layers.TimeDistributed")
def at_each_step(call: Call) -> Flow:
    """Convert a Dense layer at each step, which is what it does anyway."""
    import keras

    call.only()
    if type(call.op.layer) is not keras.layers.Dense:
        raise Unmapped("another layer at each step")
    return call.result(call.op.layer, call.name, call.flow())


@converts("layers.Embedding")
def embedding(call: Call) -> Flow:
    """Convert rows of a table. A mask made of its input goes its own way, to the layers that heed it."""
    op = call.op
    x = call.plain(call.flow())
    parameters = {"weight": as_it_is(op.embeddings)}
    layer = Embedding(op.input_dim, op.output_dim)
    return call.emit(layer, x, order=plain(len(x.order) + 1), parameters=parameters)


@converts("layers.EinsumDense")
def einsum_dense(call: Call) -> Flow:
    """Convert a learned array over some axes, where each of them is summed or stays."""
    op = call.op
    inputs, kernel, outputs = einsum_letters(op.equation, len(call.flow().order))
    bias = op.bias
    folded = folded_dense(call, call.flow(), op.kernel, bias, inputs, kernel, outputs)
    return activated(call, folded, op.activation)


def einsum_letters(equation: str, rank: int) -> tuple[str, str, str]:
    """Return the letters of input, kernel and output, the batch left out."""
    left, _, outputs = equation.replace(" ", "").partition("->")
    inputs, _, kernel = left.partition(",")
    if "..." in equation:
        spare = [letter for letter in "ZYXWVUTS" if letter not in equation]
        dots = "".join(spare[: rank + 1 - len(inputs.replace("...", ""))])
        inputs, outputs = inputs.replace("...", dots), outputs.replace("...", dots)
    if len(inputs) != rank + 1 or not outputs.startswith(inputs[0]) or inputs[0] in kernel:
        raise Unmapped("images are mixed")
    return inputs[1:], kernel, outputs[1:]


def folded_dense(
    call: Call, flow: Flow, kernel: Any, bias: Any, inputs: str, letters: str, outputs: str, part: str = ""
) -> Flow:
    """Add a matrix product whose rows and columns may each be several axes.

    Letters name axes, as in an einsum: those of input and kernel that are not in the output are summed.

    Errors:   Unmapped where an axis of the kernel also stays in the input
    """
    summed = [c for c in letters if c not in outputs]
    made = [c for c in letters if c in outputs]
    kept = [c for c in inputs if c not in summed]
    if any(c in inputs for c in made) or any(c not in inputs for c in summed) or not summed:
        raise Unmapped("another sum of products")
    if sorted(outputs) != sorted(kept + made):
        raise Unmapped("another sum of products")
    sizes = dict(zip(letters, kernel.shape, strict=True)) | dict(zip(inputs, flow.shape, strict=True))

    def total(group: list[str]) -> int:
        return prod(sizes[c] for c in group)

    x = call.arranged(flow, tuple(inputs.index(c) for c in kept + summed))
    if len(summed) > 1:
        held = (*(sizes[c] for c in kept), total(summed))
        x = call.emit(reshaping(held), x, part=f"{part or 'input'}.reshape", order=plain(len(held)))
    parameters = {"weight": _matrix(kernel, [letters.index(c) for c in made + summed], total(made))}
    folded = len(made) != 1
    if bias is not None:
        _check_bias(bias, made, outputs, sizes)
        parameters["bias"] = Weights((bias,), lambda array: array.reshape(-1))
    layer = Linear(total(made), bias is not None, in_features=x.held[-1])
    product = call.emit(layer, x, part=part, order=plain(len(kept) + 1), parameters=parameters)
    held = tuple(sizes[c] for c in kept + made)
    if folded:
        product = call.emit(reshaping(held), product, part=f"{part or 'output'}.reshape", order=plain(len(held)))
    return replace(product, held=held, order=tuple(outputs.index(c) for c in kept + made))


def _matrix(kernel: Any, order: list[int], rows: int) -> Weights:
    return Weights((kernel,), lambda array: array.transpose(order).reshape(rows, -1))


def _check_bias(bias: Any, made: list[str], outputs: str, sizes: dict[str, int]) -> None:
    """Refuse a bias that is not one number per column of the matrix, in the matrix's order."""
    columns = tuple(sizes[c] for c in made)
    own = tuple(size for size in bias.shape if size > 1)
    in_order = [c for c in outputs if c in made] == made
    if not in_order or own != tuple(size for size in columns if size > 1):
        raise Unmapped("another bias")
