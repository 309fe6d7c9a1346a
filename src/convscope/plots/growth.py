"""Figure of the receptive field growth from layer to layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.report import LayerRow, inspect
from ..derivations.derivation import Text
from ..errors import BadShape
from ..layers.connection import Shape
from ..network import Network
from ..text.numbers import times
from .style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    LABEL,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    TINY,
    TITLE,
    VERMILLION,
    YELLOW,
    Letters,
    letters,
    new_figure,
    shortened,
    tidy,
)

MOST_NAMES = 44
"""Number of layer names that fit under the axis."""

MOST_NUMBERS = 16
LONGEST_NAME = 24

TITLE_WORDS = Text("Receptive field growth in {name}", "{name} 中感受野的增长")
SIZE = Text("receptive field (pixels)", "感受野（像素）")
IMAGE = Text("image: {n}", "图像：{n}")
AXES = {
    1: (Text("length", "长度"),),
    2: (Text("height", "高度"), Text("width", "宽度")),
    3: (Text("depth", "深度"), Text("height", "高度"), Text("width", "宽度")),
}
AXIS_NUMBER = Text("axis {n}", "第 {n} 轴")
STATUSES = {
    "exact": (BLUE, "o", Text("exact", "精确")),
    "union": (GREEN, "s", Text("union of paths", "多条路径的并集")),
    "misaligned": (VERMILLION, "D", Text("misaligned paths", "路径未对齐")),
    "varying": (PURPLE, "^", Text("varies between units", "各单元不同")),
    "global": (ORANGE, "*", Text("global: every pixel", "全局：所有像素")),
    "unknown": (GRAY, "x", Text("unknown", "未知")),
    "none": (YELLOW, "v", Text("sees no pixel of the input", "看不到输入")),
}
AXIS_COLORS = (INK, SKY, PURPLE)


class Growth(NamedTuple):
    """Sizes per layer: `sizes[axis][layer]`, NaN where unknown, the image's size where global."""

    names: list[str]
    statuses: list[str]
    sizes: np.ndarray
    image: Shape


def growth(network: Network) -> Growth:
    """Return the sizes of all layers in order, the input's own pixel first.

    Errors:   BadShape [field-growth] for a network whose input has no positions
    """
    shape = network.input_shape
    image = shape[1:] if len(shape) > 1 else shape
    rows = list(inspect(network))
    if not rows:
        raise BadShape(
            "The network has only an input, so there is no receptive field to draw. Add layers. [field-growth]"
        )
    columns = [(1.0,) * len(image), *(_sizes(row, image) for row in rows)]
    names = [network.inputs[0].name, *(row.name for row in rows)]
    return Growth(
        names, ["exact", *(row.receptive_field.status for row in rows)], np.array(columns, dtype=float).T, image
    )


def _sizes(row: LayerRow, image: Shape) -> tuple[float, ...]:
    known = row.receptive_field
    if known.status == "global":
        return tuple(map(float, image))
    return tuple(map(float, known.size)) if known.size is not None else (np.nan,) * len(image)


def field_growth(network: Network, lang: str = "en") -> Figure:
    """Draw the receptive field size per layer, the image size and the status.

    Errors:   BadShape [field-growth], BadSetting [figure-language]
    """
    text = letters(lang)
    known = growth(network)
    figure = new_figure()
    places = _named_places(known)
    longest = max(len(shortened(known.names[place], LONGEST_NAME)) for place in places)
    bottom = 0.065 + 0.0112 * longest
    top = 0.845 if len(set(known.statuses)) > 1 else 0.88
    axes = figure.add_axes((0.075, bottom, 0.9, top - bottom))
    figure.text(0.075, 0.935, text.translate(TITLE_WORDS, name=network.name), **text.font(TITLE, bold=True))
    tidy(axes, text)
    axes.set_ylabel(text.translate(SIZE), labelpad=8, **text.font(LABEL))
    lines = _distinct_axes(known, text)
    _image_lines(axes, known, lines, text)
    for axis, color, label in lines:
        _draw_axis(axes, network, known, axis, color, label)
    axes.set_xlim(-0.02 * len(known.names) - 0.5, len(known.names) * 1.01)
    axes.set_ylim(0, 1.09 * max(float(np.nanmax(known.sizes)), *map(float, known.image)))
    _numbers(axes, known, len(lines) > 1, text)
    _names(axes, known, places, text)
    _legend(figure, known, lines, text)
    if len(set(known.statuses)) > 1:
        _status_strip(figure.add_axes((0.075, 0.852, 0.9, 0.018)), known, axes.get_xlim())
    return figure


def _distinct_axes(known: Growth, text: Letters) -> list[tuple[int, str, str]]:
    """Return (axis, color, label) of each line: one where all axes agree."""
    if len(known.image) == 1 or ((known.sizes == known.sizes[0]) | np.isnan(known.sizes)).all():
        return [(0, INK, "")]
    words = AXES.get(len(known.image))
    labels = [
        text.translate(words[axis]) if words else text.translate(AXIS_NUMBER, n=axis + 1)
        for axis in range(len(known.image))
    ]
    return [(axis, AXIS_COLORS[axis % 3], label) for axis, label in enumerate(labels)]


