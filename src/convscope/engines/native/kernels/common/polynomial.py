"""Polynomial approximations, fitted when a kernel is generated and evaluated in its code."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...ir import Code, Vector, fma


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
