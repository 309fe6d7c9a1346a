"""Exponential, logarithm and related functions of vectors.

Each reduces its argument to a short interval and evaluates a polynomial there; the polynomials are fitted to the
standard library's functions. Errors are a few units in the last place over the whole range, and one more without
fused multiply-add. Subnormal values (below 1.2e-38) count as zero, NaN stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import llvmlite.ir as ir
import numpy as np

from ...ir import Code, Vector, fma
from ...ir.types import I32


def fitted(function: Callable[[float], float], low: float, high: float, degree: int) -> tuple[float, ...]:
    """Return the coefficients, lowest power first, of a polynomial close to a function between two numbers.

    It meets the function at Chebyshev's points, which is within a factor of two or three of the best polynomial of
    its degree for every function that is fitted here.

    Source:   Trefethen 2013, "Approximation Theory and Approximation Practice", chapters 2 and 16
    """
    angles = (np.arange(degree + 1) + 0.5) * np.pi / (degree + 1)
    points = (low + high) / 2 + (high - low) / 2 * np.cos(angles)
    values = np.array([function(point) for point in points.tolist()])
    return tuple(np.linalg.solve(np.vander(points, degree + 1, increasing=True), values).tolist())


def evaluated(code: Code, coefficients: Sequence[float], x: Vector) -> Vector:
    """Return Σ coefficients[k]·xᵏ by Horner's rule."""
    total = code.constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = fma(total, x, code.constant(coefficient))
    return total


LOG2_E = 1 / math.log(2)
LN2_HIGH = 355 / 512
"""The first nine bits of ln 2: its product with an integer below 2¹⁵ is exact."""
LN2_LOW = math.log(2) - LN2_HIGH
ROUNDER = 1.5 * 2**23
"""Added to a float, it leaves the nearest integer in the lowest bits."""
EXPONENT_SHIFT, EXPONENT_BIAS = 23, 127
SMALLEST_NORMAL = 2.0**-126
LARGEST_EXPONENT = 88.72283
"""The last float whose exponential is within the range."""
SMALLEST_EXPONENT = -126 * math.log(2)
PAST_LARGEST, PAST_SMALLEST = 89.0, -104.0
"""Their exponentials are rounded to ∞ and to 0."""


# The exponential


@lru_cache
def _exponential_rest() -> tuple[float, ...]:
    """Fit q in e^r = 1 + r + r²·q(r) for |r| ≤ ln 2 / 2, to 1e-8."""
    half = math.log(2) / 2
    return fitted(lambda r: (math.expm1(r) - r) / r**2 if abs(r) > 1e-3 else 0.5 + r / 6, -half, half, 4)


class _Reduced(NamedTuple):
    """x = n·ln 2 + r: e^r − 1, n, and n in the lowest bits of an integer."""

    less_one: Vector
    n: Vector
    bits: Vector


def _reduced(code: Code, x: Vector) -> _Reduced:
    shifted = fma(x, code.constant(LOG2_E), code.constant(ROUNDER))
    n = shifted - ROUNDER
    r = fma(n, code.constant(-LN2_LOW), fma(n, code.constant(-LN2_HIGH), x))
    return _Reduced(fma(evaluated(code, _exponential_rest(), r), r * r, r), n, shifted.as_bits())


def exponential(code: Code, x: Vector) -> Vector:
    """Return e^x, within 1.5 units in the last place.

    2ⁿ is multiplied by adding n to the exponent's bits, which also reaches the last binade; AVX-512 has an
    instruction that overflows and underflows as it should.
    """
    if code.target.is_x86 and code.target.width == 16:
        part = _reduced(code, x.minimum(PAST_LARGEST).maximum(PAST_SMALLEST))
        return _times_power_of_two(code, part.less_one + 1, part.n)
    part = _reduced(code, x)
    scaled = ((part.less_one + 1).as_bits() + (part.bits << EXPONENT_SHIFT)).as_floats()
    inside = (x <= LARGEST_EXPONENT).select(scaled, x + math.inf)  # NaN comes here too, and stays
    return (x < SMALLEST_EXPONENT).select(code.constant(0), inside)


def _times_power_of_two(code: Code, x: Vector, n: Vector) -> Vector:
    every, as_set = ir.Constant(ir.IntType(16), -1), ir.Constant(I32, 4)
    name = "llvm.x86.avx512.mask.scalef.ps.512"
    return Vector(code, code.call(name, x.ir.type, [x.ir, n.ir, x.ir, every, as_set]))


def exponential_minus_one(code: Code, x: Vector) -> Vector:
    """Return e^x − 1 for x ≤ 0, within 2 units in the last place also near 0."""
    part = _reduced(code, x.maximum(-80.0))
    power = ((part.bits + EXPONENT_BIAS) << EXPONENT_SHIFT).as_floats()
    return fma(part.less_one, power, power - 1)


# Gates: sigmoid, tanh


def sigmoid(code: Code, x: Vector) -> Vector:
    """Return 1 / (1 + e^−x), within 3 units in the last place."""
    return 1 / (exponential(code, -x) + 1)


