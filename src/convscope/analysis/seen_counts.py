"""How many units of a layer see each pixel."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..axis.map import Index
from ..errors import BadUnit
from ..network import Network, Node
from .intervals import tap_matrix
from .masks import Step, Traversal, seen_from
from .paths import unit_axes
from .position_set import Mask
from .region import one_position, origin_views, traced

MOST_UNITS = 20_000
"""Units that are followed one by one, where what they see does not follow from rows and columns apart."""

MOST_SETS = 12
"""Families of sets per layer, beyond which units are followed one by one."""


class _Along(NamedTuple):
    """What the units of a layer see along one axis: (units along `driver`, positions); None: all the same."""

    driver: int | None
    seen: Mask


_Family = tuple[_Along, ...]
"""Along each axis of a layer, what the units see: each unit sees all combinations."""


def seen_counts(network: Network, layer: str) -> Index:
    """Return, for each pixel, how many positions of a layer see it over local paths.

    It is the sum of `Region.local_mask` over all units. Pixels with 0 are seen by none.

    Shapes:   → (h, w)

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [unit-blind], [unit-unknown]; [too-many-units] where units can only be followed one by one
    """
    node, source = network[layer], network.inputs[0]
    views = origin_views(network, source.name)
    view = traced(node, source, views.fields[node.index])
    walk, local = views.walk, view.global_via is not None
    axes = unit_axes(node.output_shape, view.grid)
    idle = prod(node.output_shape[axis] for axis in axes if axis not in view.grid)
    shape = walk.grid_shape(node)
    found = _by_axes(walk, node, local)
    if found is None:
        if prod(shape) > MOST_UNITS:
            raise BadUnit(
                "{layer} has {count:,} positions that see pixels in different patterns, which takes too long to "
                "count. Choose a layer with fewer positions. [too-many-units]",
                layer=layer,
                count=prod(shape),
            )
        counts: Index = np.zeros(walk.grid_shape(source), np.int64)
        for unit in product(*map(range, shape)):
            counts += seen_from(walk, node, one_position(shape, unit), local).mask
        return counts * idle
    used = {along.driver for along in found}
    counts = np.ones((), np.int64)
    for along in found:
        counts = counts[..., None] * along.seen.sum(axis=0, dtype=np.int64)
    return counts * idle * prod(n for place, n in enumerate(shape) if place not in used)


def _by_axes(walk: Traversal, node: Node, local: bool) -> _Family | None:
    """Return what all units see along each axis of the origin, or None where axes do not tell it."""
    start = tuple(_Along(place, np.eye(n, dtype=bool)) for place, n in enumerate(walk.grid_shape(node)))
    found: dict[int, list[_Family]] = {node.index: [start]}
    for index in range(node.index, walk.origin.index, -1):
        families = found.pop(index, None)
        if families is None:
            continue
        for step in walk.steps(walk.network.nodes[index], local):
            if not step.by_axes:
                return None
            kept = found.setdefault(step.source.index, [])
            for family in families:
                _absorb(kept, family if step.is_same else _back(family, step))
            if len(kept) > MOST_SETS:
                return None
    families = found.get(walk.origin.index, [])
    if len(families) != 1:
        return None
    drivers = [along.driver for along in families[0] if along.driver is not None]
    return families[0] if len(set(drivers)) == len(drivers) else None


def _back(family: _Family, step: Step) -> _Family:
    """Return what the units see of the source of a step."""
    by_axis = dict(zip(step.above, family, strict=True))
    moved = []
    for axis, n in zip(step.below, step.shape_below, strict=True):
        link = step.connection.by_input.get(axis)
        if step.connection.links is None:
            moved.append(by_axis.get(axis) or _everything(n))
        elif link is None or link.output not in by_axis:
            whole = n if link is None else step.node.output_shape[link.output]
            above = _everything(whole)
            moved.append(above if link is None else _through(above, step, axis, n))
        else:
            moved.append(_through(by_axis[link.output], step, axis, n))
    return tuple(moved)


def _through(above: _Along, step: Step, axis: int, n: int) -> _Along:
    taps: NDArray[np.float32] = tap_matrix(step.connection.by_input[axis].map, n)
    return _Along(above.driver, above.seen.astype(np.float32) @ taps > 0)


def _everything(n: int) -> _Along:
    return _Along(None, np.ones((1, n), bool))


def _absorb(kept: list[_Family], new: _Family) -> None:
    """Add a family, joined with those of which the union is one family for every unit."""
    place = 0
    while place < len(kept):
        joined = _joined(kept[place], new)
        if joined is None:
            place += 1
        else:
            new = joined
            del kept[place]
            place = 0
    kept.append(new)


def _joined(one: _Family, two: _Family) -> _Family | None:
    """Return the union of two families, if it is one: the first holds the second, or they differ on one axis."""
    both = [_aligned(a, b) for a, b in zip(one, two, strict=True)]
    if any(pair is None for pair in both):
        return None
    pairs = [pair for pair in both if pair is not None]
    if all((a.seen >= b.seen).all() for a, b in pairs):
        return tuple(a for a, _ in pairs)
    if all((b.seen >= a.seen).all() for a, b in pairs):
        return tuple(b for _, b in pairs)
    differing = [not np.array_equal(a.seen, b.seen) for a, b in pairs]
    if sum(differing) > 1:
        return None
    return tuple(_Along(a.driver, a.seen | b.seen) for a, b in pairs)


def _aligned(one: _Along, two: _Along) -> tuple[_Along, _Along] | None:
    """Return two axes with the same driver; one without is the same for all units of the other's."""
    if one.driver == two.driver:
        return one, two
    if one.driver is None:
        return _Along(two.driver, np.broadcast_to(one.seen, two.seen.shape)), two
    if two.driver is None:
        return one, _Along(one.driver, np.broadcast_to(two.seen, one.seen.shape))
    return None
