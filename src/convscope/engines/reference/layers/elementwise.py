"""Affine, Clamp, Power and the elementary functions: value and derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import prod

import numpy as np

from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.reduction import Reduce
from . import gaussian
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward

_ERF_SLOPE = 2 / math.sqrt(math.pi)


@forward.register
def _(layer: Affine, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return layer.scale * inputs[0] + layer.shift


@backward.register
def _(layer: Affine, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    return Gradients((layer.scale * grad_output,))


@forward.register
def _(layer: Clamp, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return np.clip(inputs[0], layer.low, layer.high)


@backward.register
def _(layer: Clamp, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """The gradient passes between the bounds, and on them, as in PyTorch."""
    (x,) = inputs
    low = -math.inf if layer.low is None else layer.low
    high = math.inf if layer.high is None else layer.high
    return Gradients((np.where((x >= low) & (x <= high), grad_output, 0).astype(x.dtype, copy=False),))


@forward.register
def _(layer: Power, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.power(inputs[0], layer.exponent)


@backward.register
def _(layer: Power, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return Gradients((grad_output * layer.exponent * np.power(inputs[0], layer.exponent - 1),))


def _erf(x: Array) -> Array:
    return (2 * gaussian.cumulative(math.sqrt(2) * x) - 1).astype(x.dtype)


Numeric = Callable[[Array], Array]
_PAIRS: dict[str, tuple[Numeric, Numeric]] = {
    "abs": (np.abs, np.sign),
    "ceil": (np.ceil, np.zeros_like),
    "cos": (np.cos, lambda x: -np.sin(x)),
    "erf": (_erf, lambda x: _ERF_SLOPE * np.exp(-np.square(x))),
    "exp": (np.exp, np.exp),
    "floor": (np.floor, np.zeros_like),
    "log": (np.log, np.reciprocal),
    "neg": (np.negative, lambda x: np.full_like(x, -1)),
    "reciprocal": (np.reciprocal, lambda x: -1 / np.square(x)),
    "round": (np.rint, np.zeros_like),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x: -0.5 / (x * np.sqrt(x))),
    "sign": (np.sign, np.zeros_like),
    "sin": (np.sin, np.cos),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
}
"""The value and the derivative of each function by its name; out of its domain NaN or ∞, as IEEE says."""


@forward.register
def _(layer: Function, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    with np.errstate(all="ignore"):
        return _PAIRS[layer.function][0](inputs[0])


@backward.register
def _(layer: Function, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    with np.errstate(all="ignore"):
        return Gradients((grad_output * _PAIRS[layer.function][1](inputs[0]),))


_REDUCTIONS: dict[str, Callable[..., Array]] = {"mean": np.mean, "sum": np.sum, "max": np.max, "min": np.min}


def _axes(layer: Reduce, x: Array) -> tuple[int, ...]:
    """Return the axes with the batch counted."""
    return tuple(axis + 1 for axis in layer.along(x.shape[1:]))


@forward.register
def _(layer: Reduce, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _REDUCTIONS[layer.mode](x, axis=_axes(layer, x), keepdims=layer.keepdims)


@backward.register
def _(layer: Reduce, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """Broadcast the gradient over the axes; equal maxima share it, as in PyTorch's amax."""
    (x,) = inputs
    axes = _axes(layer, x)
    spread = grad_output if layer.keepdims else np.expand_dims(grad_output, axes)
    if layer.mode in ("max", "min"):
        wins = (x == _REDUCTIONS[layer.mode](x, axis=axes, keepdims=True)).astype(x.dtype)
        return Gradients((spread * wins / wins.sum(axis=axes, keepdims=True),))
    over = prod(x.shape[axis] for axis in axes) if layer.mode == "mean" else 1
    return Gradients((np.broadcast_to(spread / over, x.shape),))
