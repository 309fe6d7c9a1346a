"""What two edge kernels make of a picture."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...derivations.derivation import Text
from ...errors import BadShape
from ...layers.base import show_shape
from ...layers.convolution import Conv2d
from ...pictures import Picture
from ...reference.rules import Array, Context, forward
from .style import GREY, LABEL, SMALL, TITLE, Letters, bare, letters, new_figure, number, times

HORIZONTAL = np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]])
VERTICAL = np.ascontiguousarray(HORIZONTAL.T)
"""Sobel's kernels: a difference across the edge, smoothed along it."""

TITLE_WORDS = Text("One layer, two kernels, two feature maps", "一层、两个卷积核、两张特征图")
GREY_PICTURE = Text("picture {size}, grey", "灰度图像 {size}")
EDGES = (Text("horizontal edges", "水平边缘"), Text("vertical edges", "垂直边缘"))
MAP = Text("map {size}", "特征图 {size}")
COLOURS = Text("orange: the kernel's pattern · violet: its opposite", "橙色：与卷积核一致 · 紫色：与之相反")


def edge_maps(picture: Picture) -> Array:
    """Return the picture's response to both kernels.

    Shapes:   picture (h, w, 3) or (h, w, 1) → (2, h − 2, w − 2); grey levels from 0 to 1
    """
    grey = grey_levels(picture)
    layer = Conv2d(2, (3, 3), bias=False)
    weight = np.stack([HORIZONTAL, VERTICAL])[:, None]
    maps: Array = forward(layer, (grey[None, None],), {"weight": weight}, Context())[0]
    return maps


def grey_levels(picture: Picture) -> Array:
    """Return (h, w) from 0 to 1, by the eye's weights of the three colours."""
    levels = np.asarray(picture, float) / 255
    weights = np.array([0.299, 0.587, 0.114]) if levels.shape[2] == 3 else np.ones(1)
    return levels @ weights


def convolution_maps(picture: Picture, lang: str = "en") -> Figure:
    """Draw a picture, two edge kernels, and the feature map of each.

    Shapes:   picture (h, w, 3) or (h, w, 1), at least 3×3
    Errors:   BadShape [maps-picture]; BadSetting [figure-language]
    """
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or min(picture.shape[:2]) < 3:
        raise BadShape(
            "a picture must be h×w×3 or h×w×1 and at least 3×3 for edge kernels; "
            f"got {show_shape(picture.shape)}; "
            "read it with load_picture. [maps-picture]"
        )
    text = letters(lang)
    figure = new_figure()
    figure.text(0.035, 0.925, text.say(TITLE_WORDS), **text.font(TITLE, bold=True))
    seen = figure.add_axes((0.035, 0.12, 0.37, 0.66))
    bare(seen)
    seen.imshow(grey_levels(picture), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    seen.set_title(text.say(GREY_PICTURE, size=times(picture.shape[:2])), pad=8, **text.font(LABEL, bold=True))
    figure.text(0.22, 0.055, text.say(COLOURS), ha="center", **text.font(SMALL, color=GREY))
    maps = edge_maps(picture)
    largest = float(np.abs(maps).max()) or 1.0
    for row, (kernel, words, response) in enumerate(zip((HORIZONTAL, VERTICAL), EDGES, maps, strict=True)):
        bottom = 0.485 - 0.445 * row
        shown = figure.add_axes((0.455, bottom + 0.085, 0.165, 0.22))
        shown.set_title(text.say(words), pad=8, **text.font(LABEL, bold=True))
        _draw_kernel(shown, kernel, text)
        figure.text(0.645, bottom + 0.185, "→", ha="center", va="center", **text.font(24, color=GREY))
        _draw_map(figure.add_axes((0.665, bottom, 0.32, 0.345)), response, largest, text)
    return figure


def _draw_kernel(axes: Axes, kernel: Array, text: Letters) -> None:
    bare(axes)
    axes.imshow(kernel, cmap="PuOr_r", vmin=-3, vmax=3, interpolation="nearest")
    for (row, column), weight in np.ndenumerate(kernel):
        axes.text(column, row, number(weight), ha="center", va="center", **text.font(LABEL, bold=True))
    for place in np.arange(-0.5, len(kernel)):
        axes.axhline(place, color="white", lw=2)
        axes.axvline(place, color="white", lw=2)


def _draw_map(axes: Axes, response: Array, largest: float, text: Letters) -> None:
    bare(axes)
    axes.imshow(response, cmap="PuOr_r", vmin=-largest, vmax=largest, interpolation="nearest", label="_map")
    axes.set_title(text.say(MAP, size=times(response.shape)), pad=6, **text.font(SMALL, color=GREY))
