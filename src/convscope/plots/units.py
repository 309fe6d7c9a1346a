"""Figure of the units of a layer that see one pixel."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..analysis.region import Units
from ..derivations.derivation import Text
from ..errors import BadShape
from ..images import Image
from ..layers.base import show_shape
from .style import GRAY, INK, LABEL, PALE, SMALL, TITLE, VERMILLION, letters, new_figure

TITLE_WORDS = Text("{layer}: the units that see pixel ({pixel})", "{layer}：看到像素 ({pixel}) 的单元")
COUNTED = Text("{count} of {total} units, in every channel", "{total} 个单元中的 {count} 个（每个通道相同）")
BY_GLOBAL = Text(
    "{count} through local paths (orange), the others only through the global path, {via}",
    "其中 {count} 个经局部路径（橙色），其余仅经由 {via} 的全局路径",
)
IMAGE = Text("image {shape}", "图像 {shape}")
MAP = Text("{layer} {shape}", "{layer} {shape}")

UNSEEING, BY_GLOBAL_PATH = 255, 214
"""Gray levels of units that do not see the pixel, and that see it only through a global path."""

SEEING = (213, 94, 0)


def units_beside_image(units: Units, image: Image, lang: str = "en") -> Figure:
    """Draw the image with one pixel marked, and the layer's map with the units that see it.

    Shapes:   image (h, w, 3) or (h, w, 1), as large as the network's input
    Errors:   BadShape [units-image]; BadSetting [figure-language]
    """
    text = letters(lang)
    if len(units.pixel) < 2 or units.mask.ndim != 2:
        raise BadShape(
            "Only units of feature maps that see an image can be drawn (got units on {shape}). Ask without "
            "--save. [units-image]",
            shape=show_shape(units.mask.shape),
        )
    figure = new_figure(9.2, 5.4)
    left, right = figure.add_axes((0.04, 0.03, 0.45, 0.68)), figure.add_axes((0.53, 0.03, 0.43, 0.68))
    _draw_image(left, units, image)
    _draw_map(right, units)
    for axes, words in (
        (left, text.translate(IMAGE, shape=show_shape(image.shape[:2]))),
        (right, text.translate(MAP, layer=units.layer, shape=show_shape(units.mask.shape))),
    ):
        axes.set_title(words, **text.font(SMALL, color=GRAY))
    pixel = ", ".join(map(str, units.pixel[-2:]))
    figure.text(
        0.04, 0.92, text.translate(TITLE_WORDS, layer=units.layer, pixel=pixel), **text.font(TITLE, bold=True)
    )
    counted = text.translate(COUNTED, count=f"{units.count:,}", total=f"{units.mask.size:,}")
    figure.text(0.04, 0.865, counted, **text.font(LABEL, color=INK))
    if units.global_via is not None:
        shared = text.translate(BY_GLOBAL, count=f"{units.local_count:,}", via=units.global_via)
        figure.text(0.04, 0.815, shared, **text.font(SMALL, color=GRAY))
    return figure


def _draw_image(axes: Axes, units: Units, image: Image) -> None:
    height, width = image.shape[:2]
    shown = np.repeat(image, 3, axis=2) if image.shape[2:] == (1,) else image
    axes.imshow(shown, extent=(0, width, height, 0), interpolation="nearest", label="_image")
    _frame(axes, height, width)
    row, column = units.pixel[-2:]
    axes.add_patch(Rectangle((column, row), 1, 1, fill=False, ec=VERMILLION, lw=1.6, label="_pixel"))
    for size, color, wide in ((17, "white", 5.0), (15, VERMILLION, 2.6)):
        axes.plot([column + 0.5], [row + 0.5], "+", ms=size, mew=wide, color=color, label="_mark", clip_on=False)


def _draw_map(axes: Axes, units: Units) -> None:
    height, width = units.mask.shape
    pixels = np.full((height, width, 3), UNSEEING, np.uint8)
    pixels[units.mask] = BY_GLOBAL_PATH
    pixels[units.local_mask] = SEEING
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation="nearest", label="_units")
    _frame(axes, height, width)


def _frame(axes: Axes, height: int, width: int) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal", anchor="N")
    for spine in axes.spines.values():
        spine.set_color(PALE)
