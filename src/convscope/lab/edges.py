"""Edge kernels: what a horizontal and a vertical one find in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import BadShape
from ..layers.activation import ReLU
from ..layers.base import show_shape
from ..layers.convolution import Conv2d
from ..reference import activation as _activation  # noqa: F401 - registers the answers
from ..reference import convolution as _convolution  # noqa: F401 - registers the answers
from ..reference.rules import Array, Context, forward
from .blocks import beside, matrix, titled
from .given import numbers

KERNELS = {
    "horizontal": np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.0]]),
    "vertical": np.array([[1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 0.0, -1.0]]),
}
"""Prewitt's kernels: bright above dark, and bright left of dark."""


@dataclass(frozen=True)
class EdgeMaps:
    """A picture and what each kernel makes of it, before and after ReLU."""

    x: Array
    kernels: dict[str, Array]
    maps: dict[str, Array]
    rectified: dict[str, Array]

    def __str__(self) -> str:
        parts = [titled(f"Picture {show_shape(self.x.shape)}", matrix(self.x))]
        for name, kernel in self.kernels.items():
            row = beside(
                titled("kernel", matrix(kernel)),
                titled("feature map", matrix(self.maps[name])),
                titled("after ReLU", matrix(self.rectified[name])),
            )
            parts.append(titled(f"── {name} edges", row))
        return "\n\n".join(parts)


def edge_maps(picture: ArrayLike) -> EdgeMaps:
    """Convolve a grey picture with a horizontal and a vertical edge kernel, and apply ReLU.

    Shapes:   picture (h, w), at least 3×3 → maps (h − 2, w − 2)
    Errors:   BadShape [lab-picture]

    >>> edge_maps([[9, 9, 9], [9, 9, 9], [0, 0, 0]]).maps["horizontal"]
    array([[27.]])
    """
    x = numbers("picture", picture)
    if x.ndim != 2 or min(x.shape) < 3:
        raise BadShape(
            f"picture must be a matrix of at least 3×3 grey levels; got picture={show_shape(x.shape)}; "
            "give one channel, as rows of numbers. [lab-picture]"
        )
    weight = np.stack(list(KERNELS.values()))[:, None]
    layer = Conv2d(len(KERNELS), (3, 3), bias=False)
    maps = forward(layer, (x[None, None],), {"weight": weight}, Context())
    rectified = forward(ReLU(), (maps,), {}, Context())
    return EdgeMaps(
        x, dict(KERNELS), dict(zip(KERNELS, maps[0], strict=True)), dict(zip(KERNELS, rectified[0], strict=True))
    )
