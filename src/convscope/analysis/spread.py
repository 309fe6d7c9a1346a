"""Spread a mask of positions through one connection, tap by tap.

A mask is a boolean array over the axes of a layer on which views depend (its grid). This is the general way, for
sets of positions that are no products of axes and for reshapes; `masks` spreads products axis by axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..axis import AxisMap, prefix_ends
from ..layers.connection import Connection, Digit
from ..network import Node
from .intervals import tap_matrix, taps_of
from .paths import Paths, extended
from .receptive_field import AxisField

Mask = NDArray[np.bool_]
Views = list[Paths[AxisField] | None]


def grid_of(node: Node, views: Views) -> tuple[int, ...]:
    """Return the axes of a layer on which views depend."""
    view = views[node.index]
    return () if view is None else view.grid


def grid_shape(node: Node, views: Views) -> tuple[int, ...]:
    """Return the sizes of those axes."""
    return tuple(node.output_shape[axis] for axis in grid_of(node, views))


def spread_back(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    """Return which positions of the source the marked units of a layer see."""
    if connection.links is None:
        return _matching(mask, node, source, views)
    if connection.digits:
        return _back_by_digits(mask, connection, node, source, views)
    grid, shape = grid_of(source, views), source.output_shape
    links = [connection.by_input.get(axis) for axis in grid]
    outputs = [link.output for link in links if link is not None]
    above = grid_of(node, views)
    mask = _reaching(mask, connection, node, source, views)
    if len(set(outputs)) < len(outputs):
        return _back_by_points(mask, connection, node, source, views)
    spread = _onto(mask, above, sorted(outputs), node)
    spread = spread.transpose([sorted(outputs).index(output) for output in outputs])
    for place, link in enumerate(link for link in links if link is not None):
        spread = _along_back(spread, place, link.map, shape[link.input])
    spread = spread.reshape([1 if link is None else shape[axis] for axis, link in zip(grid, links, strict=True)])
    return np.broadcast_to(spread, grid_shape(source, views)).copy()


def spread_forth(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    """Return which units of a layer see any of the marked positions of the source."""
    if connection.links is None:
        return _matching(mask, source, node, views)
    if connection.digits:
        return _forth_by_digits(mask, connection, node, source, views)
    grid, shape = grid_of(source, views), source.output_shape
    links = [connection.by_input.get(axis) for axis in grid]
    outputs = [link.output for link in links if link is not None]
    above = grid_of(node, views)
    if len(set(outputs)) < len(outputs):
        return _reaching(_forth_by_points(mask, connection, node, source, views), connection, node, source, views)
    spread = np.asarray(mask.any(axis=tuple(place for place, link in enumerate(links) if link is None)))
    for place, link in enumerate(link for link in links if link is not None):
        spread = _along_forth(spread, place, link.map, shape[link.input])
    spread = spread.transpose([outputs.index(output) for output in sorted(outputs)])
    return _reaching(_onto(spread, tuple(sorted(outputs)), above, node), connection, node, source, views)


def _reaching(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    """Leave out the units that see nothing, in the padding of an axis that the source has one position along."""
    above = grid_of(node, views)
    for link, sees in extended(connection, node, grid_of(source, views)):
        if link.output in above:
            mask = mask & sees.reshape([len(sees) if axis == link.output else 1 for axis in above])
    return mask


def _along_back(mask: Mask, place: int, one: AxisMap, n: int) -> Mask:
    """Return which of n positions the marked outputs along one axis see."""
    ends = prefix_ends(one, mask.shape[place])
    taps = taps_of(one, n) if ends is None else ends[:, None]
    if taps.shape[1] > 1:
        return np.moveaxis(np.tensordot(mask.astype(np.float32), tap_matrix(one, n), (place, 0)), -1, place) > 0
    marked = np.moveaxis(mask, place, 0)
    seen = np.zeros((n + 1, *marked.shape[1:]), bool)  # one more for outputs that see nothing
    np.logical_or.at(seen, taps[:, 0], marked)
    seen = seen[:n] if ends is None else np.logical_or.accumulate(seen[:n][::-1])[::-1]
    return np.moveaxis(seen, 0, place)


def _along_forth(mask: Mask, place: int, one: AxisMap, n: int) -> Mask:
    """Return which outputs along one axis see any of the marked positions."""
    marked = np.moveaxis(mask, place, 0)
    ends = prefix_ends(one, one.positions(n))
    if ends is not None:
        return np.moveaxis(np.logical_or.accumulate(marked)[ends], 0, place)
    taps = taps_of(one, n)
    if taps.shape[1] > 1:
        return np.moveaxis(np.tensordot(mask.astype(np.float32), tap_matrix(one, n), (place, 1)), -1, place) > 0
    padded = np.concatenate([marked, np.zeros((1, *marked.shape[1:]), bool)])
    return np.moveaxis(padded[taps[:, 0]], 0, place)


def _matching(mask: Mask, here: Node, there: Node, views: Views) -> Mask:
    """Carry a mask through an element-wise layer, whose two sides may depend on different axes."""
    return _onto(mask, grid_of(here, views), grid_of(there, views), there)


def _onto(mask: Mask, mine: tuple[int, ...], theirs: Sequence[int], there: Node) -> Mask:
    """Return a mask over other axes of a layer: joined over those that go, repeated over those that come."""
    if tuple(theirs) == mine:
        return mask
    kept = np.asarray(mask.any(axis=tuple(place for place, axis in enumerate(mine) if axis not in theirs)))
    wide = [there.output_shape[axis] if axis in mine else 1 for axis in theirs]
    return np.broadcast_to(kept.reshape(wide), [there.output_shape[axis] for axis in theirs]).copy()


class _Places(NamedTuple):
    """Positions along each axis of a source's grid, over the axes of a layer's grid and those of `free` sizes."""

    indices: list[NDArray[np.int64]]
    shape: tuple[int, ...]
    free: int


def _places(connection: Connection, node: Node, source: Node, views: Views) -> _Places:
    """Return where a reshape moves each position; parts among the channels take all values."""
    above, shape = grid_of(node, views), source.output_shape
    sizes = {(axis, 0): node.output_shape[axis] for axis in above}
    parts: list[list[tuple[tuple[int, int], Digit]]] = []
    for axis in grid_of(source, views):
        link = connection.by_input.get(axis)
        layout = connection.by_digits.get(axis)
        if layout is None:
            layout = (Digit(-1 - axis if link is None else link.output, 1, shape[axis], 1),)
        found = []
        for digit in layout:
            key = (digit.axis, 0)
            if key not in sizes or digit.axis not in above:
                key = (digit.axis, digit.inner)
                sizes[key] = digit.size
                digit = digit._replace(inner=1)
            found.append((key, digit))
        parts.append(found)
    every = list(sizes)
    indices = []
    for layout_parts in parts:
        place = np.zeros([1] * len(every), dtype=np.int64)
        for key, digit in layout_parts:
            along = [1] * len(every)
            along[every.index(key)] = sizes[key]
            place = place + np.asarray(digit.of(np.arange(sizes[key], dtype=np.int64))).reshape(along)
        indices.append(place)
    return _Places(indices, tuple(sizes.values()), len(every) - len(above))


def _back_by_digits(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    places = _places(connection, node, source, views)
    marked = np.broadcast_to(mask.reshape(mask.shape + (1,) * places.free), places.shape)
    spread = np.zeros(grid_shape(source, views), bool)
    spread[tuple(np.broadcast_to(place, places.shape)[marked] for place in places.indices)] = True
    return spread


def _forth_by_digits(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    places = _places(connection, node, source, views)
    taken = np.broadcast_to(mask[tuple(places.indices)], places.shape)
    return np.asarray(taken.any(axis=tuple(range(taken.ndim - places.free, taken.ndim))))


def _points(
    connection: Connection, node: Node, source: Node, views: Views, units: Mask
) -> list[NDArray[np.int64]]:
    """Return, per axis of the source's grid, the positions under the taps of each marked unit, as (units, …).

    One output axis leads to several input axes here (the bins of a pyramid), so positions are grouped.
    """
    above = grid_of(node, views)
    grid = grid_of(source, views)
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
    padded = np.zeros([n + 1 for n in grid_shape(source, views)], bool)
    padded[tuple(_points(connection, node, source, views, mask))] = True
    return padded[tuple(slice(n) for n in grid_shape(source, views))]


def _forth_by_points(mask: Mask, connection: Connection, node: Node, source: Node, views: Views) -> Mask:
    padded = np.pad(mask, [(0, 1)] * mask.ndim)
    every = np.ones(grid_shape(node, views), bool)
    places = _points(connection, node, source, views, every)
    return padded[tuple(places)].any(axis=tuple(range(1, len(places) + 1))).reshape(every.shape)
