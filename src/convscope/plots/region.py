"""Figures of the region that a unit sees, and of the units that see a pixel."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..analysis.region import Region, Units
from ..derivations.derivation import Text
from ..errors import BadShape
from ..images import Image
from ..layers.base import show_shape
from ..text.numbers import number, times
from .style import GRAY, INK, LABEL, PALE, SMALL, TITLE, VERMILLION, Letters, letters, new_figure

VEIL = 0.62
"""Opacity of the white veil over pixels that the unit does not see."""

TITLE_WORDS = Text("{layer}, unit ({unit})", "{layer}，单元 ({unit})")
SEES = Text("sees {size} pixels", "看到 {size} 像素")
CENTER = Text("center ({center})", "中心 ({center})")
PADDED = Text("{percent} % of the region is padding", "区域的 {percent}% 是填充")
COVERAGE = Text("{percent} % of its pixels are covered", "其中 {percent}% 的像素被覆盖")
BLIND = Text("sees only padding", "只看到填充")
GLOBAL = Text("a global path through {via} sees every pixel", "经由 {via} 的全局路径看到所有像素")
BEYOND = Text("the region extends beyond this view", "区域超出此图范围")


def region_on_image(region: Region, image: Image, lang: str = "en") -> Figure:
    """Draw the region of one unit: its box (dashed over padding), center and covered pixels.

    Pixels that the unit does not see, around the box or in the holes of dilation, lie under a white veil.

    Shapes:   image (h, w, 3) or (h, w, 1), as large as the network's input
    Errors:   BadShape [region-image]; BadSetting [figure-language]
    """
    text = letters(lang)
    mask = _mask(region, image)
    view = _view(region, image)
    figure = new_figure(*_size(view))
    width, height = figure.get_size_inches()
    above = 1.25 / height
    axes = figure.add_axes((0.35 / width, 0.3 / height, 1 - 0.7 / width, 1 - above - 0.3 / height))
    _frame(axes, view)
    if _overhangs(region, image):
        _margin(axes, view)
    _draw_image(axes, image, mask)
    _draw_box(axes, region)
    _caption(figure, region, view, text)
    return figure


def _mask(region: Region, image: Image) -> np.ndarray:
    mask = region.local_mask
    if mask.ndim != 2 or mask.shape != image.shape[:2]:
        raise BadShape(
            "The image must have the size of the input that the region is on (got image={image}, "
            "input={expected}). Resize it with load_image. [region-image]",
            image=show_shape(image.shape[:2]),
            expected=show_shape(mask.shape),
        )
    return mask


def _overhangs(region: Region, image: Image) -> bool:
    height, width = image.shape[:2]
    top, left, bottom, right = region.box
    return top < 0 or left < 0 or bottom > height or right > width


def _view(region: Region, image: Image) -> tuple[float, float, float, float]:
    """Return the displayed (top, left, bottom, right): image and box, at most one image size beyond it."""
    height, width = image.shape[:2]
    top, left, bottom, right = region.box
    edges = (
        max(min(top, 0), -height),
        max(min(left, 0), -width),
        min(max(bottom, height), 2 * height),
        min(max(right, width), 2 * width),
    )
    room = 0.02 * _overhangs(region, image) * max(edges[2] - edges[0], edges[3] - edges[1])
    return edges[0] - room, edges[1] - room, edges[2] + room, edges[3] + room


def _size(view: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the figure size for the view's aspect ratio, at least as wide as the caption."""
    height, width = view[2] - view[0], view[3] - view[1]
    scale = min(7.6 / width, 6.6 / height)
    return max(7.2, scale * width + 0.7), max(3.0, scale * height + 1.55)


def _frame(axes: Axes, view: tuple[float, float, float, float]) -> None:
    top, left, bottom, right = view
    axes.set_axis_off()
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")


def _margin(axes: Axes, view: tuple[float, float, float, float]) -> None:
    """Hatch the area around the image."""
    top, left, bottom, right = view
    axes.add_patch(
        Rectangle(
            (left, top),
            right - left,
            bottom - top,
            facecolor="white",
            edgecolor=PALE,
            hatch="///",
            lw=0,
            zorder=0,
            label="_margin",
        )
    )


