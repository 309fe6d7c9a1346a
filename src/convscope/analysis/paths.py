"""Follow positions through a graph, from an origin layer to every layer after it.

What is known of one axis - a closed formula, or a list of intervals - is left to an algebra; this file decides
which tensor axis leads to which axis of the origin, what happens at merges, and what can no longer be known.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    views: list[Paths[A] | None] = []
    for node in network.nodes:
        if node is origin:
            axes = position_axes(node.output_shape)
            views.append(Paths(tuple(algebra.start(node.output_shape[a]) for a in axes), axes))
        elif node.index < origin.index or not node.sources:
            views.append(None)
        elif node.facts.connections is None:
            views.append(views[node.sources[0]])
        else:
            views.append(_arrive(views, node, algebra))
    return views


def _arrive(views: list[Paths[A] | None], node: Node, algebra: AxisAlgebra[A]) -> Paths[A] | None:
    arriving: list[Paths[A]] = []
    for connection in node.facts.connections or ():
        view = views[node.sources[connection.source]]
        if view is not None:
            arriving.append(step(view, connection, node, algebra))
    if len(arriving) == 1:
        return arriving[0]
    return merge(arriving, node, algebra) if arriving else None


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
    for axis, driver in zip(view.axes, view.drivers, strict=True):
        link = None if driver is None else links.get(driver)
        if link is not None:
            if link.map is not UNMOVED:
                if link.map.covers(shape[link.input]):
                    joined += 1
                    several = True
                axis = algebra.through(axis, link.map, shape[link.input], node.output_shape[link.output])
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
    first = views[0]
    lost = next((view for view in views if view.lost_at is not None), None)
    if lost is not None:
        return lost
    local = [view for view in views if view.via is None]
    global_via = next((name for v in views for name in (v.via, v.global_via) if name is not None), None)
    if not local:
        return _joined(views, node, algebra)._replace(via=first.via)
    if len(local) < len(views) or global_via is not None:
        local = [view._replace(global_via=global_via) for view in local]
    return _joined(local, node, algebra)


def _joined(views: list[Paths[A]], node: Node, algebra: AxisAlgebra[A]) -> Paths[A]:
    first = views[0]
    axes: list[A] = []
    drivers: list[int | None] = []
    offsets: list[float] = []
    union = changed = False
    for index, own in enumerate(first.drivers):
        driver = own
        for view in views:
            other = view.drivers[index]
            if other != driver and other is not None:
                if driver is not None:
                    return first._replace(lost_at=node.name)
                driver = other
        n = 1 if driver is None else node.output_shape[driver]
        axis, offset = algebra.hull([view.axes[index] for view in views], n)
        union = union or offset is not None
        changed = changed or driver != own or axis is not first.axes[index]
        offsets.append(offset or 0.0)
        axes.append(axis)
        drivers.append(driver)
    merges = first.merges
    for view in views:
        union = union or view.union
        if view.merges is not merges:
            merges = tuple(dict.fromkeys((*merges, *view.merges)))
    if any(offsets):
        merges = (*merges, Merge(node.name, tuple(offsets)))
    if not changed and union == first.union and merges is first.merges:
        return first
    return Paths(tuple(axes), tuple(drivers), union, merges, None, first.global_via)
