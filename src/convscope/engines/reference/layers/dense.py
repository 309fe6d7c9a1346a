"""Linear, Embedding, Scale."""

from __future__ import annotations

from math import prod

import numpy as np

from ....errors import BadShape
from ....layers.dense import Embedding, Linear, Scale
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward


def _vectors(x: Array, weight: Array) -> Array:
    """Return x as (n, …, in); a pooled image (n, in, 1, 1) is a vector."""
    pooled = x.ndim > 2 and prod(x.shape[2:]) == 1 and x.shape[1] == weight.shape[1]
    return x.reshape(x.shape[:2]) if pooled else x


@forward.register
def _(layer: Linear, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    weight = parameters["weight"]
    output: Array = _vectors(inputs[0], weight) @ weight.T
    return output + parameters["bias"] if "bias" in parameters else output


@backward.register
def _(layer: Linear, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,) = inputs
    weight = parameters["weight"]
    rows = grad_output.reshape(-1, len(weight))
    grads = {"weight": rows.T @ _vectors(x, weight).reshape(-1, weight.shape[1])}
    if "bias" in parameters:
        grads["bias"] = rows.sum(axis=0)
    return Gradients(((grad_output @ weight).reshape(x.shape),), grads)


def _indices(layer: Embedding, x: Array) -> Array:
    with np.errstate(invalid="ignore"):  # NaN is rejected below
        whole = x.astype(np.int64)
    wrong = (whole != x) | (whole < 0) | (whole >= layer.num_embeddings)
    if wrong.any():
        raise BadShape(
            "Embedding.input must be integers from 0 to {last} (got {index}). Look the words up in the "
            "vocabulary first. [embedding-index]",
            last=layer.num_embeddings - 1,
            index=x[wrong].flat[0],
        )
    return whole


@forward.register
def _(layer: Embedding, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return parameters["weight"][_indices(layer, inputs[0])]


@backward.register
def _(layer: Embedding, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """Add each row's gradient to the row that was looked up; the integers have none."""
    grad_weight = np.zeros_like(parameters["weight"])
    np.add.at(grad_weight, _indices(layer, inputs[0]), grad_output)
    return Gradients((None,), {"weight": grad_weight})


@forward.register
def _(layer: Scale, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return inputs[0] * parameters["weight"]


@backward.register
def _(layer: Scale, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,) = inputs
    weight = parameters["weight"]
    others = tuple(axis for axis in range(x.ndim) if axis != layer.axis + 1)
    grad_weight = (grad_output * x).sum(axis=others).reshape(weight.shape)
    return Gradients((grad_output * weight,), {"weight": grad_weight})