def _draw_image(axes: Axes, image: Image, mask: np.ndarray) -> None:
    height, width = image.shape[:2]
    shown = np.repeat(image, 3, axis=2) if image.shape[2:] == (1,) else image
    veiled = shown + (255 - shown.astype(float)) * VEIL
    pixels = np.where(mask[..., None], shown, np.rint(veiled)).astype(np.uint8)
    axes.imshow(
        pixels, extent=(0, width, height, 0), interpolation="nearest", zorder=1, aspect="equal", label="_image"
    )


def _draw_box(axes: Axes, region: Region) -> None:
    for box, style, name in ((region.box, (0, (4, 3)), "_box"), (region.clipped, "solid", "_clipped")):
        top, left, bottom, right = box
        if bottom > top and right > left:
            axes.add_patch(
                Rectangle(
                    (left, top),
                    right - left,
                    bottom - top,
                    fill=False,
                    ec=VERMILLION,
                    lw=2.4,
                    ls=style,
                    label=name,
                    clip_on=name == "_box",
                )
            )
    down, across = region.center
    for size, color, name in ((17, "white", "_halo"), (15, VERMILLION, "_center")):
        wide = 5 if name == "_halo" else 2.6
        axes.plot([across], [down], "+", ms=size, mew=wide, color=color, zorder=4, label=name)


def _caption(figure: Figure, region: Region, view: tuple[float, float, float, float], text: Letters) -> None:
    width, height = figure.get_size_inches()
    left = 0.35 / width
    unit = ", ".join(map(str, region.at))
    title = text.translate(TITLE_WORDS, layer=region.layer, unit=unit)
    figure.text(left, 1 - 0.48 / height, title, **text.font(TITLE, bold=True))
    if not region.local_mask.any():
        facts = [text.translate(BLIND)]
    else:
        center = ", ".join(number(place) for place in region.center)
        facts = [text.translate(SEES, size=times(region.size)), text.translate(CENTER, center=center)]
    figure.text(left, 1 - 0.79 / height, "  ·  ".join(facts), **text.font(LABEL, color=INK))
    details = [text.translate(PADDED, percent=f"{100 * region.padded_fraction:.3g}")]
    if 0 < region.coverage < 1:
        details.append(text.translate(COVERAGE, percent=f"{100 * region.coverage:.3g}"))
    if region.global_via is not None:
        details.append(text.translate(GLOBAL, via=region.global_via))
    top, first, bottom, last = region.box
    if top < view[0] or first < view[1] or bottom > view[2] or last > view[3]:
        details.append(text.translate(BEYOND))
    figure.text(left, 1 - 1.07 / height, "  ·  ".join(details), **text.font(SMALL, color=GRAY))


UNITS_TITLE = Text("{layer}: the units that see pixel ({pixel})", "{layer}：看到像素 ({pixel}) 的单元")
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
    _draw_units_image(left, units, image)
    _draw_map(right, units)
    for axes, words in (
        (left, text.translate(IMAGE, shape=show_shape(image.shape[:2]))),
        (right, text.translate(MAP, layer=units.layer, shape=show_shape(units.mask.shape))),
    ):
        axes.set_title(words, **text.font(SMALL, color=GRAY))
    pixel = ", ".join(map(str, units.pixel[-2:]))
    figure.text(
        0.04, 0.92, text.translate(UNITS_TITLE, layer=units.layer, pixel=pixel), **text.font(TITLE, bold=True)
    )
    counted = text.translate(COUNTED, count=f"{units.count:,}", total=f"{units.mask.size:,}")
    figure.text(0.04, 0.865, counted, **text.font(LABEL, color=INK))
    if units.global_via is not None:
        shared = text.translate(BY_GLOBAL, count=f"{units.local_count:,}", via=units.global_via)
        figure.text(0.04, 0.815, shared, **text.font(SMALL, color=GRAY))
    return figure


def _draw_units_image(axes: Axes, units: Units, image: Image) -> None:
    height, width = image.shape[:2]
    shown = np.repeat(image, 3, axis=2) if image.shape[2:] == (1,) else image
    axes.imshow(shown, extent=(0, width, height, 0), interpolation="nearest", label="_image")
    _frame_map(axes, height, width)
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
    _frame_map(axes, height, width)


def _frame_map(axes: Axes, height: int, width: int) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal", anchor="N")
    for spine in axes.spines.values():
        spine.set_color(PALE)
