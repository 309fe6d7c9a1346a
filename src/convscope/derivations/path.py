"""The chain of layers, from the picture to one layer, whose windows decide what its units see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..analysis.paths import Paths, origin_axes
from ..analysis.paths import step as stepped
from ..analysis.receptive_field import AxisField, Recurrence, Regular, receptive_fields
from ..axis import AxisMap, Window
from ..layers.connection import UNMOVED, Connection
from ..layers.convolution import Conv
from ..layers.pooling import Pool
from ..network import Network, Node

View = Paths[AxisField]


class Branch(NamedTuple):
    """One input of a layer that joins several, and what it brings along one axis."""

    source: str
    axis: AxisField


class Link(NamedTuple):
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
    """Follow layers of one network back to the picture; what each sees is computed once."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.views: Sequence[View | None] = receptive_fields(network)
        self._algebra = Recurrence()

    def to(self, node: Node, axis: int) -> list[Link]:
        """Return the chain from the layer after the picture to `node`, along one axis of the picture."""
        chain: list[Link] = []
        while node is not self.network.inputs[0]:
            link, source = self.last(node, axis)
            chain.append(link)
            node = self.network.nodes[source]
        return chain[::-1]

    def last(self, node: Node, axis: int) -> tuple[Link, int]:
        """Return the chain's last link, and the index of the layer before it."""
        view = self.views[node.index]
        assert view is not None
        arriving = []
        for connection in node.facts.connections or (Connection(),):
            source = node.sources[connection.source]
            before = self.views[source]
            if before is not None:
                after = stepped(before, connection, node, self._algebra)
                arriving.append((after, connection, source, before))
        local = [one for one in arriving if one[0].via is None] if view.via is None else arriving
        local.sort(key=lambda one: one[0].axes[axis] != view.axes[axis])
        chosen = max(local, key=lambda one: (one[0].axes[axis].size, one[0].axes[axis] == view.axes[axis]))
        local.sort(key=lambda one: one is not chosen)
        after, connection, source, before = chosen
        branches = tuple(Branch(self.network.nodes[s].name, a.axes[axis]) for a, _, s, _ in local)
        one, whole, n = _map(node, connection, before.drivers[axis])
        return Link(node, one, whole, n, branches if len(local) > 1 else (), view.axes[axis]), source


def _map(node: Node, connection: Connection, driver: int | None) -> tuple[AxisMap | None, bool, int]:
    """Return the map along one tensor axis of a connection, whether all is seen, and the positions before."""
    shape = node.input_shapes[connection.source]
    if connection.links is None or driver is None:
        return None, False, 1 if driver is None else shape[driver]
    link = connection.by_input.get(driver)
    if link is None:
        return None, shape[driver] > 1, shape[driver]
    straight = link.map == UNMOVED and not isinstance(node.layer, Conv | Pool)
    return (None if straight else link.map), False, shape[driver]


def textbook(chain: Sequence[Link]) -> bool:
    """Return whether size, step and start of every link follow from the recurrence of sliding windows."""
    return all(
        isinstance(link.field, Regular)
        and not link.whole
        and (link.map is None or isinstance(link.map, Window))
        and all(isinstance(branch.axis, Regular) for branch in link.branches)
        for link in chain
    )


def picture_rank(network: Network) -> int:
    """Return the number of axes of the picture that hold positions."""
    return len(origin_axes(network, network.inputs[0]))
