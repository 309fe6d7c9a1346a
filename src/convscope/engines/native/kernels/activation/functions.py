"""Formulas of the activation functions and their gradients for one vector.

At a kink the derivative is that of the reference. A gradient reads x, or the output y where the derivative follows
from it, so that x need not be kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ...ir import Code, Vector, fma
from ..common.elementary import (
    exponential,
    exponential_minus_one,
    normal_distribution,
    sigmoid,
    softplus,
    tanh,
)

Settings = tuple[float, ...]
Value = Callable[[Code, Settings, Vector], Vector]
Gradient = Callable[[Code, Settings, Vector, Vector], Vector]
Reads = Literal["x", "y"]


@dataclass(frozen=True)
class Formulas:
    """A function and its gradient from dy and what it `reads`; `heavy` if it is compute-bound."""

    value: Value
    gradient: Gradient
    reads: Reads
    at_zero: float = 0.0
    heavy: bool = False


FORMULAS: dict[str, Formulas] = {}


def formulas(kind: str, settings: Settings) -> Formulas:
    """Return the formulas of a kind.

    Errors:   KeyError for a kind that is not among FORMULAS
    """
    if kind == "leakyrelu" and settings[0] <= 0:
        return FORMULAS["leakyrelu, slope not positive"]
    if kind == "elu" and settings[0] < 0:
        return FORMULAS["elu, alpha negative"]
    return FORMULAS[kind]


# Sigmoid, tanh, softplus: the derivative follows from the output


def _sigmoid_gradient(_code: Code, _settings: Settings, y: Vector, dy: Vector) -> Vector:
    return dy * (y * (1 - y))


def _tanh_gradient(_code: Code, _settings: Settings, y: Vector, dy: Vector) -> Vector:
    return dy * (1 - y * y)


def _softplus_gradient(code: Code, _settings: Settings, y: Vector, dy: Vector) -> Vector:
    return dy * -exponential_minus_one(code, -y)  # σ(x) = 1 − e^−y


FORMULAS["sigmoid"] = Formulas(lambda code, _, x: sigmoid(code, x), _sigmoid_gradient, "y", 0.5, heavy=True)
FORMULAS["tanh"] = Formulas(lambda code, _, x: tanh(code, x), _tanh_gradient, "y", heavy=True)
FORMULAS["softplus"] = Formulas(
    lambda code, _, x: softplus(code, x), _softplus_gradient, "y", math.log(2), heavy=True
)


# The ReLU family: where the input is negative, NaN and ∞ in dy do not pass


def _relu_gradient(code: Code, _settings: Settings, y: Vector, dy: Vector) -> Vector:
    return (y <= 0).select(code.constant(0), dy)


def _relu6_gradient(code: Code, _settings: Settings, y: Vector, dy: Vector) -> Vector:
    return ((y <= 0) | (y >= 6)).select(code.constant(0), dy)


def _leaky(_code: Code, settings: Settings, x: Vector) -> Vector:
    return (x > 0).select(x, x * settings[0])


def _leaky_gradient(_code: Code, settings: Settings, kept: Vector, dy: Vector) -> Vector:
    return (kept > 0).select(dy, dy * settings[0])


FORMULAS["relu"] = Formulas(lambda _code, _settings, x: x.maximum(0), _relu_gradient, "y")
FORMULAS["relu6"] = Formulas(lambda _code, _settings, x: x.maximum(0).minimum(6), _relu6_gradient, "y")
FORMULAS["leakyrelu"] = Formulas(_leaky, _leaky_gradient, "y")
FORMULAS["leakyrelu, slope not positive"] = Formulas(_leaky, _leaky_gradient, "x")


# ELU: settings are alpha and a scale


def _elu(code: Code, settings: Settings, x: Vector) -> Vector:
    alpha, scale = settings
    left = exponential_minus_one(code, x.minimum(0)) * (alpha * scale)
    return (x <= 0).select(left, x if scale == 1 else x * scale)


def _elu_gradient(code: Code, settings: Settings, y: Vector, dy: Vector) -> Vector:
    """Use that the derivative on the left is y + alpha·scale."""
    alpha, scale = settings
    return dy * (y <= 0).select(y + alpha * scale, code.constant(scale))


def _elu_gradient_of_input(code: Code, settings: Settings, x: Vector, dy: Vector) -> Vector:
    alpha, scale = settings
    return dy * (x <= 0).select(exponential(code, x.minimum(0)) * (alpha * scale), code.constant(scale))


FORMULAS["elu"] = Formulas(_elu, _elu_gradient, "y", heavy=True)
FORMULAS["elu, alpha negative"] = Formulas(_elu, _elu_gradient_of_input, "x", heavy=True)


# Smooth gates: x times something between 0 and 1


def _gelu(code: Code, _settings: Settings, x: Vector) -> Vector:
    return x * normal_distribution(code, x).cumulative


def _gelu_gradient(code: Code, _settings: Settings, x: Vector, dy: Vector) -> Vector:
    normal = normal_distribution(code, x)
    return dy * fma(x, normal.bell * (1 / math.sqrt(2 * math.pi)), normal.cumulative)


def _gates(code: Code, x: Vector) -> tuple[Vector, Vector]:
    """Return σ(x) and σ(−x), which 1 − σ(x) would give with few digits for large x."""
    small = exponential(code, -x)
    gate = 1 / (small + 1)
    return gate, (x > 0).select(small * gate, 1 - gate)


_SLOPE, _CUBE = math.sqrt(2 / math.pi), 0.044715
_SQUARE_LIMIT = 1e30
"""Far beyond where the gate is 0 or 1; keeps the slope of its argument finite."""


def _gelu_argument(code: Code, x: Vector) -> Vector:
    """Return 2u for GELU's u = √(2/π)·(x + 0.044715·x³); the gate (1 + tanh u) / 2 is σ(2u)."""
    return x * fma(x * x, code.constant(2 * _SLOPE * _CUBE), code.constant(2 * _SLOPE))


