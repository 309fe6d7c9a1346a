"""Arrays drawn as small images: inputs, feature maps, kernels."""

from __future__ import annotations

from math import ceil

import numpy as np
from matplotlib.axes import Axes

from ..engines.protocol import Array
from .style import INK

SIGNED, POSITIVE = "PuOr_r", "cividis"
"""Color maps that color-blind readers can read: diverging around zero, and sequential."""


def show_input(axes: Axes, image: Array) -> None:
    """Draw a network's input as an image; values outside 0…1 are rescaled to it.

    Shapes:   image (c, h, w); 1 channel is gray, 3 are colors, of others the mean is shown
    """
    values = np.asarray(image, float)
    if values.min() < 0 or values.max() > 1:
        values = (values - values.min()) / ((values.max() - values.min()) or 1)
    if len(values) == 3:
        axes.imshow(values.transpose(1, 2, 0), interpolation="nearest")
    else:
        axes.imshow(values.mean(axis=0), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    frame(axes)


def show_map(axes: Axes, values: Array, low: float, high: float) -> None:
    """Draw one map; with negative values, the color map is centered at 0."""
    if low < 0:
        reach = max(-low, high)
        axes.imshow(values, cmap=SIGNED, vmin=-reach, vmax=reach, interpolation="nearest")
    else:
        axes.imshow(values, cmap=POSITIVE, vmin=0, vmax=high or 1, interpolation="nearest")
    frame(axes)


def frame(axes: Axes) -> None:
    """Draw a thin frame around the image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(INK)
        spine.set_linewidth(0.5)


def grid_of(count: int, aspect: float) -> tuple[int, int]:
    """Return rows and columns for `count` equal tiles in a space with this aspect ratio.

    >>> grid_of(6, 1.5)
    (2, 3)
    """
    rows = ceil(count / max(1, min(count, ceil((count * aspect) ** 0.5))))
    return rows, ceil(count / rows)
