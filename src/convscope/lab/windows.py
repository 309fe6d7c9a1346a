"""Windows of lessons: whether they fit, and the maps they slide over."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers.rules import Array
from ..errors import BadShape
from ..layers.base import show_shape
from .arrays import numbers

Size = tuple[int, ...]


def refuse_too_large(window: Size, image: Size, padding: int = 0) -> None:
    """Raise where a window is larger than the padded image.

    Errors:   BadShape [lab-window-size]
    """
    if any(k > n + 2 * padding for k, n in zip(window, image, strict=True)):
        raise BadShape(
            "The window must fit into the input with its padding (got a window of {window}, an input of {image}, "
            "padding {padding}). Use a smaller window or more padding. [lab-window-size]",
            window=show_shape(window),
            image=show_shape(image),
            padding=padding,
        )


def kernel_maps(kernels: Iterable[ArrayLike], rank: int) -> Array:
    """Return kernels of one shape as one array.

    Shapes:   each (kh, kw) or (c, kh, kw), by rank → (o, …)
    Errors:   BadShape [lab-kernels], [lab-numbers]
    """
    given = [numbers("kernel", kernel) for kernel in kernels]
    shapes = {kernel.shape for kernel in given}
    if len(shapes) != 1 or len(next(iter(shapes))) != rank:
        raise BadShape(
            "kernels must be matrices of one shape (got {shapes}). Pass each as rows of numbers. [lab-kernels]",
            shapes=", ".join(show_shape(kernel.shape) for kernel in given),
        )
    return np.stack(given)