def _gelu_by_tanh(code: Code, _settings: Settings, x: Vector) -> Vector:
    return x * sigmoid(code, _gelu_argument(code, x))


def _gelu_by_tanh_gradient(code: Code, _settings: Settings, x: Vector, dy: Vector) -> Vector:
    argument, square = _gelu_argument(code, x), (x * x).minimum(_SQUARE_LIMIT)
    gate, closed = _gates(code, argument)
    inner_slope = fma(square, code.constant(6 * _SLOPE * _CUBE), code.constant(2 * _SLOPE))
    return dy * fma(x * (gate * closed), inner_slope, gate)


def _silu(code: Code, _settings: Settings, x: Vector) -> Vector:
    return x * sigmoid(code, x)


def _silu_gradient(code: Code, _settings: Settings, x: Vector, dy: Vector) -> Vector:
    gate, closed = _gates(code, x)
    return dy * (gate * fma(x, closed, code.constant(1)))


_MISH_LIMIT = 20.0
"""From here on tanh(softplus(x)) is 1 in single precision."""


def _mish(code: Code, _settings: Settings, x: Vector) -> Vector:
    """Use that tanh(ln(1 + u)) = w / (w + 2) with u = eˣ, w = u·(u + 2)."""
    u = exponential(code, x.minimum(_MISH_LIMIT))
    w = u * (u + 2)
    return x * (w / (w + 2))


def _mish_gradient(code: Code, _settings: Settings, x: Vector, dy: Vector) -> Vector:
    """Put tanh(softplus) + x·σ·(1 − tanh²) over one denominator: (w·(w + 2) + 4x·u·(u + 1)) / (w + 2)²."""
    inside = x.minimum(_MISH_LIMIT)
    u = exponential(code, inside)
    w = u * (u + 2)
    right = w + 2
    slope = fma(inside * 4, u * (u + 1), w * right) / (right * right)
    return dy * (slope + (x - x))  # at ±∞ NaN, as the product ∞·0 that the formula has there


FORMULAS["gelu"] = Formulas(_gelu, _gelu_gradient, "x", heavy=True)
FORMULAS["gelu_tanh"] = Formulas(_gelu_by_tanh, _gelu_by_tanh_gradient, "x", heavy=True)
FORMULAS["silu"] = Formulas(_silu, _silu_gradient, "x", heavy=True)
FORMULAS["mish"] = Formulas(_mish, _mish_gradient, "x", heavy=True)


# Straight pieces


def _hardsigmoid(_code: Code, _settings: Settings, x: Vector) -> Vector:
    return (x + 3).maximum(0).minimum(6) * (1 / 6)


def _hardsigmoid_gradient(code: Code, _settings: Settings, x: Vector, dy: Vector) -> Vector:
    return ((x > -3) & (x < 3)).select(dy * (1 / 6), code.constant(0))


def _hardswish(code: Code, settings: Settings, x: Vector) -> Vector:
    return x * _hardsigmoid(code, settings, x)


def _hardswish_gradient(code: Code, _settings: Settings, x: Vector, dy: Vector) -> Vector:
    sloped = (x < 3).select(dy * fma(x, code.constant(1 / 3), code.constant(0.5)), dy)
    return (x <= -3).select(code.constant(0), sloped)


FORMULAS["hardsigmoid"] = Formulas(_hardsigmoid, _hardsigmoid_gradient, "x", 0.5)
FORMULAS["hardswish"] = Formulas(_hardswish, _hardswish_gradient, "x")
