"""Trace positions through a graph, from an origin layer to every layer after it.

The representation along one axis, a closed formula or a list of intervals, is an algebra; this module decides
which tensor axis leads to which axis of the origin, how paths merge, and what becomes unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import is_
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..axis import AxisMap
from ..layers.connection import POINTWISE, UNMOVED, AxisDependency, Connection, Shape
from ..network import Network, Node
from .interleaving import interleaved
from .layout import Driver, axes_of, carry, flattened, positions_of, without_channels

A = TypeVar("A")


class AxisAlgebra(Protocol[A]):
    """The representation of positions along one axis of the origin."""

    def start(self, n: int) -> A:
        """Return the view of the origin's own units: themselves."""
        ...

    def through(self, axis: A, one: AxisMap, n: int, positions: int) -> A:
        """Return the view of a layer's `positions` outputs over `n` inputs."""
        ...

    def whole(self, axis: A, n: int) -> A:
        """Return the view of an output that depends on all `n` positions."""
        ...

    def repeat(self, axis: A, n: int) -> A:
        """Return the view of n units that all see what one unit saw."""
        ...

    def hull(self, axes: Sequence[A], n: int) -> tuple[A, float | None]:
        """Return the union of `n` units' views over several paths, and the distance of the paths' centers.

        The distance is None where all paths see the same, and 0 where they differ in extent alone.
        """
        ...


class Merge(NamedTuple):
    """A layer that merges paths whose centers are `offset` origin pixels apart, per axis."""

    layer: str
    offset: tuple[float, ...]


class Paths(NamedTuple, Generic[A]):
    """The view of the origin from the units of one layer.

    `axes` has an entry per position axis of the origin; `drivers` says which axis of this layer's output walks
    along it (None: all units see the same; digits where it is split or folded). `via` names the layer through
    which every unit sees everything, `global_via` the one through which a local view gains a global side path,
    `lost_at` the layer after which positions could not be traced. `swept` names the last layer whose one
    position along an axis is a window over all of them, unless a slice has `picked` the one of some axis.
    """

    axes: tuple[A, ...]
    drivers: tuple[Driver, ...]
    union: bool = False
    merges: tuple[Merge, ...] = ()
    via: str | None = None
    global_via: str | None = None
    lost_at: str | None = None
    swept: str | None = None
    picked: bool = False

    @property
    def grid(self) -> tuple[int, ...]:
        """Return the output axes on which the view depends."""
        return tuple(sorted({axis for driver in self.drivers for axis in axes_of(driver)}))

    def walks(self, shape: Shape) -> bool:
        """Return whether units of an output of this shape differ in what they see."""
        return any(positions_of(driver, shape) > 1 for driver in self.drivers)


class Arrival(NamedTuple, Generic[A]):
    """A connection of a layer with its source layer and the source's view."""

    connection: Connection
    source: int
    view: Paths[A]


def position_axes(shape: Shape) -> tuple[int, ...]:
    """Return the axes of a tensor that usually hold positions: all but the channels, or the only one."""
    return tuple(range(1, len(shape))) if len(shape) > 1 else (0,) * len(shape)


