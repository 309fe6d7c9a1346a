"""The normal distribution function Φ for arrays, which NumPy lacks."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from .rules import Array

_LOW, _HIGH = -38.5, 9.0  # below, Φ underflows to 0; above, it rounds to 1
_PER_UNIT = 32
_ORDER = 13


@cache
def _taylor() -> Array:
    """Return (order, knots): the Taylor coefficients of Φ at knots 1/32 apart, the values from `math.erfc`.

    Formula:  Φ⁽ᵐ⁺¹⁾(x) = (−1)ᵐ·Heₘ(x)·φ(x), with Heₘ₊₁ = x·Heₘ − m·Heₘ₋₁
    """
    knots = np.arange(round(_LOW * _PER_UNIT), round(_HIGH * _PER_UNIT) + 1) / _PER_UNIT
    rows = [np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in knots.tolist()])]
    density = np.exp(-0.5 * knots**2) / math.sqrt(2 * math.pi)
    before, here = np.zeros_like(knots), np.ones_like(knots)
    for m in range(_ORDER):
        rows.append((-1) ** m * here * density / math.factorial(m + 1))
        before, here = here, knots * here - m * before
    return np.stack(rows)


def cumulative(x: Array) -> Array:
    """Return Φ(x), with small relative error also far in the left tail.

    Shapes:   x → x, in float64
    Source:   Abramowitz & Stegun 1964, 26.2
    """
    coefficients = _taylor()
    inside = np.clip(np.where(np.isnan(x), 0.0, x), _LOW, _HIGH).astype(np.float64)
    knot = np.rint(inside * _PER_UNIT).astype(np.int64)
    step = inside - knot / _PER_UNIT
    knot -= round(_LOW * _PER_UNIT)
    total = coefficients[_ORDER][knot]
    for order in range(_ORDER - 1, -1, -1):
        total = total * step + coefficients[order][knot]
    result = np.where(x < _LOW, 0.0, np.where(x > _HIGH, 1.0, total))
    return np.where(np.isnan(x), np.nan, result)


def density(x: Array) -> Array:
    """Return φ(x) = e^(−x²/2) / √(2π).

    Shapes:   x → x, in float64
    """
    with np.errstate(over="ignore"):
        return np.exp(-0.5 * np.square(x, dtype=np.float64)) / math.sqrt(2 * math.pi)
