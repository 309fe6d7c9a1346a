"""Layers that join branches: sums, products, stacks, matrix products, attention."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from ....layers.merge import (
    Add,
    Concat,
    Divide,
    Extreme,
    MatMul,
    Maximum,
    Minimum,
    MultiheadAttention,
    Multiply,
    Subtract,
)
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward
from .softmax import softmax


def _aligned(inputs: Inputs) -> Inputs:
    """Return the inputs with one rank: axes of size 1 are put between the batch and the rest."""
    rank = max(x.ndim for x in inputs)
    return tuple(x.reshape(len(x), *(1 for _ in range(rank - x.ndim)), *x.shape[1:]) for x in inputs)


def _shrunk(grad: Array, x: Array) -> Array:
    """Sum a gradient over the axes along which x was repeated: the adjoint of broadcasting."""
    one = _aligned((x, grad))[0]
    repeated = tuple(axis for axis in range(grad.ndim) if one.shape[axis] == 1 != grad.shape[axis])
    return grad.sum(axis=repeated, keepdims=True).reshape(x.shape)


@forward.register
def _(layer: Add, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return reduce(np.add, _aligned(inputs))


@backward.register
def _(layer: Add, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    return Gradients(tuple(_shrunk(grad_output, x) for x in inputs))


@forward.register
def _(layer: Multiply, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return reduce(np.multiply, _aligned(inputs))


@backward.register
def _(layer: Multiply, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """The gradient of each input is that of the output times all other inputs."""
    aligned = _aligned(inputs)
    grads = []
    for index, x in enumerate(inputs):
        others = (*aligned[:index], *aligned[index + 1 :])
        grads.append(_shrunk(reduce(np.multiply, others, grad_output), x))
    return Gradients(tuple(grads))


@forward.register
def _(layer: Subtract, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    one, two = _aligned(inputs)
    return one - two


@backward.register
def _(layer: Subtract, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    one, two = inputs
    return Gradients((_shrunk(grad_output, one), _shrunk(-grad_output, two)))


@forward.register
def _(layer: Divide, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    one, two = _aligned(inputs)
    with np.errstate(divide="ignore", invalid="ignore"):
        return one / two


@backward.register
def _(layer: Divide, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    one, two = _aligned(inputs)
    with np.errstate(divide="ignore", invalid="ignore"):
        grads = grad_output / two, -grad_output * one / np.square(two)
    return Gradients((_shrunk(grads[0], inputs[0]), _shrunk(grads[1], inputs[1])))


@forward.register
def _(layer: Maximum, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return reduce(np.maximum, _aligned(inputs))


@forward.register
def _(layer: Minimum, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return reduce(np.minimum, _aligned(inputs))


@backward.register
def _(layer: Extreme, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """Route the gradient to the larger input; two equal inputs share it, as in PyTorch."""
    aligned = _aligned(inputs)
    winner = forward(layer, inputs, parameters, context)
    wins = [(x == winner).astype(grad_output.dtype) for x in aligned]
    shares = reduce(np.add, wins)
    return Gradients(tuple(_shrunk(grad_output * won / shares, x) for won, x in zip(wins, inputs, strict=True)))


@forward.register
def _(layer: Concat, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return np.concatenate(inputs, axis=layer.axis + 1)


@backward.register
def _(layer: Concat, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    axis = layer.axis + 1
    ends = np.cumsum([x.shape[axis] for x in inputs])[:-1]
    return Gradients(tuple(np.split(grad_output, ends, axis=axis)))


@forward.register
def _(layer: MatMul, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    one, two = inputs
    return one @ two


@backward.register
def _(layer: MatMul, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    one, two = inputs
    return Gradients((grad_output @ two.swapaxes(-1, -2), one.swapaxes(-1, -2) @ grad_output))


# Attention. Its three inputs are query, key and value; one input stands for all three.


def _heads(x: Array, heads: int) -> Array:
    """(n, length, width) → (n, heads, length, width / heads)."""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def _joined(x: Array) -> Array:
    """(n, heads, length, width / heads) → (n, length, width)."""
    return x.swapaxes(1, 2).reshape(len(x), x.shape[2], -1)


@forward.register
def _(layer: MultiheadAttention, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    """Mix the values by softmax(Q·Kᵀ / √d) in every head, then project."""
    sources = inputs if len(inputs) == 3 else inputs * 3
    weights = np.split(parameters["in_proj_weight"], 3)
    biases = np.split(parameters["in_proj_bias"], 3) if layer.bias else [0, 0, 0]
    projected = (x @ w.T + b for x, w, b in zip(sources, weights, biases, strict=True))
    query, key, value = (_heads(x, layer.num_heads) for x in projected)
    shares = softmax(query @ key.swapaxes(-1, -2) / math.sqrt(query.shape[-1]), -1)
    mixed = _joined(shares @ value)
    context.saved.update(query=query, key=key, value=value, shares=shares, mixed=mixed)
    output: Array = mixed @ parameters["out_proj.weight"].T
    return output + parameters["out_proj.bias"] if layer.bias else output


@backward.register
def _(
    layer: MultiheadAttention, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    query, key, value, shares = (context.saved[name] for name in ("query", "key", "value", "shares"))
    width = grad_output.shape[-1]
    grads = {"out_proj.weight": _product(grad_output, context.saved["mixed"])}
    grad_mixed = _heads(grad_output @ parameters["out_proj.weight"], layer.num_heads)
    grad_shares = grad_mixed @ value.swapaxes(-1, -2)
    grad_scores = shares * (grad_shares - (grad_shares * shares).sum(axis=-1, keepdims=True))
    grad_scores = grad_scores / math.sqrt(query.shape[-1])
    by_head = (grad_scores @ key, grad_scores.swapaxes(-1, -2) @ query, shares.swapaxes(-1, -2) @ grad_mixed)
    projected = [_joined(grad) for grad in by_head]
    sources = inputs if len(inputs) == 3 else inputs * 3
    pairs = list(zip(projected, sources, strict=True))
    grads["in_proj_weight"] = np.concatenate([_product(grad, x) for grad, x in pairs])
    if layer.bias:
        grads["out_proj.bias"] = grad_output.reshape(-1, width).sum(axis=0)
        grads["in_proj_bias"] = np.concatenate([grad.reshape(-1, width).sum(axis=0) for grad in projected])
    weights = np.split(parameters["in_proj_weight"], 3)
    to_sources = tuple(grad @ w for grad, w in zip(projected, weights, strict=True))
    return Gradients(to_sources if len(inputs) == 3 else (reduce(np.add, to_sources),), grads)


def _product(grad: Array, x: Array) -> Array:
    """Return the gradient of a matrix applied to rows of x, from that of the result."""
    return grad.reshape(-1, grad.shape[-1]).T @ x.reshape(-1, x.shape[-1])
