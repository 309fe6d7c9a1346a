"""Activation functions: value and derivative.

At a kink the derivative is the one PyTorch takes: 0 for ReLU at 0, the slope of the flatter side elsewhere.
No function overflows, however large |x|; NaN stays NaN.
"""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from ....errors import NoRule
from ....layers.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from . import gaussian
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward

_GELU_SLOPE = math.sqrt(2 / math.pi)
_GELU_CUBE = 0.044715


@singledispatch
def value(layer: Activation, x: Array) -> Array:
    """Return the function's value at every element.

    Shapes:   x → x
    Errors:   NoRule [no-value] for a layer that is no function of one number

    >>> value(Sigmoid(), np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    raise _no_rule(layer, "value")


@singledispatch
def derivative(layer: Activation, x: Array) -> Array:
    """Return the function's derivative at every element.

    Shapes:   x → x
    Errors:   NoRule [no-derivative] for a layer that is no function of one number

    >>> derivative(ReLU(), np.array([-1.0, 0.0, 1.0]))
    array([0., 0., 1.])
    """
    raise _no_rule(layer, "derivative")


def _no_rule(layer: Activation, question: str) -> NoRule:
    return NoRule(
        "There is no {question} rule for {kind}. Use one of the activation functions. [no-{question}]",
        question=question,
        kind=layer.kind,
    )


@forward.register
def _(layer: Activation, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return value(layer, inputs[0])


@backward.register
def _(
    layer: Activation, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    with np.errstate(invalid="ignore"):  # 0·∞ is NaN here as in PyTorch
        return Gradients((grad_output * derivative(layer, inputs[0]),))


# Sigmoid, tanh


@value.register
def _sigmoid(layer: Sigmoid, x: Array) -> Array:
    small = np.exp(-np.abs(x))  # never above 1, so nothing overflows
    return np.where(x < 0, small, 1).astype(x.dtype) / (1 + small)


@derivative.register
def _(layer: Sigmoid, x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return small / np.square(1 + small)  # σ(x)·σ(−x), without the cancellation of 1 − σ


@value.register
def _(layer: Tanh, x: Array) -> Array:
    return np.tanh(x)


@derivative.register
def _(layer: Tanh, x: Array) -> Array:
    return 1 - np.square(np.tanh(x))


# The ReLU family


@value.register
def _(layer: ReLU, x: Array) -> Array:
    return np.maximum(x, 0)


@derivative.register
def _(layer: ReLU, x: Array) -> Array:
    return _open(~(x <= 0), x)


@backward.register
def _(layer: ReLU, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    # Chosen, not multiplied: a closed gate stops NaN and ∞ too.
    return Gradients((np.where(inputs[0] <= 0, 0, grad_output).astype(grad_output.dtype, copy=False),))


@value.register
def _(layer: ReLU6, x: Array) -> Array:
    return np.minimum(np.maximum(x, 0), 6)


@derivative.register
def _(layer: ReLU6, x: Array) -> Array:
    return _open(~((x <= 0) | (x >= 6)), x)


def _open(gate: Array, x: Array) -> Array:
    return gate.astype(x.dtype)


@value.register
def _(layer: LeakyReLU, x: Array) -> Array:
    return _leaky(x, layer.negative_slope)


@derivative.register
def _(layer: LeakyReLU, x: Array) -> Array:
    return np.where(x > 0, 1, layer.negative_slope).astype(x.dtype)


def _leaky(x: Array, slope: float | Array) -> Array:
    with np.errstate(invalid="ignore"):  # slope 0 at −∞
        return np.where(x > 0, x, slope * x).astype(x.dtype)


@value.register
def _(layer: PReLU, x: Array) -> Array:
    return _leaky(x, layer.init)


@derivative.register
def _(layer: PReLU, x: Array) -> Array:
    return np.where(x > 0, 1, layer.init).astype(x.dtype)


def _slopes(parameters: Parameters, x: Array) -> Array:
    """Return the slopes in a shape that meets x: one, or one per channel (axis 1)."""
    return parameters["weight"].reshape(-1, *(1 for _ in x.shape[2:]))


@forward.register
def _(layer: PReLU, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _leaky(x, _slopes(parameters, x))


@backward.register
def _(layer: PReLU, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,) = inputs
    grad_x = np.where(x > 0, grad_output, grad_output * _slopes(parameters, x))
    with np.errstate(invalid="ignore"):
        per_element = np.where(x > 0, 0, x * grad_output)
    shared = layer.num_parameters == 1
    axes = tuple(axis for axis in range(x.ndim) if shared or axis != 1)
    return Gradients((grad_x,), {"weight": per_element.sum(axis=axes).reshape(-1).astype(x.dtype)})


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x <= 0, alpha * np.expm1(np.minimum(x, 0)), x).astype(x.dtype)


def _elu_slope(x: Array, alpha: float) -> Array:
    return np.where(x <= 0, alpha * np.exp(np.minimum(x, 0)), 1).astype(x.dtype)


@value.register
def _(layer: ELU, x: Array) -> Array:
    return _elu(x, layer.alpha)


@derivative.register
def _(layer: ELU, x: Array) -> Array:
    return _elu_slope(x, layer.alpha)


@value.register
def _(layer: SELU, x: Array) -> Array:
    return layer.SCALE * _elu(x, layer.ALPHA)


@derivative.register
def _(layer: SELU, x: Array) -> Array:
    return layer.SCALE * _elu_slope(x, layer.ALPHA)


# Smooth gates: x times something between 0 and 1


@value.register
def _(layer: GELU, x: Array) -> Array:
    with np.errstate(invalid="ignore"):  # −∞·0 is NaN, as in PyTorch
        if layer.approximate == "tanh":
            return 0.5 * x * (1 + np.tanh(_gelu_inner(x)))
        return (x * gaussian.cumulative(x)).astype(x.dtype)


@derivative.register
def _(layer: GELU, x: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        if layer.approximate == "tanh":
            bend = np.tanh(_gelu_inner(x))
            inner_slope = _GELU_SLOPE * (1 + 3 * _GELU_CUBE * x * x)
            return 0.5 * (1 + bend) + 0.5 * x * (1 - bend * bend) * inner_slope
        return (gaussian.cumulative(x) + x * gaussian.density(x)).astype(x.dtype)


def _gelu_inner(x: Array) -> Array:
    with np.errstate(over="ignore"):
        return _GELU_SLOPE * (x + _GELU_CUBE * x * x * x)


@value.register
def _(layer: SiLU, x: Array) -> Array:
    with np.errstate(invalid="ignore"):  # −∞·0 is NaN, as in PyTorch
        return x * _sigmoid(Sigmoid(), x)


@derivative.register
def _(layer: SiLU, x: Array) -> Array:
    with np.errstate(invalid="ignore"):
        gate = _sigmoid(Sigmoid(), x)
        return gate * (1 + x * (1 - gate))


@value.register
def _(layer: Mish, x: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return x * np.tanh(_softplus(x))


@derivative.register
def _(layer: Mish, x: Array) -> Array:
    with np.errstate(invalid="ignore"):
        bend = np.tanh(_softplus(x))
        return bend + x * _sigmoid(Sigmoid(), x) * (1 - bend * bend)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@value.register
def _(layer: Softplus, x: Array) -> Array:
    return _softplus(x)


@derivative.register
def _(layer: Softplus, x: Array) -> Array:
    return _sigmoid(Sigmoid(), x)


# Straight pieces


@value.register
def _(layer: Hardsigmoid, x: Array) -> Array:
    return np.minimum(np.maximum(x + 3, 0), 6) / 6


@derivative.register
def _(layer: Hardsigmoid, x: Array) -> Array:
    return np.where((x > -3) & (x < 3), 1 / 6, 0).astype(x.dtype)


@value.register
def _(layer: Hardswish, x: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return x * np.minimum(np.maximum(x + 3, 0), 6) / 6


@derivative.register
def _(layer: Hardswish, x: Array) -> Array:
    return np.where(x <= -3, 0, np.where(x < 3, x / 3 + 0.5, 1)).astype(x.dtype)