def _draw_axis(axes: Axes, network: Network, known: Growth, axis: int, color: str, label: str) -> None:
    sizes = known.sizes[axis]
    places = {name: place for place, name in enumerate(known.names)}
    pairs = [
        (places[source], places[node.name])
        for node in network.layers
        for source in node.inputs
        if source in places
    ]
    # Global fields are no growth, so they are not connected to the curve.
    steps = [
        [(one, sizes[one]), (two, sizes[two])]
        for one, two in pairs
        if not np.isnan(sizes[[one, two]]).any()
        and (known.statuses[two] == "global") == (known.statuses[one] == "global")
    ]
    axes.add_collection(LineCollection(steps, colors=color, linewidths=1.6, alpha=0.75, zorder=2), autolim=False)
    axes.plot(np.arange(len(sizes)), sizes, ls="none", marker="", label=label or "_field")
    dot = float(np.clip(420 / len(sizes), 2.5, 8))
    for status in dict.fromkeys(known.statuses):
        shade, marker, _ = STATUSES[status]
        at = np.flatnonzero(np.array(known.statuses) == status)
        size = dot * 1.6 if marker == "*" else dot
        axes.plot(at, sizes[at], ls="none", marker=marker, ms=size, color=shade, zorder=3, label=f"_{status}")


def _image_lines(axes: Axes, known: Growth, lines: Sequence[tuple[int, str, str]], text: Letters) -> None:
    """Draw the image's size, once where its axes agree."""
    shown: dict[int, list[str]] = {}
    for axis, size in enumerate(known.image):
        own = [label for at, _, label in lines if at == axis]
        shown.setdefault(size, []).extend(own)
    for size, labels in shown.items():
        axes.axhline(size, color=GRAY, lw=1.2, ls=(0, (6, 4)), zorder=1, label="_image")
        words = text.translate(IMAGE, n=size)
        if len(shown) > 1 and any(labels):
            words += f" ({', '.join(labels)})"
        axes.annotate(
            words,
            (0.01, size),
            xycoords=("axes fraction", "data"),
            xytext=(0, 4),
            textcoords="offset points",
            **text.font(SMALL, color=GRAY),
        )


def spread(weights: Sequence[float], most: int, gap: float) -> list[int]:
    """Choose up to `most` indices at least `gap` apart by weight, always with the last."""
    order = sorted(range(len(weights)), key=lambda place: (place != len(weights) - 1, -weights[place], place))
    chosen: list[int] = []
    for place in order:
        if len(chosen) < most and all(abs(place - other) >= gap for other in chosen):
            chosen.append(place)
    return sorted(chosen)


def _steps(known: Growth) -> list[float]:
    """Return the growth of each layer over all layers before it; 0 for global fields."""
    local = np.array([status != "global" for status in known.statuses])
    largest = np.maximum.accumulate(np.where(local, np.nan_to_num(known.sizes).max(axis=0), 0))
    return [float(step) for step in np.diff(largest, prepend=0)]


def _named_places(known: Growth) -> list[int]:
    count = len(known.names)
    return spread(_steps(known), MOST_NAMES, 1 if count <= MOST_NAMES else count / MOST_NAMES)


def _names(axes: Axes, known: Growth, places: list[int], text: Letters) -> None:
    slanted = len(places) <= 26
    axes.set_xticks(places)
    names = [text.drawable(shortened(known.names[place], LONGEST_NAME)) for place in places]
    if slanted:
        axes.set_xticklabels(names, rotation=55, ha="right", rotation_mode="anchor", **text.font(SMALL))
    else:
        axes.set_xticklabels(names, rotation=90, **text.font(TINY))


def _numbers(axes: Axes, known: Growth, several: bool, text: Letters) -> None:
    """Label the size where it grows, as far as there is room."""
    largest = known.sizes.max(axis=0)
    steps = _steps(known)
    grows = [place for place in range(1, len(steps)) if steps[place] > 0]
    for chosen in spread([steps[place] for place in grows], MOST_NUMBERS, len(grows) / MOST_NUMBERS):
        place = grows[chosen]
        sizes = known.sizes[:, place] if several else known.sizes[:1, place]
        axes.annotate(
            times(round(size) for size in sizes),
            (place, largest[place]),
            xytext=(-5, 6),
            textcoords="offset points",
            ha="right",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
            **text.font(SMALL),
        )


def _status_strip(axes: Axes, known: Growth, limits: tuple[float, float]) -> None:
    """Color the layers by status."""
    axes.set_axis_off()
    axes.set_xlim(limits)
    axes.set_ylim(0, 1)
    start = 0
    for status, run in groupby(known.statuses):
        length = len(list(run))
        axes.axvspan(start - 0.5, start + length - 0.5, color=STATUSES[status][0], lw=0, label=f"_{status}")
        start += length


def _legend(figure: Figure, known: Growth, lines: Sequence[tuple[int, str, str]], text: Letters) -> None:
    marks = [
        Line2D(
            [],
            [],
            ls="none",
            marker=STATUSES[status][1],
            color=STATUSES[status][0],
            ms=8,
            label=text.translate(STATUSES[status][2]),
        )
        for status in dict.fromkeys(known.statuses)
    ]
    strokes = [Line2D([], [], color=color, lw=2.5, label=label) for _, color, label in lines if label]
    if len(marks) + len(strokes) > 1:
        figure.legend(
            handles=[*strokes, *marks],
            loc="upper left",
            bbox_to_anchor=(0.068, 0.927),
            ncols=len(marks) + len(strokes),
            frameon=False,
            prop=text.properties(SMALL),
            labelcolor=INK,
            handletextpad=0.3,
            columnspacing=1.6,
        )
