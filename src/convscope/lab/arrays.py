"""Conversion of arguments to arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers.rules import Array
from ..errors import BadShape


def numbers(name: str, value: ArrayLike) -> Array:
    """Return float64 numbers.

    Errors:   BadShape [lab-numbers] for rows of different lengths, or values that are no numbers
    """
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise BadShape(
            f"{name} must be numbers in rows of equal length (got {str(value)[:60]!r}). "
            "Pass nested lists or an array. [lab-numbers]"
        ) from None
