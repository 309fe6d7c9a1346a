"""Figure of an image convolved with kernels, by default edge kernels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..derivations.derivation import Text
from ..engines.reference.layers.rules import Array
from ..errors import BadSetting, BadShape
from ..images import Image
from ..lab.topics.edges import KERNELS, edge_maps, gray_levels
from ..layers.base import show_shape
from ..text.numbers import number, times
from .style import GRAY, LABEL, SMALL, TITLE, Letters, bare, letters, new_figure

TITLE_WORDS = Text("One layer: one feature map per kernel", "一层：每个卷积核得到一张特征图")
GRAY_IMAGE = Text("image {size}, gray", "灰度图像 {size}")
EDGES = {"horizontal": Text("horizontal edges", "水平边缘"), "vertical": Text("vertical edges", "垂直边缘")}
KERNEL = Text("kernel {name}", "卷积核 {name}")
MOST_KERNELS = 4
MAP = Text("map {size}", "特征图 {size}")
COLORS = Text("orange: the kernel's pattern · violet: its opposite", "橙色：与卷积核一致 · 紫色：与之相反")


def convolution_maps(image: Image, lang: str = "en", kernels: Mapping[str, ArrayLike] = KERNELS) -> Figure:
    """Draw an image, up to four kernels (edge kernels by default) and their feature maps.

    Shapes:   image (h, w, 3) or (h, w, 1), at least as large as a kernel
    Errors:   BadShape [maps-image], [lab-kernels], [lab-image]; BadSetting [figure-language], [maps-kernels]
    """
    if not 0 < len(kernels) <= MOST_KERNELS:
        raise BadSetting(
            "{setting} must have 1 to {most} kernels (got {got}). [maps-kernels]",
            setting="convolution_maps.kernels",
            most=MOST_KERNELS,
            got=len(kernels),
        )
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise BadShape(
            "image must be h×w×3 or h×w×1 (got image={shape}). Read it with load_image. [maps-image]",
            shape=show_shape(image.shape),
        )
    text = letters(lang)
    figure = new_figure()
    figure.text(0.035, 0.925, text.translate(TITLE_WORDS), **text.font(TITLE, bold=True))
    seen = figure.add_axes((0.035, 0.12, 0.37, 0.66))
    bare(seen)
    seen.imshow(gray_levels(image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    seen.set_title(text.translate(GRAY_IMAGE, size=times(image.shape[:2])), pad=8, **text.font(LABEL, bold=True))
    figure.text(0.22, 0.055, text.translate(COLORS), ha="center", **text.font(SMALL, color=GRAY))
    found = edge_maps(gray_levels(image), kernels)
    height = 0.89 / len(kernels)
    for row, (name, response) in enumerate(found.maps.items()):
        bottom = 0.93 - height * (row + 1)
        shown = figure.add_axes((0.455, bottom + 0.19 * height, 0.165, 0.5 * height))
        words = text.translate(EDGES[name]) if name in EDGES else text.translate(KERNEL, name=name)
        shown.set_title(words, pad=8, **text.font(LABEL, bold=True))
        _draw_kernel(shown, found.kernels[name], text)
        figure.text(0.645, bottom + 0.42 * height, "→", ha="center", va="center", **text.font(24, color=GRAY))
        _draw_map(figure.add_axes((0.665, bottom, 0.32, 0.775 * height)), response, text)
    return figure


def _draw_kernel(axes: Axes, kernel: Array, text: Letters) -> None:
    bare(axes)
    largest = 1.5 * float(np.abs(kernel).max()) or 1.0
    axes.imshow(kernel, cmap="PuOr_r", vmin=-largest, vmax=largest, interpolation="nearest")
    for (row, column), weight in np.ndenumerate(kernel):
        axes.text(column, row, number(weight), ha="center", va="center", **text.font(LABEL, bold=True))
    for row in np.arange(-0.5, kernel.shape[0]):
        axes.axhline(row, color="white", lw=2)
    for column in np.arange(-0.5, kernel.shape[1]):
        axes.axvline(column, color="white", lw=2)


def _draw_map(axes: Axes, response: Array, text: Letters) -> None:
    bare(axes)
    largest = float(np.abs(response).max()) or 1.0
    axes.imshow(response, cmap="PuOr_r", vmin=-largest, vmax=largest, interpolation="nearest", label="_map")
    axes.set_title(text.translate(MAP, size=times(response.shape)), pad=6, **text.font(SMALL, color=GRAY))
