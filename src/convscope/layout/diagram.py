"""Diagram of a network: boxes with their positions, paths of edges, frames of repeated blocks.

Positions are in inches from the upper left corner; y grows downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

from ..errors import BadNetwork
from ..network import Network
from .boxes import Box, RepeatedBoxes, boxes_of, fold
from .lanes import Edge, GridPlacement, place
from .page import GAP, LINE, MARGIN, ROW_GAP, ROW_START, Item, Page, arrange, solid

MOST_BOXES = 600

Point: TypeAlias = tuple[float, float]

Segment: TypeAlias = tuple[Point, ...]
"""The end of a straight line, or two control points and the end of a cubic Bézier curve."""


class EdgePath(NamedTuple):
    """Line from one box to another: its start, its segments, and the tip of its arrow."""

    start: Point
    segments: list[Segment]
    tip: Point


class Frame(NamedTuple):
    """Frame of the boxes of a block that is repeated `times`, in one row of the page."""

    left: float
    top: float
    right: float
    bottom: float
    times: int


class Diagram:
    """Positions of everything in a drawing of a network.

    Attributes:
        boxes: The boxes, with the lines of text under each in `lines`.
        repeats: Blocks of which only the first is drawn.
        placed: Columns, lanes and edges of the boxes.
        items: The space of each box.
        page: Rows and columns in inches.
    """

    def __init__(
        self, boxes: list[Box], repeats: list[RepeatedBoxes], lines: list[list[str]], widths: list[float]
    ) -> None:
        self.boxes, self.repeats, self.lines = boxes, repeats, lines
        self.placed: GridPlacement = place([box.sources for box in boxes])
        largest = max((size for box in boxes for size in box.shape[1:]), default=1)
        self.items = [
            Item(solid(box.shape, largest), width, len(under))
            for box, width, under in zip(boxes, widths, lines, strict=True)
        ]
        self.page: Page = arrange(self.placed, self.items, repeats)

    def middle(self, box: int) -> Point:
        """Return the center of a box."""
        column = self.placed.columns[box]
        row = self.page.rows[self.page.row_of[column]]
        return (self.page.left[column] + self.page.right[column]) / 2, row.y[self.placed.lanes[box]]

    @property
    def edges(self) -> list[EdgePath]:
        """Return the path of every edge."""
        return [self._path(edge) for edge in self.placed.edges]

    @property
    def frames(self) -> list[Frame]:
        """Return the frames of all repeated blocks, one per row of the page."""
        return [frame for repeat in self.repeats for frame in self._frames(repeat)]

    def _frames(self, repeat: RepeatedBoxes) -> list[Frame]:
        placed, page, items = self.placed, self.page, self.items
        inside = range(repeat.start, repeat.start + repeat.length)
        by_row: dict[int, list[int]] = {}
        for box in inside:
            by_row.setdefault(page.row_of[placed.columns[box]], []).append(box)
        frames = []
        for number, boxes in by_row.items():
            row = page.rows[number]
            columns = [placed.columns[box] for box in boxes]
            middles = [self.middle(box)[1] for box in boxes]
            tops = [y - items[box].solid.down / 2 for y, box in zip(middles, boxes, strict=True)]
            ends = [
                y + items[box].solid.down / 2 + LINE * items[box].lines
                for y, box in zip(middles, boxes, strict=True)
            ]
            tops += [row.y[edge.lane] for edge in placed.edges if edge.target in inside and edge.lane in row.y]
            left, right = page.left[min(columns)] - 0.04, page.right[max(columns)] + 0.04
            frames.append(Frame(left, min(tops) - 0.1, right, max(ends) + 0.1, repeat.times))
        return frames

    @cached_property
    def _turns(self) -> dict[int, list[int]]:
        """Return, per row, the boxes with edges into later rows."""
        placed, page = self.placed, self.page
        found: dict[int, list[int]] = {}
        for edge in placed.edges:
            rows = range(page.row_of[placed.columns[edge.source]], page.row_of[placed.columns[edge.target]])
            for row in rows:
                if edge.source not in found.setdefault(row, []):
                    found[row].append(edge.source)
        return found

    def _path(self, edge: Edge) -> EdgePath:
        placed, page, items = self.placed, self.page, self.items
        source, end = self.middle(edge.source), self.middle(edge.target)
        start = (source[0] + items[edge.source].solid.across / 2, source[1])
        segments: list[Segment] = []
        at = start
        first, last = placed.columns[edge.source], placed.columns[edge.target]
        for column in range(first, last):
            after = placed.lanes[edge.target] if column == last - 1 else edge.lane
            row, following = page.rows[page.row_of[column]], page.rows[page.row_of[column + 1]]
            at = (page.right[column], at[1])
            segments.append((at,))
            if row is following:
                segments.append(_bend(at, page.left[column + 1], row.y[after]))
            else:
                others = self._turns[page.row_of[column]]
                # Edges of one box share a line to the next row.
                lane = 0 if len(others) == 1 else after
                apart = 0.3 * others.index(edge.source) / max(len(others), 5)
                segments += _turn(at, page, row.bottom, following.y[lane], apart)
                segments.append(_bend(segments[-1][-1], page.left[column + 1], following.y[after]))
            at = segments[-1][-1]
        tip = (end[0] - items[edge.target].solid.across / 2, end[1])
        segments.append(((tip[0] - 0.05, tip[1]),))
        return EdgePath(start, segments, tip)


def lay_out(
    network: Network,
    lines: Callable[[Box], list[str]],
    width: Callable[[Sequence[str]], float],
    folded: bool = True,
) -> Diagram:
    """Lay out a network from left to right in rows, with feature maps to scale.

    Args:
        network: The network.
        lines: Returns the lines of text under a box.
        width: Returns the width of such lines in inches.
        folded: Draw consecutive equal blocks once.

    Raises:
        BadNetwork: [figure-size] for more boxes than a page can hold.
    """
    boxes = boxes_of(network)
    repeats: list[RepeatedBoxes] = []
    if folded:
        boxes, repeats = fold(boxes)
    if len(boxes) > MOST_BOXES:
        raise BadNetwork(
            "{name} is too large to draw: {count:,} boxes after merging repeated blocks, at most {most:,} fit. "
            "Use its table instead. [figure-size]",
            name=network.name,
            count=len(boxes),
            most=MOST_BOXES,
        )
    under = [lines(box) for box in boxes]
    return Diagram(boxes, repeats, under, [width(one) for one in under])


def _bend(at: Point, x: float, y: float) -> Segment:
    """Continue the line to (x, y), with a smooth curve where the lane changes."""
    if abs(at[1] - y) < 1e-9:
        return ((x, y),)
    middle = (at[0] + x) / 2
    return (middle, at[1]), (middle, y), (x, y)


def _turn(at: Point, page: Page, bottom: float, y: float, apart: float) -> list[Segment]:
    """Continue the line from the end of a row to the start of the next, apart from other lines."""
    out = page.width - MARGIN - apart
    back = MARGIN + apart
    between = bottom + ROW_GAP / 2 - 0.05 + apart
    corners = [(out, at[1]), (out, between), (back, between), (back, y), (max(back, ROW_START - GAP), y)]
    return [(corner,) for corner in corners]
