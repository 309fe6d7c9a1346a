"""Identity, dropout and parameter arrays. `Opaque` has no rule, so `forward` raises for it."""

from __future__ import annotations

import numpy as np

from ....layers.structural import Dropout, Identity, Parameter
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward


@forward.register
def _(layer: Identity, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return inputs[0]


@backward.register
def _(layer: Identity, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    return Gradients((grad_output,))


@forward.register
def _(layer: Dropout, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    """Zero elements at random in training, and scale the others by 1 / (1 − p) to keep the mean."""
    (x,) = inputs
    if not context.training:
        return x
    stays = context.generator.random(x.shape) >= layer.p
    factor = stays.astype(x.dtype) / (1 - layer.p) if layer.p < 1 else stays.astype(x.dtype)
    context.saved["factor"] = factor
    return x * factor


@backward.register
def _(layer: Dropout, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    if not context.training:
        return Gradients((grad_output,))
    return Gradients((grad_output * context.saved["factor"],))


@forward.register
def _(layer: Parameter, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    if context.training and not layer.learned:
        context.new_buffers["value"] = np.array(context.buffers["value"])
    array = parameters["weight"] if layer.learned else context.buffers["value"]
    return np.broadcast_to(array, (len(inputs[0]), *array.shape))


@backward.register
def _(layer: Parameter, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    grads = {"weight": grad_output.sum(axis=0)} if layer.learned else {}
    return Gradients((np.zeros_like(inputs[0]),), grads)
