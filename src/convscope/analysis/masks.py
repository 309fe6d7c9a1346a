"""Exactly which positions are seen, holes and crosses included, followed tap by tap.

A mask is a boolean array over the axes of a layer on which views depend (its grid). Backwards, one unit's mask
spreads to the origin pixels under its taps; forwards, one pixel's mask spreads to the units that have it under a
tap. Side paths through which everything is seen are left out where a local view exists, as reports do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..layers.connection import Connection
from ..network import Network, Node
from .intervals import tap_matrix, taps_of
from .paths import Paths, step
from .receptive_field import AxisField, Recurrence

Mask = NDArray[np.bool_]
Views = list[Paths[AxisField] | None]


def seen_from(network: Network, views: Views, layer: Node, unit: Mask, origin: Node) -> Mask:
    """Return which positions of the origin the marked units of a layer see."""
    masks: dict[int, Mask] = {layer.index: unit}
    for node in reversed(network.nodes[origin.index + 1 : layer.index + 1]):
        mask = masks.pop(node.index, None)
        if mask is None:
            continue
        for connection, source in _local_connections(network, views, node):
            spread = _back(mask, connection, node, source, views)
            known = masks.get(source.index)
            masks[source.index] = spread if known is None else known | spread
    shape = _grid_shape(origin, views)
    return masks.get(origin.index, np.zeros(shape, bool))


def seeing(network: Network, views: Views, layer: Node, pixel: Mask, origin: Node) -> Mask:
    """Return which units of a layer see any of the marked positions of the origin."""
    masks: dict[int, Mask] = {origin.index: pixel}
    for node in network.nodes[origin.index + 1 : layer.index + 1]:
        if views[node.index] is None:
            continue
        mask = np.zeros(_grid_shape(node, views), bool)
        for connection, source in _local_connections(network, views, node):
            mask |= _forth(masks[source.index], connection, node, source, views)
        masks[node.index] = mask
    return masks.get(layer.index, np.zeros(_grid_shape(layer, views), bool))


def _grid(node: Node, views: Views) -> tuple[int, ...]:
    view = views[node.index]
    return () if view is None else view.grid


def _grid_shape(node: Node, views: Views) -> tuple[int, ...]:
    return tuple(node.output_shape[axis] for axis in _grid(node, views))


def _local_connections(network: Network, views: Views, node: Node) -> list[tuple[Connection, Node]]:
    """Return the connections that lead to the origin, global ones only where there is nothing else."""
    arriving = views[node.index]
    connections = node.facts.connections or (Connection(),)
    chosen = []
    for connection in connections:
        source = network.nodes[node.sources[connection.source]]
        view = views[source.index]
        if view is None or arriving is None:
            continue
        if arriving.via is None and step(view, connection, node, Recurrence()).via is not None:
            continue
        chosen.append((connection, source))
    return chosen


def _back(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    if connection.links is None:
        return _matching(mask, node, source, views)
    grid, shape = _grid(source, views), source.output_shape
    links = [connection.by_input.get(axis) for axis in grid]
    outputs = [link.output for link in links if link is not None]
    above = _grid(node, views)
    if len(set(outputs)) < len(outputs):
        return _back_by_points(mask, connection, node, source, views)
    unused = tuple(place for place, axis in enumerate(above) if axis not in outputs)
    spread = np.asarray(mask.any(axis=unused)).transpose([sorted(outputs).index(output) for output in outputs])
    for place, link in enumerate(link for link in links if link is not None):
        matrix = tap_matrix(link.map, shape[link.input])
        spread = np.moveaxis(np.tensordot(spread.astype(np.float32), matrix, (place, 0)), -1, place) > 0
    spread = spread.reshape([1 if link is None else shape[axis] for axis, link in zip(grid, links, strict=True)])
    return np.broadcast_to(spread, _grid_shape(source, views)).copy()


def _forth(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    if connection.links is None:
        return _matching(mask, source, node, views)
    grid, shape = _grid(source, views), source.output_shape
    links = [connection.by_input.get(axis) for axis in grid]
    outputs = [link.output for link in links if link is not None]
    above = _grid(node, views)
    if len(set(outputs)) < len(outputs):
        return _forth_by_points(mask, connection, node, source, views)
    spread = np.asarray(mask.any(axis=tuple(place for place, link in enumerate(links) if link is None)))
    for place, link in enumerate(link for link in links if link is not None):
        matrix = tap_matrix(link.map, shape[link.input])
        spread = np.moveaxis(np.tensordot(spread.astype(np.float32), matrix, (place, 1)), -1, place) > 0
    spread = spread.transpose([outputs.index(output) for output in sorted(outputs)])
    wide = [node.output_shape[axis] if axis in outputs else 1 for axis in above]
    return np.broadcast_to(spread.reshape(wide), _grid_shape(node, views))


def _matching(mask: Mask, here: Node, there: Node, views: Views) -> Mask:
    """Carry a mask through an element-wise layer, whose two sides may depend on different axes."""
    mine, theirs = _grid(here, views), _grid(there, views)
    if mine == theirs:
        return mask
    kept = np.asarray(mask.any(axis=tuple(place for place, axis in enumerate(mine) if axis not in theirs)))
    wide = [there.output_shape[axis] if axis in mine else 1 for axis in theirs]
    return np.broadcast_to(kept.reshape(wide), _grid_shape(there, views)).copy()


def _points(
    connection: Connection, node: Node, source: Node, views: Views, units: Mask
) -> list[NDArray[np.int64]]:
    """Return, per axis of the source's grid, the positions under the taps of each marked unit, as (units, …).

    One output axis leads to several input axes here (they were folded into it), so places go together.
    """
    above = _grid(node, views)
    grid = _grid(source, views)
    marked = np.argwhere(units)
    places = []
    for number, axis in enumerate(grid):
        n = source.output_shape[axis]
        link = connection.by_input.get(axis)
        if link is None:
            taps = np.broadcast_to(np.arange(n), (len(marked), n))
        else:
            taps = taps_of(link.map, n)[marked[:, above.index(link.output)]]
        shape = [len(marked)] + [1] * len(grid)
        shape[number + 1] = taps.shape[1]
        places.append(taps.reshape(shape))
    return places


def _back_by_points(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    padded = np.zeros([n + 1 for n in _grid_shape(source, views)], bool)
    padded[tuple(_points(connection, node, source, views, mask))] = True
    return padded[tuple(slice(n) for n in _grid_shape(source, views))]


def _forth_by_points(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    padded = np.pad(mask, [(0, 1)] * mask.ndim)
    every = np.ones(_grid_shape(node, views), bool)
    places = _points(connection, node, source, views, every)
    return padded[tuple(places)].any(axis=tuple(range(1, len(places) + 1))).reshape(every.shape)
