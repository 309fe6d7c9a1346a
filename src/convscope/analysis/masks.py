"""Exact sets of the positions that units see, holes included, tap by tap.

Backwards, one unit spreads to the origin pixels under its taps; forwards, one pixel spreads to the units that have
it under a tap. Either over all paths, or over the local ones alone where a layer has some (decision 0011).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from ..axis import AxisMap, prefix_ends
from ..layers.connection import UNMOVED, Connection
from ..network import Network, Node
from .intervals import taps_of
from .paths import arrivals, extended, local_views
from .position_set import Mask, PositionSet, Product, from_mask, from_products, has_any, united
from .receptive_field import Recurrence
from .spread import Views, grid_of, spread_back, spread_forth


class Step(NamedTuple):
    """A connection from a layer to its source, with the grids of both.

    `is_same` says that positions stay where they are, `by_axes` that products stay products: every axis moves by
    itself, no two onto the same. `sees` has the units, along axes that begin here, that see the source at all.
    """

    connection: Connection
    node: Node
    source: Node
    above: tuple[int, ...]
    below: tuple[int, ...]
    shape_above: tuple[int, ...]
    shape_below: tuple[int, ...]
    is_same: bool
    by_axes: bool
    sees: dict[int, Mask]


class Traversal:
    """The connections over which a network's layers see an origin, collected once per layer."""

    def __init__(self, network: Network, origin: Node, views: Views) -> None:
        self.network = network
        self.origin = origin
        self.views = views
        self._steps: dict[tuple[int, bool], list[Step]] = {}
        self._repeated: dict[tuple[int, bool], Node] = {}
        self._grids: dict[int, tuple[int, ...]] = {}

    def steps(self, node: Node, local: bool) -> list[Step]:
        """Return the connections that lead to the origin; of local paths only where there are any."""
        key = (node.index, local)
        if key not in self._steps:
            leading = _leading(self.network, self.views, node, local)
            self._steps[key] = [self._step(one, node, source) for one, source in leading]
        return self._steps[key]

    def repeated(self, node: Node, local: bool) -> Node:
        """Return the layer whose positions a layer sees unmoved, over any number of layers; else the layer."""
        passed = []
        while (known := self._repeated.get((node.index, local))) is None:
            passed.append(node)
            steps = self.steps(node, local) if node is not self.origin else []
            if len(steps) != 1 or not steps[0].is_same:
                known = node
                break
            node = steps[0].source
        self._repeated |= {(one.index, local): known for one in passed}
        return known

    def _step(self, connection: Connection, node: Node, source: Node) -> Step:
        above, below = self._grid(node), self._grid(source)
        pointwise = connection.links is None
        outputs = [connection.by_input[axis].output for axis in below if axis in connection.by_input]
        by_axes = pointwise or (not connection.digits and len(set(outputs)) == len(outputs))
        is_same = above == below and (pointwise or connection.kept.issuperset(below))
        sees = {link.output: some for link, some in extended(connection, node, below) if link.output in above}
        shapes = self.grid_shape(node), self.grid_shape(source)
        return Step(connection, node, source, above, below, *shapes, is_same, by_axes, sees)

    def _grid(self, node: Node) -> tuple[int, ...]:
        key = id(self.views[node.index])  # runs of layers share a view
        if key not in self._grids:
            self._grids[key] = grid_of(node, self.views)
        return self._grids[key]

    def grid_shape(self, node: Node) -> tuple[int, ...]:
        """Return the sizes of the axes of a layer on which views depend."""
        shape = node.output_shape
        return tuple([shape[axis] for axis in self._grid(node)])


def seen_from(walk: Traversal, layer: Node, unit: PositionSet, local: bool = False) -> PositionSet:
    """Return which positions of the origin the units of a layer in `unit` see."""
    found = _spread_back(walk, layer, unit, local, walk.repeated)
    return found.get(walk.origin.index) or PositionSet(walk.grid_shape(walk.origin))


def seen_behind(walk: Traversal, layer: Node, unit: PositionSet, local: bool = False) -> dict[int, PositionSet]:
    """Return, by layer index, which positions of the layer itself and of every layer before it `unit` sees."""
    return _spread_back(walk, layer, unit, local, _itself)


def seeing(walk: Traversal, layer: Node, pixel: PositionSet, local: bool = False) -> PositionSet:
    """Return which units of a layer see any of the positions of the origin in `pixel`."""
    needed = _behind(walk, layer, local)
    nodes = [node for node in walk.network.nodes[: layer.index + 1] if node.index in needed]
    found = _spread_forth(walk, nodes, pixel, local, walk.repeated)
    return found.get(layer.index) or PositionSet(walk.grid_shape(layer))


def seeing_ahead(walk: Traversal, pixel: PositionSet, local: bool = False) -> dict[int, PositionSet]:
    """Return, by layer index, which units of every layer see any of the positions of the origin in `pixel`.

    Layers that do not depend on the origin, and those to which positions cannot be traced, are left out.
    """
    views = ((node, walk.views[node.index]) for node in walk.network.nodes)
    nodes = [node for node, view in views if view is not None and view.lost_at is None]
    return _spread_forth(walk, nodes, pixel, local, _itself)


Passing = Callable[[Node, bool], Node]
"""What stands for a layer: itself, or the layer whose positions it repeats."""


def _itself(node: Node, _local: bool) -> Node:
    return node


