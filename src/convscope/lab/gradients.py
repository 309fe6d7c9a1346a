"""Gradients that lessons start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers.rules import Array
from ..errors import BadShape
from ..layers.base import show_shape
from .arrays import numbers


def output_gradient(gradient: ArrayLike | None, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an output: ones, unless one is passed.

    Errors:   BadShape [lab-gradient] when its shape is not the output's
    """
    if gradient is None:
        return np.ones(shape)
    array = numbers("gradient", gradient)
    if array.shape != shape:
        raise BadShape(
            "The gradient must have the shape of the output, {expected} (got {got}). Leave it out for ones. "
            "[lab-gradient]",
            expected=show_shape(shape),
            got=show_shape(array.shape),
        )
    return array
