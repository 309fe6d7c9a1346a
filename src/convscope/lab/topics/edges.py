"""Edge detection with a horizontal and a vertical kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers import activation as _activation  # noqa: F401 - registers the answers
from ..engines.reference.layers import convolution as _convolution  # noqa: F401 - registers the answers
from ..engines.reference.layers.rules import Array, Context, forward
from ..errors import BadShape
from ..layers.activation import ReLU
from ..layers.base import show_shape
from ..layers.convolution import Conv2d
from ..text.language import Message
from ..text.notebook import Preformatted
from .blocks import beside, matrix, numbers, titled

KERNELS = {
    "horizontal": np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.0]]),
    "vertical": np.array([[1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 0.0, -1.0]]),
}
"""Prewitt's kernels: bright above dark, and bright left of dark."""


@dataclass(frozen=True)
class EdgeMaps(Preformatted):
    """An image and each kernel's feature map, before and after ReLU."""

    x: Array
    kernels: dict[str, Array]
    maps: dict[str, Array]
    rectified: dict[str, Array]

    def __str__(self) -> str:
        parts = [titled(f"Image {show_shape(self.x.shape)}", matrix(self.x))]
        for name, kernel in self.kernels.items():
            row = beside(
                titled("kernel", matrix(kernel)),
                titled("feature map", matrix(self.maps[name])),
                titled("after ReLU", matrix(self.rectified[name])),
            )
            parts.append(titled(f"── {name} edges", row))
        return "\n\n".join(parts)


def edge_maps(image: ArrayLike, kernels: Mapping[str, ArrayLike] = KERNELS) -> EdgeMaps:
    """Convolve a gray image with a horizontal and a vertical edge kernel, or with others, and apply ReLU.

    Shapes:   image (h, w), kernels (kh, kw), all the same → maps (h − kh + 1, w − kw + 1)
    Errors:   BadShape [lab-image], [lab-kernels]

    >>> edge_maps([[9, 9, 9], [9, 9, 9], [0, 0, 0]]).maps["horizontal"]
    array([[27.]])
    """
    x = numbers("image", image)
    given = {name: numbers("kernel", kernel) for name, kernel in kernels.items()}
    shapes = {kernel.shape for kernel in given.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise BadShape(
            "kernels must be matrices of one shape (got {shapes}). Pass each as rows of numbers. [lab-kernels]",
            shapes=", ".join(show_shape(kernel.shape) for kernel in given.values()) or Message("none"),
        )
    size = next(iter(shapes))
    if x.ndim != 2 or x.shape[0] < size[0] or x.shape[1] < size[1]:
        raise BadShape(
            "image must be a matrix of at least {least} gray levels (got image={got}). Pass one channel, as rows "
            "of numbers. [lab-image]",
            least=show_shape(size),
            got=show_shape(x.shape),
        )
    weight = np.stack(list(given.values()))[:, None]
    layer = Conv2d(len(given), size, bias=False)
    maps = forward(layer, (x[None, None],), {"weight": weight}, Context())
    rectified = forward(ReLU(), (maps,), {}, Context())
    return EdgeMaps(x, given, dict(zip(given, maps[0], strict=True)), dict(zip(given, rectified[0], strict=True)))