def _spread_back(
    walk: Traversal, layer: Node, unit: PositionSet, local: bool, stand_in: Passing
) -> dict[int, PositionSet]:
    found: dict[int, PositionSet] = {layer.index: unit}
    nodes = walk.network.nodes
    for index in range(layer.index, walk.origin.index, -1):
        seen = found.get(index)
        if seen is None:
            continue
        for step in walk.steps(nodes[index], local):
            spread = seen if step.is_same else _back(seen, step, walk.views)
            source = stand_in(step.source, local).index
            before = found.get(source)
            found[source] = spread if before is None else united(before, spread)
    return found


def _spread_forth(
    walk: Traversal, nodes: Iterable[Node], pixel: PositionSet, local: bool, stand_in: Passing
) -> dict[int, PositionSet]:
    found: dict[int, PositionSet] = {walk.origin.index: pixel}
    for node in nodes:
        if node.index <= walk.origin.index:
            continue
        units = PositionSet(walk.grid_shape(node))
        for step in walk.steps(node, local):
            pixels = found[stand_in(step.source, local).index]
            units = united(units, pixels if step.is_same else _forth(pixels, step, walk.views))
        found[node.index] = units
    return found


def _leading(network: Network, views: Views, node: Node, local: bool) -> list[tuple[Connection, Node]]:
    if node.facts.connections is None and views[node.sources[0]] is not None:
        return [(Connection(), network.nodes[node.sources[0]])]
    if not local:
        sources = [(one, network.nodes[node.sources[one.source]]) for one in node.facts.connections or ()]
        return [(one, source) for one, source in sources if views[source.index] is not None]
    arriving = arrivals(views, node, Recurrence())
    if len(arriving) > 1:
        kept = local_views([arrival.view for arrival in arriving], node)
        if kept:
            arriving = [arrival for arrival in arriving if any(arrival.view is view for view in kept)]
    return [(arrival.connection, network.nodes[arrival.source]) for arrival in arriving]


def _behind(walk: Traversal, layer: Node, local: bool) -> set[int]:
    """Return the layers between the origin and this one over which something is seen."""
    needed = {layer.index}
    for node in reversed(walk.network.nodes[: layer.index + 1]):
        if node.index in needed:
            needed |= {walk.repeated(step.source, local).index for step in walk.steps(node, local)}
    return needed


def _back(seen: PositionSet, step: Step, views: Views) -> PositionSet:
    """Return which positions of a source the units of a layer see through one connection."""
    connection, node, source = step.connection, step.node, step.source
    if not step.by_axes:
        return from_mask(spread_back(seen.mask, connection, node, source, views))
    moved = []
    for product in seen.products:
        along = dict(zip(step.above, product, strict=True))
        if not all(has_any(along[axis] & some) for axis, some in step.sees.items()):
            continue
        factors = []
        for axis, n in zip(step.below, step.shape_below, strict=True):
            link = connection.by_input.get(axis)
            if connection.links is None:
                factors.append(along[axis] if axis in along else _all(n))
            elif link is None:
                factors.append(_all(n))
            else:
                marked = along.get(link.output)
                if marked is None:
                    marked = _all(node.output_shape[link.output])
                factors.append(_back_along(marked, link.map, n))
        moved.append(tuple(factors))
    behind = from_products(step.shape_below, moved)
    if seen.rest is not None:
        behind = united(behind, from_mask(spread_back(seen.rest, connection, node, source, views)))
    return behind


def _forth(pixels: PositionSet, step: Step, views: Views) -> PositionSet:
    """Return which units of a layer see any of the positions of a source through one connection."""
    connection, node, source = step.connection, step.node, step.source
    if not step.by_axes:
        return from_mask(spread_forth(pixels.mask, connection, node, source, views))
    moved: list[Product] = []
    for product in pixels.products:
        along = dict(zip(step.below, product, strict=True))
        if connection.links is not None:
            links = connection.by_input
            along = {
                links[axis].output: _forth_along(one, links[axis].map, source.output_shape[axis])
                for axis, one in along.items()
                if axis in links
            }
        if all(map(has_any, along.values())):
            sizes = zip(step.above, step.shape_above, strict=True)
            moved.append(
                tuple(along[axis] if axis in along else step.sees.get(axis, _all(n)) for axis, n in sizes)
            )
    ahead = from_products(step.shape_above, moved)
    if pixels.rest is not None:
        ahead = united(ahead, from_mask(spread_forth(pixels.rest, connection, node, source, views)))
    return ahead


def _all(n: int) -> Mask:
    return np.ones(n, bool)


def _back_along(marked: Mask, one: AxisMap, n: int) -> Mask:
    """Return which of n positions the marked outputs along one axis see."""
    if one is UNMOVED:
        return marked
    ends = prefix_ends(one, len(marked))
    seen = np.zeros(n + 1, bool)  # one more for taps in the padding
    if ends is None:
        seen[taps_of(one, n)[marked]] = True
    elif marked.any():
        seen[: ends[marked].max() + 1] = True
    return seen[:n]


def _forth_along(marked: Mask, one: AxisMap, n: int) -> Mask:
    """Return which outputs along one axis see any of the marked positions."""
    if one is UNMOVED:
        return marked
    ends = prefix_ends(one, one.positions(n))
    if ends is not None:
        return np.asarray(np.logical_or.accumulate(marked)[ends])
    return np.asarray(np.append(marked, False)[taps_of(one, n)].any(axis=1))
