"""Figure of how max pooling enlarges the receptive field of the next layer."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..derivations.derivation import Text
from ..engines.reference.layers.rules import Array, Context, forward
from ..layers.convolution import Conv2d
from ..layers.pooling import MaxPool2d
from ..layers.structural import Input
from ..network import Entry, Network
from ..text.numbers import number, times
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
    TITLE,
    VERMILLION,
    Letters,
    bare,
    letters,
    new_figure,
)

VALUES = np.array([[1.0, 3, 2, 4], [3, 5, 4, 6], [2, 5, 6, 7], [4, 7, 6, 8]])
UNIT = (0, 0)
WINDOWS = (SKY, ORANGE, GREEN, PURPLE)

TITLE_WORDS = Text(
    "Max pooling enlarges the receptive field of the next convolution", "最大池化扩大下一层卷积的感受野"
)
WITH = Text("with max pooling 2×2", "先做 2×2 最大池化")
WITHOUT = Text("without", "不做池化")
INPUT = Text("input {size}", "输入 {size}")
POOLED = Text("pooled {size}", "池化后 {size}")
CONVOLVED = Text("convolution 2×2: {size}", "2×2 卷积：{size}")
SEES = Text("one unit sees {size} pixels", "一个单元看到 {size} 像素")


class Sheet(NamedTuple):
    """Grid of 1 × 1 cells with its upper left corner at (x, y)."""

    x: float
    y: float
    rows: int
    columns: int


def networks() -> tuple[Network, Network]:
    """Return the two compared networks: a 2×2 convolution with and without pooling before it."""
    start = Entry("input", Input((1, *VALUES.shape)))
    pooled = [
        start,
        Entry("pool", MaxPool2d((2, 2), (2, 2)), ("input",)),
        Entry("conv", Conv2d(1, (2, 2)), ("pool",)),
    ]
    return Network(pooled, "pooled"), Network([start, Entry("conv", Conv2d(1, (2, 2)), ("input",))], "plain")


def pooling_growth(lang: str = "en") -> Figure:
    """Draw what a unit of a convolution sees of a 4×4 image, with and without pooling before it.

    Errors:   BadSetting [figure-language]
    """
    text = letters(lang)
    figure = new_figure(11.6, 8.0)
    figure.text(0.045, 0.935, text.translate(TITLE_WORDS), **text.font(TITLE, bold=True))
    axes = figure.add_axes((0.03, 0.02, 0.96, 0.87))
    bare(axes)
    axes.set_xlim(-0.3, 19.0)
    axes.set_ylim(12.0, -0.8)
    axes.set_aspect("equal", anchor="W")
    with_pool, without = networks()
    _row(axes, with_pool, 0.4, text.translate(WITH), text)
    _row(axes, without, 7.2, text.translate(WITHOUT), text)
    return figure


def _row(axes: Axes, network: Network, top: float, heading: str, text: Letters) -> None:
    axes.text(0, top - 0.75, heading, va="center", **text.font(LABEL, bold=True))
    middle = top + len(VALUES) / 2
    sheets = {}
    for name, x in (("input", 0.0), ("pool", 6.6), ("conv", 11.2)):
        if name in network:
            _, rows, columns = network[name].output_shape
            sheets[name] = Sheet(x, middle - rows / 2, rows, columns)
    chain = list(sheets)
    seen = {name: network.field("conv", UNIT, origin=name).box for name in chain}
    for one, two in pairwise(chain):
        _cone(axes, sheets[one], seen[one], sheets[two], seen[two])
    _cells(axes, sheets["input"], VALUES, "pool" in network, text)
    if "pool" in network:
        pooled = forward(network["pool"].layer, (VALUES[None, None],), {}, Context())[0, 0]
        _cells(axes, sheets["pool"], pooled, True, text)
    _cells(axes, sheets["conv"], None, False, text)
    for name in chain:
        _outline(axes, sheets[name], seen[name], f"_{name}")
    _labels(axes, network, sheets, text)


def _labels(axes: Axes, network: Network, sheets: dict[str, Sheet], text: Letters) -> None:
    words = {"input": INPUT, "pool": POOLED, "conv": CONVOLVED}
    for name, sheet in sheets.items():
        label = text.translate(words[name], size=times(network[name].output_shape[1:]))
        place = (sheet.x + sheet.columns / 2, sheet.y + sheet.rows + 0.5)
        axes.text(*place, label, ha="center", va="center", **text.font(SMALL, color=GRAY))
    last = sheets["conv"]
    says = text.translate(SEES, size=times(network.field("conv", UNIT).size))
    place = (last.x + last.columns + 0.45, last.y + 0.5)
    axes.text(*place, says, va="center", **text.font(LABEL, bold=True, color=VERMILLION))


def _cells(axes: Axes, sheet: Sheet, values: Array | None, windows: bool, text: Letters) -> None:
    """Draw a grid with its values, and color the cells by pooling window."""
    for row in range(sheet.rows):
        for column in range(sheet.columns):
            window = 2 * (row * 2 // sheet.rows) + column * 2 // sheet.columns
            color = WINDOWS[window] if windows else BLUE
            corner = (sheet.x + column, sheet.y + row)
            axes.add_patch(Rectangle(corner, 1, 1, facecolor="white", edgecolor="none", zorder=2))
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=color, alpha=0.3, edgecolor="none", zorder=2))
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="white", lw=2, zorder=2))
            if values is not None:
                shown = number(float(values[row, column]))
                place = (corner[0] + 0.5, corner[1] + 0.52)
                axes.text(*place, shown, ha="center", va="center", zorder=3, **text.font(LABEL, color=INK))


def _outline(axes: Axes, sheet: Sheet, box: tuple[int, ...], name: str) -> None:
    """Frame the region that the unit sees."""
    top, left, bottom, right = box
    axes.add_patch(
        Rectangle(
            (sheet.x + left, sheet.y + top),
            right - left,
            bottom - top,
            fill=False,
            ec=VERMILLION,
            lw=3,
            zorder=4,
            label=name,
        )
    )


def _cone(axes: Axes, one: Sheet, seen_of_one: tuple[int, ...], two: Sheet, seen_of_two: tuple[int, ...]) -> None:
    """Connect the corners of a window with those of its outputs."""
    for edge in (0, 2):
        axes.plot(
            [one.x + seen_of_one[3], two.x + seen_of_two[1]],
            [one.y + seen_of_one[edge], two.y + seen_of_two[edge]],
            color=VERMILLION,
            lw=1.2,
            ls=(0, (4, 3)),
            zorder=3.5,
            label="_cone",
        )
