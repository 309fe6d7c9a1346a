"""Softmax and its logarithm along an axis."""

from __future__ import annotations

import numpy as np

from ....layers.activation import LogSoftmax, Softmax
from ...common.losses import log_softmax
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward


def _axis(layer: Softmax, x: Array) -> int:
    """Return the axis with the batch in front."""
    return layer.along(x.shape[1:]) + 1


def softmax(x: Array, axis: int) -> Array:
    """Return e^x / Σ e^x along an axis, the maximum subtracted first so that nothing overflows."""
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@forward.register
def _(layer: Softmax, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    output = softmax(x, _axis(layer, x))
    context.saved["output"] = output
    return output


@backward.register
def _(layer: Softmax, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    axis = _axis(layer, inputs[0])
    output = context.saved["output"]
    mean = (grad_output * output).sum(axis=axis, keepdims=True)
    return Gradients((output * (grad_output - mean),))


@forward.register
def _(layer: LogSoftmax, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    output = log_softmax(x, _axis(layer, x))
    context.saved["output"] = output
    return output


@backward.register
def _(
    layer: LogSoftmax, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    axis = _axis(layer, inputs[0])
    total = grad_output.sum(axis=axis, keepdims=True)
    return Gradients((grad_output - np.exp(context.saved["output"]) * total,))
