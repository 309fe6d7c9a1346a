"""Layout of a network diagram in inches: box sizes, and positions of columns, lanes and rows.

y grows downwards. A column has its boxes in the middle; between columns is a gap in which lines change lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, log2, sqrt
from typing import NamedTuple

from ..layers.connection import Shape
from .boxes import RepeatedBoxes
from .lanes import Edge, GridPlacement, rows, waists

GAP = 0.4
MARGIN = 0.35
ROW_START = MARGIN + GAP + 0.1
TITLE_ROOM = 0.85
ROW_GAP = 0.42
FRAME_ROOM = 0.3
LINE = 0.165
LANE_GAP = 0.14
THIN = 0.07
ASPECT = 1.75
WIDEST, NARROWEST = 26.0, 8.0


class Solid(NamedTuple):
    """Feature map drawn as a solid: front face width × height, depth for its channels."""

    width: float
    height: float
    depth: float

    @property
    def across(self) -> float:
        """Return the total width, including the oblique depth."""
        return self.width + 0.75 * self.depth

    @property
    def down(self) -> float:
        """Return the total height."""
        return self.height + 0.45 * self.depth


def solid(shape: Shape, largest: int) -> Solid:
    """Scale a feature map: area in proportion to its pixels, depth to the log of its channels."""
    channels = shape[0] if shape else 1
    if len(shape) < 2:
        return Solid(0.11, 0.22 + 0.055 * log2(channels), 0.08)
    face = [0.1 + 0.62 * sqrt(size / largest) for size in shape[-2:]]
    height, width = face if len(shape) > 2 else (0.14, face[1])
    return Solid(width, height, 0.06 + 0.035 * log2(channels))


class Item(NamedTuple):
    """Space of a box: its solid, and width and number of its text lines."""

    solid: Solid
    words_width: float
    lines: int


class Row(NamedTuple):
    """Columns first … last of the page; `y` has the middle of each lane, from `top` to `bottom`."""

    first: int
    last: int
    top: float
    bottom: float
    y: dict[int, float]


class Page(NamedTuple):
    """All positions of a drawn network."""

    width: float
    height: float
    rows: list[Row]
    row_of: list[int]
    left: list[float]
    right: list[float]


def arrange(placed: GridPlacement, items: Sequence[Item], repeats: Sequence[RepeatedBoxes]) -> Page:
    """Split the network into rows that fill a slide best: close to its aspect ratio, without half-empty rows."""
    count = max(placed.columns) + 1
    widths = [0.0] * count
    for column, item in zip(placed.columns, items, strict=True):
        widths[column] = max(widths[column], item.solid.across, item.words_width)
    good = waists(placed)
    framed: set[int] = set()
    for repeat in repeats:
        own = placed.columns[repeat.start : repeat.start + repeat.length]
        framed |= set(own)
        for gap in range(min(own), max(own)):
            good[gap] = False
    widest = max(width + GAP for width in widths)
    rooms = {max(widest, NARROWEST + step / 2) for step in range(int(2 * (WIDEST - NARROWEST)) + 1)}
    best: tuple[float, Page] | None = None
    for room in sorted(rooms):
        cost, cut = rows([width + GAP for width in widths], good, room)
        page = _page(placed, items, widths, cut, framed)
        awkward = abs(log(page.width / page.height / ASPECT)) + 0.03 * page.width + 0.5 * cost
        if best is None or awkward < best[0]:
            best = awkward, page
    assert best is not None
    return best[1]


def _page(
    placed: GridPlacement,
    items: Sequence[Item],
    widths: Sequence[float],
    cut: Sequence[tuple[int, int]],
    framed: set[int],
) -> Page:
    left, right = [0.0] * len(widths), [0.0] * len(widths)
    row_of = [0] * len(widths)
    for number, (first, last) in enumerate(cut):
        x = ROW_START
        for column in range(first, last + 1):
            left[column], right[column] = x, x + widths[column]
            row_of[column] = number
            x += widths[column] + GAP
    made: list[Row] = []
    top = TITLE_ROOM
    for first, last in cut:
        has_frame = any(column in framed for column in range(first, last + 1))
        made.append(_row(placed, items, first, last, top + FRAME_ROOM * has_frame))
        top = made[-1].bottom + ROW_GAP
    return Page(max(right) + ROW_START, made[-1].bottom + 0.25, made, row_of, left, right)


def _row(placed: GridPlacement, items: Sequence[Item], first: int, last: int, top: float) -> Row:
    above: dict[int, float] = {}
    below: dict[int, float] = {}
    for column, lane, item in zip(placed.columns, placed.lanes, items, strict=True):
        if first <= column <= last:
            half = item.solid.down / 2
            above[lane] = max(above.get(lane, 0.0), half)
            below[lane] = max(below.get(lane, 0.0), half + 0.06 + LINE * item.lines)
    for edge in placed.edges:
        if _passes(edge, placed, first, last):
            above[edge.lane] = max(above.get(edge.lane, 0.0), THIN)
            below[edge.lane] = max(below.get(edge.lane, 0.0), THIN)
    y: dict[int, float] = {}
    at = top
    for lane in sorted(above):
        y[lane] = at + above[lane]
        at = y[lane] + below[lane] + LANE_GAP
    return Row(first, last, top, at - LANE_GAP, y)


def _passes(edge: Edge, placed: GridPlacement, first: int, last: int) -> bool:
    """Tell whether an edge passes a column of this row in its own lane."""
    return (
        placed.columns[edge.source] + 1 <= last
        and placed.columns[edge.target] - 1 >= first
        and (placed.columns[edge.target] - placed.columns[edge.source] > 1)
    )
