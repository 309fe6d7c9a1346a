"""The beam of a unit: what it sees of every layer between it and the image, and where paths are misaligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..network import Network, Node
from .masks import seen_behind
from .paths import Arrival, arrivals, local_views, unit_axes
from .position_set import PositionSet
from .receptive_field import AxisField, Recurrence
from .region import OriginViews, one_position, origin_views, theoretical_box, traced, unit_places


class LayerWindow(NamedTuple):
    """The units of a layer that one unit after it sees: their half-open box, and how many positions they are.

    The box is over the axes that name a unit of the layer, rows first. `positions` is less than the box holds
    where dilation or strides leave holes.
    """

    layer: str
    box: tuple[int, ...]
    positions: int


class PathField(NamedTuple):
    """What a unit of a merge sees over one of its paths.

    `source` is the layer through which the path arrives, `box` its theoretical box in pixels, and `offset` how far
    the box's center is from that of the first path. `layers` are those on this path and on no other.
    """

    source: str
    box: tuple[int, ...]
    offset: tuple[float, ...]
    layers: tuple[str, ...]


class MisalignedMerge(NamedTuple):
    """A merge of misaligned paths, how far their centers are apart, and what its unit `at` sees over each of them.

    `offset` is that of the report: the mean over the units of the inner half where it varies from unit to unit.
    """

    layer: str
    offset: tuple[float, ...]
    at: tuple[int, ...]
    paths: tuple[PathField, ...]


@dataclass(frozen=True)
class Beam:
    """What one unit sees of every layer before it, over local paths, from the input to the unit itself.

    Layers that the unit does not see, or only over a global path beside a local one, are left out.
    """

    layer: str
    at: tuple[int, ...]
    windows: tuple[LayerWindow, ...]
    merges: tuple[MisalignedMerge, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "layer": self.layer,
            "at": list(self.at),
            "windows": [{"layer": w.layer, "box": list(w.box), "positions": w.positions} for w in self.windows],
            "merges": [
                {
                    "layer": merge.layer,
                    "offset": list(merge.offset),
                    "at": list(merge.at),
                    "paths": [
                        {
                            "source": path.source,
                            "box": list(path.box),
                            "offset": list(path.offset),
                            "layers": list(path.layers),
                        }
                        for path in merge.paths
                    ],
                }
                for merge in self.merges
            ],
        }


def beam(network: Network, layer: str, at: Sequence[int]) -> Beam:
    """Return the windows of one unit on every layer between it and the image.

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [unit-range], [unit-blind], [unit-unknown]
    """
    node, source = network[layer], network.inputs[0]
    views = origin_views(network, source.name)
    view = traced(node, source, views.fields[node.index])
    places = unit_places(node, view, at)
    axes = unit_axes(node.output_shape, view.grid)
    along = [place for axis, place in zip(axes, places, strict=True) if axis in view.grid]
    found = seen_behind(views.walk, node, one_position(views.walk.grid_shape(node), along), local=True)
    order = sorted(found)
    windows = tuple(_window(network.nodes[i], views, found[i], places if i == node.index else None) for i in order)
    merges = []
    for merge in view.merges:
        place = network[merge.layer]
        if place.index in found:
            unit = places if place is node else _middle(windows[order.index(place.index)].box)
            merges.append(MisalignedMerge(place.name, merge.offset, unit, _paths(network, place, views, unit)))
    return Beam(layer, places, windows, tuple(merges))


def _window(node: Node, views: OriginViews, seen: PositionSet, places: tuple[int, ...] | None) -> LayerWindow:
    """Return the window of a unit on one layer; on its own, where its `places` are, it is the unit."""
    view = views.fields[node.index]
    assert view is not None
    if places is not None:
        return LayerWindow(node.name, (*places, *(place + 1 for place in places)), 1)
    grid, hull = view.grid, seen.hull
    rank = len(grid)
    axes = unit_axes(node.output_shape, grid)
    ends = dict(zip(grid, zip(hull[:rank], hull[rank:], strict=True), strict=True))
    spans = [ends.get(axis, (0, node.output_shape[axis])) for axis in axes]
    repeats = 1
    for axis in axes:
        repeats *= 1 if axis in ends else node.output_shape[axis]
    return LayerWindow(
        node.name, (*(low for low, _ in spans), *(high for _, high in spans)), seen.size() * repeats
    )


def _middle(box: tuple[int, ...]) -> tuple[int, ...]:
    rank = len(box) // 2
    return tuple((low + high - 1) // 2 for low, high in zip(box[:rank], box[rank:], strict=True))


def _paths(network: Network, node: Node, views: OriginViews, at: tuple[int, ...]) -> tuple[PathField, ...]:
    """Return what a unit of a merge sees over each of its local paths."""
    found: list[Arrival[AxisField]] = arrivals(views.fields, node, Recurrence())
    local = local_views([one.view for one in found], node)
    view = views.fields[node.index]
    assert view is not None
    indices = dict(zip(unit_axes(node.output_shape, view.grid), at, strict=True))
    leading = [one for one in found if any(one.view is kept for kept in local)]
    behind = [_behind(network, views, one.source) for one in leading]
    paths: list[PathField] = []
    first: tuple[int, ...] = ()
    for place, one in enumerate(leading):
        box = theoretical_box(one.view, indices)
        rank = len(box) // 2
        first = first or box
        offset = tuple(
            (box[axis] + box[rank + axis] - first[axis] - first[rank + axis]) / 2 for axis in range(rank)
        )
        others = set[int]().union(*(layers for other, layers in enumerate(behind) if other != place))
        own = tuple(network.nodes[index].name for index in sorted(behind[place] - others))
        paths.append(PathField(network.nodes[one.source].name, box, offset, own))
    return tuple(paths)


def _behind(network: Network, views: OriginViews, index: int) -> set[int]:
    """Return a layer and those before it that depend on the image."""
    found = {index}
    for node in reversed(network.nodes[: index + 1]):
        if node.index in found:
            found |= {source for source in node.sources if views.fields[source] is not None}
    return found