def unit_axes(shape: Shape, grid: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes whose indices name a unit: those of positions, or others on which views depend."""
    usual = position_axes(shape)
    return usual if set(grid) <= set(usual) else grid


class _Axes:
    """The trivial algebra: only which axes lead where."""

    def start(self, n: int) -> None: ...
    def through(self, axis: None, one: AxisMap, n: int, positions: int) -> None: ...
    def whole(self, axis: None, n: int) -> None: ...
    def repeat(self, axis: None, n: int) -> None: ...
    def hull(self, axes: Sequence[None], n: int) -> tuple[None, float | None]:
        return None, None


def origin_axes(network: Network, origin: Node) -> tuple[int, ...]:
    """Return the axes of an origin that hold positions.

    For the input these are the axes along which it is seen. Of an input of two axes, which may be
    (channels, length) or (length, features), the first layer that tells the two apart decides.
    """
    shape = origin.output_shape
    if origin is not network.inputs[0]:
        first = network.inputs[0]
        view = follow_axes(network, _Axes(), first, origin_axes(network, first), origin)[origin.index]
        if view is not None and view.lost_at is None and view.grid:
            return unit_axes(shape, view.grid)
    if len(shape) == 2:
        views = follow_axes(network, _Axes(), origin, (0, 1))
        for node in network.nodes[origin.index + 1 :]:
            view = next((views[source] for source in node.sources if views[source] is not None), None)
            if view is None or view.lost_at is not None or len(node.input_shapes[0]) != 2:
                continue
            if node.layer.sequence:
                return tuple(axis for axis in (0, 1) if 0 in axes_of(view.drivers[axis])) or (1,)
            if node.layer.rank is not None:
                break
    return position_axes(shape)


def follow(network: Network, algebra: AxisAlgebra[A], origin: Node) -> list[Paths[A] | None]:
    """Return the view of every layer's units; None where they do not depend on the origin."""
    return follow_axes(network, algebra, origin, origin_axes(network, origin))


def follow_axes(
    network: Network, algebra: AxisAlgebra[A], origin: Node, axes: tuple[int, ...], end: Node | None = None
) -> list[Paths[A] | None]:
    """Return what the units of every layer, or of those up to `end`, see along these axes of the origin."""
    nodes = network.nodes
    unmoved, still = network.columns.unmoved, network.columns.still
    views: list[Paths[A] | None] = [None] * len(nodes)
    views[origin.index] = Paths(tuple(algebra.start(origin.output_shape[a]) for a in axes), axes)
    for index in range(origin.index + 1, len(nodes) if end is None else end.index + 1):
        source = unmoved[index]
        if source >= 0:
            view, kept = views[source], still[index]
            if view is None or kept is None or kept.issuperset(view.drivers):
                views[index] = view
                continue
        views[index] = _arrive(views, nodes[index], algebra, network)
    return views


def _arrive(
    views: list[Paths[A] | None], node: Node, algebra: AxisAlgebra[A], network: Network
) -> Paths[A] | None:
    arriving: list[Paths[A]] = []
    for connection in node.facts.connections or ():
        view = views[node.sources[connection.source]]
        if view is not None:
            arriving.append(view if connection.links is None else step(view, connection, node, algebra))
    if len(arriving) > 1:
        return merge(arriving, node, algebra, network)
    return arriving[0] if arriving else None


def arrivals(views: Sequence[Paths[A] | None], node: Node, algebra: AxisAlgebra[A]) -> list[Arrival[A]]:
    """Return a layer's connections that depend on the origin."""
    connections = node.facts.connections
    if connections is None:
        connections = POINTWISE
    found = []
    for connection in connections:
        source = node.sources[connection.source]
        view = views[source]
        if view is not None:
            behind = view if connection.links is None else step(view, connection, node, algebra)
            found.append(Arrival(connection, source, behind))
    return found


def step(view: Paths[A], connection: Connection, node: Node, algebra: AxisAlgebra[A]) -> Paths[A]:
    """Return the view of `node`'s units through one of its connections."""
    if connection.links is None or view.lost_at is not None or connection.kept.issuperset(view.drivers):
        return view
    if connection.opaque:
        return view._replace(lost_at=node.name)
    shape, output = node.input_shapes[connection.source], node.output_shape
    links, digits = connection.by_input, connection.by_digits
    axes: list[A] = []
    drivers: list[Driver] = []
    joined = 0
    several = False
    swept, picked = view.swept, view.picked
    before: tuple[object, object, int] = (None, None, 0)
    for axis, driver in zip(view.axes, view.drivers, strict=True):
        if driver is None:
            joined += 1
        elif type(driver) is not int or driver in digits:
            carried = carry(axis, driver, connection, shape, output, algebra)
            if carried is None:
                return view._replace(lost_at=node.name)
            axis, driver, gone = carried
            joined += gone
            several = several or gone
        elif (link := links.get(driver)) is None:
            n = shape[driver]
            joined += 1
            if n > 1:
                if driver in connection.lost:
                    return view._replace(lost_at=node.name)
                axis = algebra.whole(axis, n)
                several = True
            driver = None
        else:
            n = shape[driver]
            one = link.map
            seen = _seen(one, n, output[link.output])
            joined += seen in (_ONLY, _WHOLE)
            several = several or seen == _WHOLE
            swept = node.name if seen == _SWEPT else swept
            picked = picked or seen == _PICKED
            if one is not UNMOVED:
                if before[0] is axis and before[1] is one and before[2] == n:
                    axis = axes[-1]  # equal for rows and columns in most layers
                else:
                    before = (axis, one, n)
                    axis = algebra.through(axis, one, n, output[link.output])
            driver = link.output
        axes.append(axis)
        drivers.append(driver)
    if None in drivers:
        _extend(axes, drivers, view, connection, node, algebra)
    if digits:
        axes, drivers = without_channels(axes, drivers, output, algebra)
    everything = several and joined == len(axes)
    if picked and all(positions_of(driver, output) > 1 for driver in drivers):
        picked = False
    via = view.via or (node.name if everything else None)
    return Paths(
        tuple(axes),
        tuple(drivers),
        view.union,
        view.merges,
        via,
        view.global_via if via is None else None,  # beside a path over which all is seen, no other counts
        None,
        swept,
        picked,
    )


def _extend(
    axes: list[A],
    drivers: list[Driver],
    view: Paths[A],
    connection: Connection,
    node: Node,
    algebra: AxisAlgebra[A],
) -> None:
    """Let units differ along an axis of one position padded with zeros: in the padding they see nothing."""
    walked = {axis for driver in view.drivers for axis in axes_of(driver)}
    for link, _ in extended(connection, node, walked):
        if None in drivers:
            usual = link.output - len(node.output_shape) + len(drivers)  # rows before columns, as merges expect
            place = usual if usual >= 0 and drivers[usual] is None else drivers.index(None)
            axes[place] = algebra.through(axes[place], link.map, 1, node.output_shape[link.output])
            drivers[place] = link.output


def extended(
    connection: Connection, node: Node, walked: Collection[int]
) -> list[tuple[AxisDependency, NDArray[np.bool_]]]:
    """Return the links of axes of one position, none `walked`, that only some outputs see, and these outputs."""
    shape = node.input_shapes[connection.source]
    found = []
    for link in connection.links or ():
        if link.input not in walked and link.map is not UNMOVED and shape[link.input] == 1:
            sees = np.asarray((link.map.taps(1) >= 0).any(axis=1))
            if not sees.all():
                found.append((link, sees))
    return found


_PART, _ONLY, _WHOLE, _SWEPT, _PICKED = range(5)
"""How a layer's units see an axis: a part each, its only position, all of it, or one unit sees all or a part."""


def _seen(one: AxisMap, n: int, units: int) -> int:
    if n == 1:
        return _ONLY
    if one.covers(n):
        return _WHOLE
    if units == 1:
        return _SWEPT if _spans_all(one, n) else _PICKED
    return _PART


def _spans_all(one: AxisMap, n: int) -> bool:
    """Return whether a map's only output spans all n positions."""
    first, last = one.span(np.zeros(1, dtype=np.int64))
    return bool(first[0] <= 0 and last[0] >= n - 1)


def merge(
    views: Sequence[Paths[A]], node: Node, algebra: AxisAlgebra[A], network: Network | None = None
) -> Paths[A]:
    """Return the union over several paths: local ones merged, global ones apart."""
    plain = True
    for view in views:
        if view.lost_at is not None:
            return view
        plain = plain and view.via is None and view.global_via is None and view.swept is None
    if plain:
        return _joined(views, node, algebra, network)
    local = local_views(views, node)
    if not local:
        return _joined(views, node, algebra, network)._replace(via=views[0].via)
    global_via = next(
        (
            name
            for view in views
            if (name := view.via or view.global_via or (None if _among(view, local) else view.swept)) is not None
        ),
        None,
    )
    view = _joined(local, node, algebra, network)._replace(global_via=global_via)
    return view if len(local) == len(views) else _told_apart(view, views, node, algebra)


def _among(view: Paths[A], views: Sequence[Paths[A]]) -> bool:
    return any(view is one for one in views)


def local_views(views: Sequence[Paths[A]], node: Node) -> list[Paths[A]]:
    """Return the views that are not global: see decision 0011.

    Global is a path on which some layer joins all positions there are, by its nature or, where the map it makes is
    one position that is then repeated beside a map with positions, by a window as large as its input.
    """
    shape = node.output_shape
    walking = any(view.swept is not None for view in views) and any(view.walks(shape) for view in views)
    return [
        view
        for view in views
        if view.via is None
        and not (walking and view.swept is not None and not view.picked and not view.walks(shape))
    ]


def _told_apart(view: Paths[A], views: Sequence[Paths[A]], node: Node, algebra: AxisAlgebra[A]) -> Paths[A]:
    """Let units differ along the axes of the global paths, too: behind padding some see nothing over these."""
    if None not in view.drivers:
        return view
    axes, drivers = [*view.axes], [*view.drivers]
    for place, driver in enumerate(drivers):
        if driver is None:
            other = next((v.drivers[place] for v in views if v.drivers[place] is not None), None)
            n = positions_of(other, node.output_shape)
            if n > 1:
                axes[place], drivers[place] = algebra.repeat(axes[place], n), other
    return view._replace(axes=tuple(axes), drivers=tuple(drivers))


def _flattened(view: Paths[A], shape: Shape, algebra: AxisAlgebra[A]) -> Paths[A]:
    """Renumber folded axes by the index along the axis that holds them, so that views can be joined."""
    pairs = [flattened(axis, driver, shape, algebra) for axis, driver in zip(view.axes, view.drivers, strict=True)]
    return view._replace(axes=tuple(axis for axis, _ in pairs), drivers=tuple(driver for _, driver in pairs))


def _joined(views: Sequence[Paths[A]], node: Node, algebra: AxisAlgebra[A], network: Network | None) -> Paths[A]:
    first = views[0]
    shape = node.output_shape
    axes: list[A] = []
    drivers: list[Driver] = []
    offsets: list[float | None] = []
    union = changed = False
    last_met: list[A] = []
    last_n = 0
    for index, own in enumerate(first.drivers):
        driver = own
        alike = True
        for view in views:
            other = view.drivers[index]
            if other != driver:
                alike = False
                if other is None or positions_of(other, shape) == 1:
                    continue
                if driver is not None and positions_of(driver, shape) > 1:
                    flat = [_flattened(one, shape, algebra) for one in views]
                    if all(one.drivers == old.drivers for one, old in zip(flat, views, strict=True)):
                        return first._replace(lost_at=node.name)
                    return _joined(flat, node, algebra, network)
                driver = other
        n = shape[driver] if type(driver) is int else positions_of(driver, shape)
        met = [view.axes[index] for view in views]
        if not alike and n > 1:
            met = [
                axis if view.drivers[index] == driver else algebra.repeat(axis, n)
                for axis, view in zip(met, views, strict=True)
            ]
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
    if any(offsets) and network is not None and interleaved(network, node):
        union, offsets = False, []
    merges = first.merges
    for view in views:
        union = union or view.union
        if view.merges is not merges:
            merges = tuple(dict.fromkeys((*merges, *view.merges)))
    if any(offsets):
        merges = (*merges, Merge(node.name, tuple(offset or 0.0 for offset in offsets)))
    if not changed and union == first.union and merges is first.merges:
        return first
    return first._replace(axes=tuple(axes), drivers=tuple(drivers), union=union, merges=merges, via=None)
