"""Architecture diagram of a network, with feature maps as solids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from ..derivations.derivation import Text
from ..errors import BadNetwork
from ..layers.base import show_shape
from ..network import Network
from .boxes import Box, Repeat, boxes_of, fold
from .drawn_layer import look
from .lanes import Edge, Placed, place
from .page import GAP, LINE, MARGIN, ROW_GAP, ROW_START, Item, Page, Solid, arrange, solid
from .style import GRAY, PALE, SMALL, TINY, TITLE, Letters, bare, letters, new_figure, shortened

MOST_BOXES = 600
LONGEST_NAME = 20
NAME = 9.5
"""Font size of layer names, in points; other lines are smaller."""

TITLE_WORDS = Text("{name}: {layers} layers, input {shape}", "{name}：{layers} 层，输入 {shape}")


def network_figure(network: Network, lang: str = "en", folded: bool = True) -> Figure:
    """Draw a network from left to right in rows, with feature maps to scale.

    Element-wise layers are written under the layer that they follow. Equal blocks in a row are drawn once, in a
    frame that says how often they stand, unless `folded` is False.

    Errors:   BadNetwork [figure-size] for more boxes than a page can hold; BadSetting [figure-language]
    """
    text = letters(lang)
    boxes = boxes_of(network)
    repeats: list[Repeat] = []
    if folded:
        boxes, repeats = fold(boxes)
    if len(boxes) > MOST_BOXES:
        raise BadNetwork(
            "{network} is too large to draw ({boxes:,} boxes after merging repeated blocks, at most {most} fit). "
            "Use its table instead. [figure-size]",
            network=network.name,
            boxes=len(boxes),
            most=MOST_BOXES,
        )
    placed = place([box.sources for box in boxes])
    largest = max((size for box in boxes for size in box.shape[1:]), default=1)
    words = [_words(box, text) for box in boxes]
    items = [
        Item(solid(box.shape, largest), _width(lines), len(lines)) for box, lines in zip(boxes, words, strict=True)
    ]
    page = arrange(placed, items, repeats)
    shapes = ", ".join(show_shape(node.output_shape) for node in network.inputs)
    title = text.translate(TITLE_WORDS, name=network.name, layers=len(network.layers), shape=shapes)
    figure = new_figure(max(page.width, MARGIN + 0.145 * len(title)), page.height)
    figure.text(0.35 / figure.get_figwidth(), 1 - 0.5 / page.height, title, **text.font(TITLE, bold=True))
    axes = _inches(figure)
    for repeat in repeats:
        _frame(axes, repeat, placed, items, page, text)
    turns = _turns(placed, page)
    for edge in placed.edges:
        _draw_edge(axes, edge, placed, items, page, turns)
    for number, (box, item, lines) in enumerate(zip(boxes, items, words, strict=True)):
        at = _middle(placed, page, number)
        _draw_solid(axes, box, item.solid, at)
        _write(axes, lines, at[0], at[1] + item.solid.down / 2 + 0.06, text)
    return figure


def _inches(figure: Figure) -> Axes:
    """Return axes over the whole figure, in inches from its upper left corner."""
    axes = figure.add_axes((0, 0, 1, 1))
    bare(axes)
    axes.set_xlim(0, figure.get_figwidth())
    axes.set_ylim(figure.get_figheight(), 0)
    return axes


def _words(box: Box, text: Letters) -> list[str]:
    """Return the lines under a box: name, label, merged layers, output shape."""
    name = text.drawable(_short_name(box.name))
    does = text.translate(look(box.layer).words)
    followers = [text.drawable(layer.keyword or layer.kind) for layer in box.followers]
    lines = [name, *([does] if does != name else [])]
    for start in range(0, len(followers), 3):
        lines.append("+ " + " · ".join(followers[start : start + 3]))
    return [*lines, show_shape(box.shape)]


def _short_name(name: str) -> str:
    """Drop leading parts of a layer name that is too long."""
    short = name
    while len(short) > LONGEST_NAME and "." in short.lstrip("…."):
        short = "…" + short.lstrip("….").partition(".")[2]
        while short[1:].partition(".")[0].isdigit():  # the index of a block whose name was dropped
            short = "…" + short[1:].partition(".")[2]
    return shortened(short, LONGEST_NAME)


def _width(lines: Sequence[str]) -> float:
    """Estimate the width of lines in inches: Chinese characters are square, others 0.62 of that."""
    sizes = [NAME * 1.12, *([TINY] * (len(lines) - 1))]  # the name is bold
    return max(
        sum(1.0 if ord(sign) > 0x2E80 else 0.62 for sign in line) * size / 72
        for line, size in zip(lines, sizes, strict=True)
    )


def _middle(placed: Placed, page: Page, box: int) -> tuple[float, float]:
    column = placed.columns[box]
    row = page.rows[page.row_of[column]]
    return (page.left[column] + page.right[column]) / 2, row.y[placed.lanes[box]]


def _draw_solid(axes: Axes, box: Box, shape: Solid, at: tuple[float, float]) -> None:
    left, top = at[0] - shape.across / 2, at[1] - shape.down / 2
    right, bottom = left + shape.width, top + shape.down
    over, up = 0.75 * shape.depth, 0.45 * shape.depth
    front = top + up
    faces = (
        ([(left, front), (right, front), (right, bottom), (left, bottom)], 0.45, box.name),
        ([(left, front), (left + over, top), (right + over, top), (right, front)], 0.7, "_top"),
        ([(right, front), (right + over, top), (right + over, bottom - up), (right, bottom)], 0.2, "_side"),
    )
    color = look(box.layer).color
    for corners, white, name in faces:
        paint = tuple(part + (1 - part) * white for part in to_rgb(color))
        axes.add_patch(
            Polygon(corners, facecolor=paint, edgecolor=color, lw=0.8, joinstyle="round", zorder=3, label=name)
        )


def _write(axes: Axes, lines: Sequence[str], x: float, y: float, text: Letters) -> None:
    for number, line in enumerate(lines):
        first, last = number == 0, number == len(lines) - 1
        font = text.font(NAME if first else TINY, bold=first, **({} if first or last else {"color": GRAY}))
        axes.text(x, y + LINE * number, line, ha="center", va="top", zorder=4, **font)


def _frame(axes: Axes, repeat: Repeat, placed: Placed, items: Sequence[Item], page: Page, text: Letters) -> None:
    """Frame a repeated block."""
    inside = range(repeat.start, repeat.start + repeat.length)
    by_row: dict[int, list[int]] = {}
    for box in inside:
        by_row.setdefault(page.row_of[placed.columns[box]], []).append(box)
    for number, boxes in by_row.items():
        row = page.rows[number]
        columns = [placed.columns[box] for box in boxes]
        middles = [_middle(placed, page, box)[1] for box in boxes]
        tops = [y - items[box].solid.down / 2 for y, box in zip(middles, boxes, strict=True)]
        ends = [
            y + items[box].solid.down / 2 + LINE * items[box].lines for y, box in zip(middles, boxes, strict=True)
        ]
        tops += [row.y[edge.lane] for edge in placed.edges if edge.target in inside and edge.lane in row.y]
        left, right = page.left[min(columns)] - 0.04, page.right[max(columns)] + 0.04
        top, bottom = min(tops) - 0.1, max(ends) + 0.1
        axes.add_patch(
            FancyBboxPatch(
                (left, top),
                right - left,
                bottom - top,
                boxstyle="round,pad=0.04,rounding_size=0.1",
                facecolor="#F4F5F7",
                edgecolor=PALE,
                lw=1.2,
                zorder=0,
                label="_frame",
            )
        )
        axes.text(left, top - 0.07, f"×{repeat.times}", va="bottom", **text.font(SMALL, bold=True, color=GRAY))


def _turns(placed: Placed, page: Page) -> dict[int, list[int]]:
    """Return, per row, the boxes with edges into later rows."""
    found: dict[int, list[int]] = {}
    for edge in placed.edges:
        rows = range(page.row_of[placed.columns[edge.source]], page.row_of[placed.columns[edge.target]])
        for row in rows:
            if edge.source not in found.setdefault(row, []):
                found[row].append(edge.source)
    return found


def _draw_edge(
    axes: Axes, edge: Edge, placed: Placed, items: Sequence[Item], page: Page, turns: dict[int, list[int]]
) -> None:
    start, end = _middle(placed, page, edge.source), _middle(placed, page, edge.target)
    points: list[tuple[float, float]] = [(start[0] + items[edge.source].solid.across / 2, start[1])]
    codes = [Path.MOVETO]
    first, last = placed.columns[edge.source], placed.columns[edge.target]
    for column in range(first, last):
        after = placed.lanes[edge.target] if column == last - 1 else edge.lane
        row, following = page.rows[page.row_of[column]], page.rows[page.row_of[column + 1]]
        points.append((page.right[column], points[-1][1]))
        codes.append(Path.LINETO)
        if row is following:
            _bend(points, codes, page.left[column + 1], row.y[after])
        else:
            others = turns[page.row_of[column]]
            # Edges of one box share a line to the next row.
            lane = 0 if len(others) == 1 else after
            apart = 0.3 * others.index(edge.source) / max(len(others), 5)
            _turn(points, codes, page, row.bottom, following.y[lane], apart)
            _bend(points, codes, page.left[column + 1], following.y[after])
    tip = end[0] - items[edge.target].solid.across / 2
    points.append((tip - 0.05, end[1]))
    codes.append(Path.LINETO)
    axes.add_patch(
        PathPatch(
            Path(points, codes), fill=False, edgecolor=GRAY, lw=1.1, capstyle="round", zorder=1, label="_edge"
        )
    )
    arrow = [(tip, end[1]), (tip - 0.085, end[1] - 0.045), (tip - 0.085, end[1] + 0.045)]
    axes.add_patch(Polygon(arrow, facecolor=GRAY, edgecolor="none", zorder=2, label="_arrow"))


def _bend(points: list[tuple[float, float]], codes: list[np.uint8], x: float, y: float) -> None:
    """Continue the line to (x, y), with a smooth curve where the lane changes."""
    start = points[-1]
    if abs(start[1] - y) < 1e-9:
        points.append((x, y))
        codes.append(Path.LINETO)
        return
    middle = (start[0] + x) / 2
    points += [(middle, start[1]), (middle, y), (x, y)]
    codes += [Path.CURVE4] * 3


def _turn(
    points: list[tuple[float, float]], codes: list[np.uint8], page: Page, bottom: float, y: float, apart: float
) -> None:
    """Continue the line from the end of a row to the start of the next, apart from other lines."""
    out = page.width - MARGIN - apart
    back = MARGIN + apart
    between = bottom + ROW_GAP / 2 - 0.05 + apart
    points += [(out, points[-1][1]), (out, between), (back, between), (back, y), (max(back, ROW_START - GAP), y)]
    codes += [Path.LINETO] * 5
