"""Boxes of all units of all layers, as tables per axis: what a lookup needs to answer without computing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..axis.map import Index
from ..network import Network, Node
from .intervals import Interval, intervals
from .paths import Paths
from .receptive_field import AxisField, Irregular, receptive_fields


class AxisTable(NamedTuple):
    """What each position along one axis of a layer sees, along one axis of the origin.

    `low` and `high` are the edges of the theoretical box, which may extend into padding, and `seen_low` and
    `seen_high` those of what is really seen. `axis` is the axis of the layer's output whose index selects the
    row, or None where there is one row for all units.
    """

    axis: int | None
    low: Index
    high: Index
    seen_low: Index
    seen_high: Index


class BoxTable(NamedTuple):
    """The boxes of a layer's units: one table per axis of the origin.

    None of the tables exists where the boxes of units do not follow from one axis at a time; `region` computes
    them one by one.
    """

    axes: tuple[AxisTable, ...] | None


def box_tables(network: Network, origin: str | None = None) -> list[BoxTable]:
    """Return the boxes of the units of every node, with respect to the input, or to layer `origin`.

    The boxes are those of `region`: `box` = the low edges, then the high ones; `clipped` = the seen edges.
    """
    fields, exact = receptive_fields(network, origin), intervals(network, origin)
    return [
        BoxTable(_axes(node, view, seen)) for node, view, seen in zip(network.nodes, fields, exact, strict=True)
    ]


def _axes(
    node: Node, view: Paths[AxisField] | None, exact: Paths[Interval] | None
) -> tuple[AxisTable, ...] | None:
    if view is None or exact is None or view.lost_at is not None or not view.axes:
        return None
    if view.drivers != exact.drivers or any(type(driver) is tuple for driver in view.drivers):
        return None
    tables = []
    for axis, seen, driver in zip(view.axes, exact.axes, view.drivers, strict=True):
        assert not isinstance(driver, tuple)
        count = 1 if driver is None else node.output_shape[driver]
        if seen.loose or len(seen.low) != count or bool((seen.low >= seen.high).any()):
            return None
        tables.append(_table(axis, seen, driver, count, view.via is not None))
    return tuple(tables)


def _table(axis: AxisField, seen: Interval, driver: int | None, count: int, everything: bool) -> AxisTable:
    """Return the edges, those that are really seen where the theoretical box does not hold them."""
    low, high = axis.edges(np.arange(count, dtype=np.int64))
    if isinstance(axis, Irregular):
        empty = high <= low
        low, high = np.where(empty, 0, low), np.where(empty, 0, high)
    outside = (low > seen.low) | (seen.high > high) | everything
    return AxisTable(
        driver, np.where(outside, seen.low, low), np.where(outside, seen.high, high), seen.low, seen.high
    )
