"""Layout of a network diagram: columns by depth, lanes beside the longest path, rows.

The longest path runs straight in lane 0. Other chains of boxes, and edges that jump over columns, get the nearest
lane that is free between the column where they leave and the one where they return; short ones lie inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

Sources = Sequence[tuple[int, ...]]


class Edge(NamedTuple):
    """Connection between boxes, in `lane` of the columns between them."""

    source: int
    target: int
    lane: int


class GridPlacement(NamedTuple):
    """The column and lane of every box, and every edge."""

    columns: list[int]
    lanes: list[int]
    edges: list[Edge]


class _Item(NamedTuple):
    """A chain of boxes, or one long edge (source, target), that occupies its lane over columns first … last."""

    boxes: tuple[int, ...]
    edge: tuple[int, int] | None
    first: int
    last: int


def place(sources: Sources) -> GridPlacement:
    """Assign a column and a lane to every box, without overlaps."""
    columns: list[int] = []
    for inputs in sources:
        columns.append(max((columns[one] + 1 for one in inputs), default=0))
    targets: list[list[int]] = [[] for _ in sources]
    for box, inputs in enumerate(sources):
        for one in dict.fromkeys(inputs):
            targets[one].append(box)
    chains = list(_chains(sources, columns))
    covered = _covered(chains, sources, targets, columns)
    items = _items(chains, covered, sources, targets, columns)
    lanes = [0] * len(sources)
    route: dict[tuple[int, int], int] = {}
    taken: dict[int, list[tuple[int, int]]] = {0: [(0, max(columns))]} if columns else {}
    for item in items:
        lane = _free_lane(item, taken)
        taken.setdefault(lane, []).append((item.first, item.last))
        for box in item.boxes:
            lanes[box] = lane
        if item.edge is not None:
            route[item.edge] = lane
    edges = [
        Edge(one, box, route.get((one, box), lanes[one])) for box, inputs in enumerate(sources) for one in inputs
    ]
    return GridPlacement(columns, lanes, edges)


def _chains(sources: Sources, columns: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Split the graph into paths: the longest, then the longest of the rest, and so on."""
    left = set(range(len(sources)))
    while left:
        length: dict[int, int] = {}
        before: dict[int, int] = {}
        for box in sorted(left):
            inside = [one for one in sources[box] if one in left]
            best = max(inside, key=lambda one: (length[one], columns[one]), default=None)
            length[box] = 1 if best is None else length[best] + 1
            if best is not None:
                before[box] = best
        end = max(sorted(left), key=lambda box: (length[box], -box))
        path = [end]
        while path[-1] in before:
            path.append(before[path[-1]])
        left -= set(path)
        yield tuple(reversed(path))


def _covered(
    chains: list[tuple[int, ...]], sources: Sources, targets: list[list[int]], columns: list[int]
) -> set[tuple[int, int]]:
    """Return the edges in a chain's own lane: inside it and from its end."""
    covered = {edge for chain in chains for edge in pairwise(chain)}
    for chain in chains[1:]:
        covered |= {(chain[-1], target) for target in targets[chain[-1]]}
    near = {(one, box) for box, inputs in enumerate(sources) for one in inputs if columns[box] - columns[one] == 1}
    return covered | near


def _items(
    chains: list[tuple[int, ...]],
    covered: set[tuple[int, int]],
    sources: Sources,
    targets: list[list[int]],
    columns: list[int],
) -> list[_Item]:
    """Return the items that need a lane beside the longest path, in the order of assignment."""
    items = []
    for chain in chains[1:]:
        back = [columns[target] - 1 for target in targets[chain[-1]]]
        items.append(_Item(chain, None, columns[chain[0]], max([columns[chain[-1]], *back])))
    for box, inputs in enumerate(sources):
        for one in dict.fromkeys(inputs):
            if (one, box) not in covered:
                items.append(_Item((), (one, box), columns[one] + 1, columns[box] - 1))
    return sorted(items, key=lambda item: (item.last - item.first, item.first))


def _free_lane(item: _Item, taken: dict[int, list[tuple[int, int]]]) -> int:
    """Return the free lane nearest to the longest path; long edges get lanes above it."""
    distance = 1
    while True:
        for lane in (-distance,) if item.edge is not None else (-distance, distance):
            if all(last < item.first or first > item.last for first, last in taken.get(lane, ())):
                return lane
        distance += 1


def waists(placed: GridPlacement) -> list[bool]:
    """Tell for each gap after a column whether only one box has edges across it."""
    crossing: list[set[int]] = [set() for _ in range(max(placed.columns, default=0))]
    for edge in placed.edges:
        for gap in range(placed.columns[edge.source], placed.columns[edge.target]):
            crossing[gap].add(edge.source)
    return [len(sources) == 1 for sources in crossing]


BAD_CUT = 0.3
"""Splitting inside branches costs as much as a row that is 55 % empty."""


def rows(widths: Sequence[float], good: Sequence[bool], room: float) -> tuple[float, list[tuple[int, int]]]:
    """Split columns into rows (first, last) no wider than `room`, preferably at narrow gaps.

    Returns the cost beside the rows: the squares of what part of each row stays empty, and BAD_CUT per bad cut.
    """
    best: list[tuple[float, int]] = [(0.0, 0)]  # cost of the first n columns, and the start of their last row
    for end in range(1, len(widths) + 1):
        options = []
        used = 0.0
        for first in range(end - 1, -1, -1):
            used += widths[first]
            if used > room and first < end - 1:
                break
            bad = BAD_CUT if end < len(widths) and not good[end - 1] else 0.0
            options.append((best[first][0] + max(0.0, 1 - used / room) ** 2 + bad, first))
        best.append(min(options))
    cut: list[tuple[int, int]] = []
    end = len(widths)
    while end:
        first = best[end][1]
        cut.append((first, end - 1))
        end = first
    return best[-1][0], cut[::-1]
