"""Figures of attributions, of effective receptive fields, and of the images that excite channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ..data.dataset import Dataset
from ..derivations.derivation import Text
from ..engines.protocol import Array
from ..text.numbers import number, times
from .style import (
    GRAY,
    LABEL,
    POSITIVE,
    SIGNED,
    SMALL,
    TINY,
    TITLE,
    VERMILLION,
    Letters,
    frame,
    letters,
    new_figure,
    shortened,
    show_input,
)

if TYPE_CHECKING:
    from ..inside.effective_field import EffectiveField
    from ..inside.strongest import Response

SIDE, GAP, MARGIN, HEAD, FOOT = 3.0, 0.3, 0.4, 1.0, 0.75
"""Inches: image side, gap between images, margin, title height, height of the color bar."""

TILE = 1.15
"""Inches of one crop."""

VEIL = 0.45
"""Opacity of the gray image below a map."""

METHODS = {
    "gradient": Text("Gradient", "梯度"),
    "input_x_gradient": Text("Input × gradient", "输入 × 梯度"),
    "integrated_gradients": Text("Integrated gradients", "积分梯度"),
    "smooth_grad": Text("SmoothGrad", "SmoothGrad"),
    "guided_backprop": Text("Guided back-propagation", "导向反向传播"),
    "deconvolution": Text("Deconvolution", "反卷积"),
    "occlusion": Text("Occlusion", "遮挡"),
    "grad_cam": Text("Grad-CAM", "Grad-CAM"),
    "grad_cam_plus_plus": Text("Grad-CAM++", "Grad-CAM++"),
    "layer_cam": Text("LayerCAM", "LayerCAM"),
}
"""Titles of the methods."""

ATTRIBUTION_TITLE = Text("{method} of {name}", "{method}：{name}")
CLASS_MAP_TITLE = Text("{method} of {name} at {layer}", "{method}：{name} 的层 {layer}")
IMAGE = Text("image", "图像")
BAR = Text("color of a value, over dark to bright pixels", "各值的颜色，自下而上为暗像素到亮像素")
EFFECTIVE_TITLE = Text("Effective receptive field of {layer}", "{layer} 的有效感受野")
SEEN_WORDS = Text("dashed: what the unit can see, {size} pixels", "虚线：单元能看到的范围，{size} 像素")
SHARE_WORDS = Text(
    "50 %, 90 % and 95 % of the influence: {extents} pixels", "影响的 50%、90%、95% 集中于 {extents} 像素"
)
STRONGEST_TITLE = Text("What excites {layer} of {name}", "什么激发 {name} 的 {layer}")
STRONGEST_WORDS = Text(
    "each row is a channel: the exact regions with the strongest responses, strongest first; hatched: padding",
    "每行为一个通道：响应最强的精确区域，由强到弱；斜线为填充",
)
CHANNEL = Text("channel {channel}", "通道 {channel}")


class Attribution(NamedTuple):
    """An attribution of one image, and what it is for.

    Shapes:   values (h, w) or (c, h, w)
    """

    label: str
    values: Array


def attribution_figure(
    image: Array,
    attributions: Sequence[Attribution],
    method: str,
    name: str,
    lang: str = "en",
    layer: str | None = None,
) -> Figure:
    """Draw attributions over a gray image, side by side, with one color bar.

    The title names the layer of a class map. Channels are summed. Maps without negative values have a sequential
    color map, others one centered at 0.

    Shapes:   image (c, h, w)
    Errors:   BadSetting [figure-language]
    """
    text = letters(lang)
    maps = [values.sum(axis=0) if values.ndim == 3 else values for _, values in attributions]
    low, high = min(float(one.min()) for one in maps), max(float(one.max()) for one in maps)
    reach = max(-low, high) or 1.0
    colors: dict[str, Any] = (
        {"cmap": SIGNED, "vmin": -reach, "vmax": reach}
        if low < 0
        else {"cmap": POSITIVE, "vmin": 0, "vmax": reach}
    )
    wide, high_inches = _sides(image.shape[-2:])
    width = 2 * MARGIN + (len(maps) + 1) * (wide + GAP) - GAP
    height = HEAD + high_inches + FOOT + MARGIN
    figure = new_figure(max(width, 6.4), height)
    width = figure.get_size_inches()[0]
    drawable = text.drawable(shortened(name, 24 if layer else 40))
    method = text.translate(METHODS.get(method.replace("-", "_"), Text(method, method)))
    title = (
        text.translate(ATTRIBUTION_TITLE, method=method, name=drawable)
        if layer is None
        else text.translate(
            CLASS_MAP_TITLE, method=method, name=drawable, layer=text.drawable(shortened(layer, 20))
        )
    )
    figure.text(MARGIN / width, 1 - 0.45 / height, title, **text.font(TITLE, bold=True))
    gray = np.asarray(image, float).mean(axis=0)

    for place in range(len(maps) + 1):
        left = MARGIN + place * (wide + GAP)
        box = (left / width, (FOOT + MARGIN) / height, wide / width, high_inches / height)
        axes = figure.add_axes(box)
        if place == 0:
            show_input(axes, image)
            axes.set_title(text.translate(IMAGE), pad=5, **text.font(LABEL))
            continue
        axes.imshow(gray, cmap="gray", interpolation="nearest")
        axes.imshow(maps[place - 1], alpha=1 - VEIL, interpolation="nearest", **colors)
        frame(axes)
        axes.set_title(text.drawable(shortened(attributions[place - 1].label, 28)), pad=5, **text.font(LABEL))
    if maps:
        box = ((MARGIN + wide + GAP) / width, (MARGIN + 0.2) / height, wide / width, 0.24 / height)
        _draw_bar(figure.add_axes(box), colors, text)
    return figure


def _draw_bar(axes: Axes, colors: Mapping[str, Any], text: Letters) -> None:
    """Draw the colors of all values as they look over pixels from black, below, to white, above."""
    ends = colors["vmin"], colors["vmax"]
    extent = (*ends, 0, 1)
    shades, values = np.linspace(1, 0, 32)[:, None], np.linspace(*ends, 256)[None]
    axes.imshow(shades, cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto", interpolation="bilinear")
    axes.imshow(values, alpha=1 - VEIL, extent=extent, aspect="auto", **colors)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.tick_params(labelsize=TINY, labelfontfamily=text.families[0])
    axes.set_xlabel(text.translate(BAR), labelpad=3, **text.font(TINY, color=GRAY))


def _sides(shape: tuple[int, ...]) -> tuple[float, float]:
    high, wide = shape
    scale = SIDE / max(high, wide)
    return wide * scale, high * scale


def effective_field_figure(found: EffectiveField, lang: str = "en") -> Figure:
    """Draw the influence of every pixel, its root for contrast, with the box of the theoretical field.

    Errors:   BadSetting [figure-language]
    """
    text = letters(lang)
    wide, high = (1.8 * side for side in _sides(found.map.shape))
    width, height = max(6.0, wide + 2 * MARGIN), high + HEAD + 2 * MARGIN
    figure = new_figure(width, height)
    title = text.translate(EFFECTIVE_TITLE, layer=found.layer)
    figure.text(MARGIN / width, 1 - 0.45 / height, title, **text.font(TITLE, bold=True))
    size = times(found.theoretical.size)
    extents = ", ".join(times(found.extent(share)) for share in (0.5, 0.9, 0.95))
    lines = text.translate(SEEN_WORDS, size=size), text.translate(SHARE_WORDS, extents=extents)
    for line, words in enumerate(lines):
        y = 1 - (0.72 + 0.22 * line) / height
        figure.text(MARGIN / width, y, words, **text.font(SMALL, color=GRAY))
    axes = figure.add_axes(((width - wide) / 2 / width, MARGIN / height, wide / width, high / height))
    axes.imshow(np.sqrt(found.map), cmap=POSITIVE, interpolation="nearest")
    top, left, bottom, right = found.theoretical.clipped
    axes.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, ls="--", lw=1.4, color=VERMILLION
        )
    )
    frame(axes)
    return figure


def strongest_figure(
    source: Dataset, layer: str, responses: Mapping[int, Sequence[Response]], name: str, lang: str = "en"
) -> Figure:
    """Draw the regions that excite channels most: a row per channel.

    Errors:   BadSetting [figure-language]
    """
    text = letters(lang)
    count = max(len(one) for one in responses.values())
    label = 1.5
    width = max(8.0, 2 * MARGIN + label + count * (TILE + 0.12))
    height = HEAD + len(responses) * (TILE + 0.38) + MARGIN
    figure = new_figure(width, height)
    title = text.translate(STRONGEST_TITLE, layer=layer, name=text.drawable(shortened(name, 40)))
    figure.text(MARGIN / width, 1 - 0.45 / height, title, **text.font(TITLE, bold=True))
    figure.text(MARGIN / width, 1 - 0.72 / height, text.translate(STRONGEST_WORDS), **text.font(SMALL, color=GRAY))
    for row, (channel, best) in enumerate(responses.items()):
        bottom = height - HEAD - row * (TILE + 0.38) - TILE
        figure.text(
            MARGIN / width,
            (bottom + TILE / 2) / height,
            text.translate(CHANNEL, channel=channel),
            va="center",
            **text.font(LABEL, bold=True),
        )
        images, _ = source.batch(np.array([one.index for one in best]))
        for column, (one, image) in enumerate(zip(best, images, strict=True)):
            left = MARGIN + label + column * (TILE + 0.12)
            axes = figure.add_axes((left / width, bottom / height, TILE / width, TILE / height))
            _crop(axes, image, one.box)
            axes.set_title(number(one.value), pad=2, **text.font(TINY, color=GRAY))
    return figure


def _crop(axes: Any, image: Array, box: tuple[int, ...]) -> None:
    """Draw a region of an image; what lies outside the image is hatched."""
    show_input(axes, image)
    top, left, bottom, right = box
    axes.set_xlim(left - 0.5, right - 0.5)
    axes.set_ylim(bottom - 0.5, top - 0.5)
    axes.set_aspect("equal", adjustable="box")
    axes.set_facecolor("white")
    background = Rectangle(
        (left - 0.5, top - 0.5), right - left, bottom - top, fill=False, hatch="////", lw=0, color=GRAY, zorder=-1
    )
    axes.add_patch(background)