def tanh(code: Code, x: Vector) -> Vector:
    """Return tanh x, within 3 units in the last place.

    Formula:  tanh |x| = −m / (m + 2) with m = e^(−2|x|) − 1, which loses no digits near 0
    """
    less_one = exponential_minus_one(code, x.abs() * -2)
    return with_sign(less_one / (less_one + 2), x)


def with_sign(magnitude: Vector, sign: Vector) -> Vector:
    """Return values with the signs of others."""
    return ((magnitude.as_bits() & 0x7FFFFFFF) | (sign.as_bits() & -0x80000000)).as_floats()


# The logarithm


@lru_cache
def _logarithm_rest() -> tuple[float, ...]:
    """Fit q in ln(1 + f) = f + f²·q(f) for √½ ≤ 1 + f ≤ √2, to 1e-8."""
    low, high = math.sqrt(0.5) - 1, math.sqrt(2) - 1
    return fitted(lambda f: (math.log1p(f) - f) / f**2 if abs(f) > 1e-3 else f / 3 - 0.5, low, high, 8)


SQRT_HALF_BITS, ONE_BITS = 0x3F3504F3, 0x3F800000


def logarithm(code: Code, x: Vector) -> Vector:
    """Return ln x, within 2 units in the last place; −∞ at 0 and below the normal range, NaN for x < 0."""
    bits = x.as_bits()
    biased = (bits + (ONE_BITS - SQRT_HALF_BITS)) >> EXPONENT_SHIFT
    exponent = biased - EXPONENT_BIAS
    f = (bits - (exponent << EXPONENT_SHIFT)).as_floats() - 1
    n = exponent.to_floats()
    rest = fma(f * f, evaluated(code, _logarithm_rest(), f), n * LN2_LOW)
    inside = fma(n, code.constant(LN2_HIGH), f + rest)
    usual = (x < math.inf).select(inside, x)  # ∞ and NaN are their own logarithms
    low = (x < 0).select(code.constant(math.nan), code.constant(-math.inf))
    return (x < SMALLEST_NORMAL).select(low, usual)


@lru_cache
def _softplus_rest() -> tuple[float, ...]:
    """Fit ln(1 + u) / u for 0 ≤ u ≤ 1, to 1e-8."""
    return fitted(lambda u: math.log1p(u) / u, 0, 1, 9)


def softplus(code: Code, x: Vector) -> Vector:
    """Return ln(1 + e^x), within 3 units in the last place.

    Formula:  max(x, 0) + ln(1 + e^−|x|)
    """
    small = exponential(code, -x.abs())
    return fma(small, evaluated(code, _softplus_rest(), small), x.maximum(0))


# The normal distribution


@lru_cache
def _error_near() -> tuple[float, ...]:
    """Fit erf(x) / x as a function of x² for |x| ≤ 1, to 1e-8."""
    return fitted(lambda square: math.erf(math.sqrt(square)) / math.sqrt(square), 0, 1, 6)


@lru_cache
def _error_far() -> tuple[float, ...]:
    """Fit ln erfc(x) for 1 ≤ x ≤ 4, to 1e-8; past 4, erf is 1 in single precision."""
    return fitted(lambda x: math.log(math.erfc(x)), 1, 4, 8)


def error_function(code: Code, x: Vector) -> Vector:
    """Return erf(x), within 3 units in the last place."""
    magnitude = x.abs()
    near = evaluated(code, _error_near(), x * x) * x
    far = 1 - exponential(code, evaluated(code, _error_far(), magnitude.minimum(4)))
    return (magnitude < 1).select(near, with_sign(far, x))


HASTINGS = 0.35
"""With t = 1 / (1 + 0.35·a), the tail of the normal distribution over its density is nearly a polynomial in t."""
FAR = 14.0
"""Beyond this many standard deviations the tail is below the normal range."""


@lru_cache
def _normal_tail() -> tuple[float, ...]:
    """Fit Φ(−a)·e^(a²/2) / t as a function of t for 0 ≤ a ≤ 14, to 4e-8 of its value.

    Source:   the form is Hastings' 1955, "Approximations for Digital Computers", with other constants
    """

    def ratio(t: float) -> float:
        a = (1 / t - 1) / HASTINGS
        return 0.5 * math.erfc(a / math.sqrt(2)) * math.exp(a * a / 2) / t

    return fitted(ratio, 1 / (1 + HASTINGS * FAR), 1, 8)


class Normal(NamedTuple):
    """Φ(x) and e^(−x²/2), which is the density times √(2π)."""

    cumulative: Vector
    bell: Vector


def normal_distribution(code: Code, x: Vector) -> Normal:
    """Return the normal distribution function and the density it was made of.

    The left tail has a small relative error, too: within 6 + x²/2 units in the last place, as e^(−x²/2)
    magnifies the rounding of x².
    """
    bell = exponential(code, x * x * -0.5)
    t = 1 / fma(x.abs(), code.constant(HASTINGS), code.constant(1))
    tail = evaluated(code, _normal_tail(), t) * t * bell
    return Normal((x < 0).select(tail, 1 - tail), bell)
