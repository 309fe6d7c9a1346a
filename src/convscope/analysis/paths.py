"""Follow positions through a graph, from an origin layer to every layer after it.

What is known of one axis - a closed formula, or a list of intervals - is left to an algebra; this file decides
which tensor axis leads to which axis of the origin, what happens at merges, and what can no longer be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Generic, NamedTuple, Protocol, TypeVar

from ..axis import AxisMap
from ..layers.connection import UNMOVED, Connection, Shape
from ..network import Network, Node

A = TypeVar("A")


class AxisAlgebra(Protocol[A]):
    """What can be said of the positions along one axis of the origin."""

    def start(self, n: int) -> A:
        """Return what the origin's own units see: themselves."""
        ...

    def through(self, axis: A, one: AxisMap, n: int, positions: int) -> A:
        """Return what the outputs of a layer see, whose `positions` outputs walk over `n` inputs."""
        ...

    def whole(self, axis: A, n: int) -> A:
        """Return what an output sees that is made from all `n` positions."""
        ...

    def hull(self, axes: Sequence[A], n: int) -> tuple[A, float | None]:
        """Return what `n` units see over several paths together, and how far apart the paths' centres are.

        The distance is None where all paths see the same, and 0 where they differ in extent alone.
        """
        ...


class Merge(NamedTuple):
    """A layer whose paths look at places `offset` origin pixels apart, per axis."""

    layer: str
    offset: tuple[float, ...]


class Paths(NamedTuple, Generic[A]):
    """What the units of one layer see of the origin.

    `axes` has an entry per position axis of the origin; `drivers` says which axis of this layer's output walks
    along it (None: all units see the same). `via` names the layer through which every unit sees everything,
    `global_via` the one through which a local view gains a global side path, `lost_at` the layer behind which
    positions could not be followed.
    """

    axes: tuple[A, ...]
    drivers: tuple[int | None, ...]
    union: bool = False
    merges: tuple[Merge, ...] = ()
    via: str | None = None
    global_via: str | None = None
    lost_at: str | None = None

    @property
    def grid(self) -> tuple[int, ...]:
        """Return the output axes on which the view depends."""
        return tuple(sorted({driver for driver in self.drivers if driver is not None}))


def position_axes(shape: Shape) -> tuple[int, ...]:
    """Return the axes of a tensor that hold positions: all but the channels, or the only one."""
    return tuple(range(1, len(shape))) if len(shape) > 1 else (0,) * len(shape)


def follow(network: Network, algebra: AxisAlgebra[A], origin: Node) -> list[Paths[A] | None]:
    """Return what the units of every layer see of the origin; None where they see nothing of it."""
    nodes = network.nodes
    unmoved, still = network.columns.unmoved, network.columns.still
    axes = position_axes(origin.output_shape)
    views: list[Paths[A] | None] = [None] * len(nodes)
    views[origin.index] = Paths(tuple(algebra.start(origin.output_shape[a]) for a in axes), axes)
    for index in range(origin.index + 1, len(nodes)):
        source = unmoved[index]
        if source >= 0:
            view, kept = views[source], still[index]
            if view is None or kept is None or kept.issuperset(view.drivers):
                views[index] = view
                continue
        views[index] = _arrive(views, nodes[index], algebra)
    return views


def _arrive(views: list[Paths[A] | None], node: Node, algebra: AxisAlgebra[A]) -> Paths[A] | None:
    arriving: list[Paths[A]] = []
    for connection in node.facts.connections or ():
        view = views[node.sources[connection.source]]
        if view is not None:
            arriving.append(view if connection.links is None else step(view, connection, node, algebra))
    if len(arriving) > 1:
        return merge(arriving, node, algebra)
    return arriving[0] if arriving else None


def step(view: Paths[A], connection: Connection, node: Node, algebra: AxisAlgebra[A]) -> Paths[A]:
    """Return what the units of `node` see through one of its connections."""
    if connection.links is None or view.lost_at is not None or connection.kept.issuperset(view.drivers):
        return view
    if connection.opaque:
        return view._replace(lost_at=node.name)
    shape = node.input_shapes[connection.source]
    links = connection.by_input
    axes: list[A] = []
    drivers: list[int | None] = []
    joined = 0
    several = False
    before: tuple[object, object, int] = (None, None, 0)
    for axis, driver in zip(view.axes, view.drivers, strict=True):
        link = None if driver is None else links.get(driver)
        if link is not None:
            one = link.map
            if one is not UNMOVED:
                n = shape[link.input]
                if one.covers(n):
                    joined += 1
                    several = True
                if before[0] is axis and before[1] is one and before[2] == n:
                    axis = axes[-1]  # rows and columns are alike, as they mostly are
                else:
                    before = (axis, one, n)
                    axis = algebra.through(axis, one, n, node.output_shape[link.output])
            driver = link.output
        else:
            joined += 1
            if driver is not None and shape[driver] > 1:
                if driver in connection.lost:
                    return view._replace(lost_at=node.name)
                axis = algebra.whole(axis, shape[driver])
                several = True
            driver = None
        axes.append(axis)
        drivers.append(driver)
    everything = several and joined == len(axes)
    return Paths(
        tuple(axes),
        tuple(drivers),
        view.union,
        view.merges,
        view.via or (node.name if everything else None),
        view.global_via,
    )


def merge(views: list[Paths[A]], node: Node, algebra: AxisAlgebra[A]) -> Paths[A]:
    """Return what units see over several paths: local ones joined, global ones kept apart."""
    plain = True
    for view in views:
        if view.lost_at is not None:
            return view
        plain = plain and view.via is None and view.global_via is None
    if plain:
        return _joined(views, node, algebra)
    local = [view for view in views if view.via is None]
    if not local:
        return _joined(views, node, algebra)._replace(via=views[0].via)
    global_via = next(name for v in views for name in (v.via, v.global_via) if name is not None)
    return _joined([view._replace(global_via=global_via) for view in local], node, algebra)


def _joined(views: list[Paths[A]], node: Node, algebra: AxisAlgebra[A]) -> Paths[A]:
    first = views[0]
    axes: list[A] = []
    drivers: list[int | None] = []
    offsets: list[float | None] = []
    union = changed = False
    last_met: list[A] = []
    last_n = 0
    for index, own in enumerate(first.drivers):
        driver = own
        for view in views:
            other = view.drivers[index]
            if other != driver and other is not None:
                if driver is not None:
                    return first._replace(lost_at=node.name)
                driver = other
        n = 1 if driver is None else node.output_shape[driver]
        met = [view.axes[index] for view in views]
        if index and n == last_n and all(map(is_, met, last_met)):
            axis, offset = axes[-1], offsets[-1]
        else:
            axis, offset = algebra.hull(met, n)
        last_met, last_n = met, n
        union = union or offset is not None
        changed = changed or driver != own or axis is not first.axes[index]
        offsets.append(offset)
        axes.append(axis)
        drivers.append(driver)
    merges = first.merges
    for view in views:
        union = union or view.union
        if view.merges is not merges:
            merges = tuple(dict.fromkeys((*merges, *view.merges)))
    if any(offsets):
        merges = (*merges, Merge(node.name, tuple(offset or 0.0 for offset in offsets)))
    if not changed and union == first.union and merges is first.merges:
        return first
    return Paths(tuple(axes), tuple(drivers), union, merges, None, first.global_via)
