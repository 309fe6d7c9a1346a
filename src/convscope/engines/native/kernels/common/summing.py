"""Sums of several vectors."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Vector


def added(values: Sequence[Vector]) -> Vector:
    """Return the sum of 1, 2, 4, … vectors, added up in pairs."""
    left = list(values)
    while len(left) > 1:
        left = [one + two for one, two in zip(left[::2], left[1::2], strict=True)]
    return left[0]
