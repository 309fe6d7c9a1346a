"""The chain of layers, from the image to one layer, that determines the receptive field."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

import numpy as np

from ..analysis.layout import positions_of
from ..analysis.paths import Paths, arrivals, local_views, step
from ..analysis.receptive_field import AxisField, Recurrence, Regular, receptive_fields
from ..axis import AxisMap, Window
from ..axis.map import Index
from ..layers.connection import UNMOVED, Connection
from ..layers.convolution import Conv
from ..layers.pooling import Pool
from ..network import Network, Node

View = Paths[AxisField]


class Branch(NamedTuple):
    """One input of a merge, and its view along one axis."""

    source: str
    axis: AxisField


class PathStep(NamedTuple):
    """One layer of the chain, along one axis.

    `map` is None where positions go straight through, `whole` says that every output sees all `n` positions,
    `branches` lists the local inputs of a layer that joins several, the followed one first; `field` is what the
    layer's units see along this axis.
    """

    node: Node
    map: AxisMap | None
    whole: bool
    n: int
    branches: tuple[Branch, ...]
    field: AxisField

    @property
    def widens(self) -> bool:
        """Return whether joining the branches gives more than the largest of them."""
        return bool(self.branches) and self.branches[0].axis != self.field


class Chains:
    """Chains from layers of one network back to the image, cached."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.views: Sequence[View | None] = receptive_fields(network)
        self._algebra = Recurrence()
        self._links: dict[tuple[int, int], tuple[PathStep, int]] = {}
        self._local: dict[int, list[tuple[View, Connection, int]]] = {}

    def to(self, node: Node, axis: int) -> list[PathStep]:
        """Return the chain from the layer after the image to `node`, along one axis of the image."""
        chain: list[PathStep] = []
        while node is not self.network.inputs[0]:
            link, source = self.last(node, axis)
            chain.append(link)
            node = self.network.nodes[source]
        return chain[::-1]

    def last(self, node: Node, axis: int) -> tuple[PathStep, int]:
        """Return the chain's last link, and the index of the layer before it, cached."""
        key = (node.index, axis)
        if key not in self._links:
            self._links[key] = self._link(node, axis)
        return self._links[key]

    def _link(self, node: Node, axis: int) -> tuple[PathStep, int]:
        view = self.views[node.index]
        assert view is not None
        local = self._arriving(node)
        if len(local) > 1:
            local = sorted(local, key=lambda one: one[0].axes[axis] != view.axes[axis])
            chosen = max(local, key=lambda one: (one[0].axes[axis].size, one[0].axes[axis] == view.axes[axis]))
            local.sort(key=lambda one: one is not chosen)
        _, connection, source = local[0]
        branches = tuple(Branch(self.network.nodes[s].name, a.axes[axis]) for a, _, s in local)
        before = self.views[source]
        assert before is not None
        one, whole, n = _map(node, connection, before, axis)
        return PathStep(node, one, whole, n, branches if len(local) > 1 else (), view.axes[axis]), source

    def _arriving(self, node: Node) -> list[tuple[View, Connection, int]]:
        """Return the connections that make a layer's local field, or all where there is none, cached."""
        if node.index not in self._local:
            arriving = [
                (arrival.view, arrival.connection, arrival.source)
                for arrival in arrivals(self.views, node, self._algebra)
            ]
            kept = local_views([after for after, _, _ in arriving], node)
            local = [one for one in arriving if any(one[0] is after for after in kept)] if kept else arriving
            self._local[node.index] = local
        return self._local[node.index]


def _map(node: Node, connection: Connection, before: View, axis: int) -> tuple[AxisMap | None, bool, int]:
    """Return the map along one axis of a connection, whether all is seen, and the positions before."""
    shape, driver = node.input_shapes[connection.source], before.drivers[axis]
    n = positions_of(driver, shape)
    if connection.links is None or driver is None:
        return None, False, n
    if isinstance(driver, tuple) or driver in connection.by_digits:
        noted: Paths[Taken] = Paths(((),) * len(before.axes), before.drivers)
        taken = step(noted, connection, node, _Steps()).axes[axis]
        if (None, n) in taken:
            return None, n > 1, n
        return (_Composed(taken) if taken else None), False, n
    link = connection.by_input.get(driver)
    if link is None:
        return None, n > 1, n
    straight = link.map == UNMOVED and not isinstance(node.layer, Conv | Pool)
    return (None if straight else link.map), False, n


Taken = tuple[tuple[AxisMap | None, int], ...]


class _Steps:
    """The algebra that records the maps of a path, with their input positions."""

    def start(self, n: int) -> Taken:
        return ()

    def through(self, axis: Taken, one: AxisMap, n: int, positions: int) -> Taken:
        return (*axis, (one, n))

    def whole(self, axis: Taken, n: int) -> Taken:
        return (*axis, (None, n))

    def repeat(self, axis: Taken, n: int) -> Taken:
        return axis

    def hull(self, axes: Sequence[Taken], n: int) -> tuple[Taken, float | None]:
        return axes[0], None


class _Composed:
    """Composed maps, as a layer applies them to a split axis."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken

    def __repr__(self) -> str:
        return f"_Composed({self._taken!r})"

    @property
    def step(self) -> Fraction:
        return prod((one.step for one, _ in self._taken if one is not None), start=Fraction(1))

    def positions(self, n: int) -> int:
        last = self._taken[-1]
        assert last[0] is not None
        return last[0].positions(last[1])

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        taps = self.taps(self._taken[0][1])[output]
        return np.where(taps < 0, taps.max(), taps).min(axis=1), taps.max(axis=1)

    def taps(self, n: int) -> Index:
        taken: Index | None = None
        for one, before in self._taken:
            assert one is not None
            taps = one.taps(before)
            if taken is None:
                taken = taps
                continue
            rows = np.vstack([taken, np.full((1, taken.shape[1]), -1)])[taps]
            taken = rows.reshape(len(taps), -1)
        assert taken is not None
        return taken


def textbook(chain: Sequence[PathStep]) -> bool:
    """Return whether size, step and start of every link follow from the recurrence of sliding windows."""
    return all(
        isinstance(link.field, Regular)
        and not link.whole
        and (link.map is None or isinstance(link.map, Window))
        and all(isinstance(branch.axis, Regular) for branch in link.branches)
        for link in chain
    )
