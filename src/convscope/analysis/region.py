"""The region that one unit sees, and the units that see one pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..errors import BadUnit
from ..layers.base import show_shape
from ..network import Network, Node
from .intervals import Interval, intervals
from .layout import place_of
from .masks import Traversal, seeing, seen_from
from .paths import A, Paths, origin_axes, unit_axes
from .position_set import Mask, PositionSet, from_products
from .receptive_field import AxisField, Irregular, ReceptiveField, receptive_fields


@dataclass(frozen=True)
class Region:
    """The region of the input, or of another layer, that one unit sees.

    Coordinates are pixels, rows first; boxes are half-open: (top, left, bottom, right). `box` is the theoretical
    one and may extend into padding, `clipped` is what is really seen of the image; where a unit sees
    pixels outside the theoretical box, because a border wraps or mirrors, the box is `clipped` along that
    axis. `center` counts from the corner: the first pixel's center is 0.5. `padded_fraction` is the part of `box`
    outside the image. All of these, and `coverage`, are of the local field; where `global_via` names a layer, the
    unit sees more over a global path, and `mask` holds all that it sees.
    """

    layer: str
    at: tuple[int, ...]
    box: tuple[int, ...]
    clipped: tuple[int, ...]
    padded_fraction: float
    status: str
    via: str | None = None
    global_via: str | None = None
    _question: tuple[Network, Node, Node, tuple[int, ...]] | None = field(default=None, repr=False, compare=False)

    @property
    def size(self) -> tuple[int, ...]:
        """Return the extent of `box` per axis."""
        rank = len(self.box) // 2
        return tuple(self.box[rank + axis] - self.box[axis] for axis in range(rank))

    @property
    def center(self) -> tuple[float, ...]:
        """Return the middle of `box`; the first pixel's center is 0.5."""
        rank = len(self.box) // 2
        return tuple((self.box[rank + axis] + self.box[axis]) / 2 for axis in range(rank))

    @cached_property
    def mask(self) -> Mask:
        """Return, over the whole origin, exactly which pixels are seen, over local and global paths alike."""
        return self._pixels(local=False).mask

    @cached_property
    def local_mask(self) -> Mask:
        """Return which pixels are seen over local paths: holes of dilation stay open, global paths are left out.

        It is `mask` where there is no global path beside a local one.
        """
        return self.mask if self.global_via is None else self._pixels(local=True).mask

    def _pixels(self, local: bool) -> PositionSet:
        if self._question is None:
            raise TypeError("a Region made by hand has no mask")
        return _seen(*self._question, local=local)

    @cached_property
    def coverage(self) -> float:
        """Return the fraction of the pixels in `clipped` that is seen over local paths."""
        area = _area(self.clipped)
        return self._pixels(local=self.global_via is not None).size() / area if area else 0.0

    def _repr_html_(self) -> str:
        from ..render.field import region_text
        from ..text.notebook import preformatted
        from ..text.terminal import PIPE_WIDTH

        if self._question is None:
            return preformatted(repr(self))
        network, _, origin, _ = self._question
        return preformatted(region_text(network, self, origin, PIPE_WIDTH))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = {
            "layer": self.layer,
            "at": list(self.at),
            "size": list(self.size),
            "center": list(self.center),
            "box": list(self.box),
            "clipped": list(self.clipped),
            "padded_fraction": self.padded_fraction,
            "coverage": self.coverage,
            "status": self.status,
        }
        for name in ("via", "global_via"):
            if getattr(self, name) is not None:
                document[name] = getattr(self, name)
        return document


@dataclass(frozen=True)
class Units:
    """Which units of a layer see one pixel.

    `mask` covers the layer's position axes: true for every unit that sees the pixel, over any path. `local_mask`
    has those that see it over local paths; the two differ where `global_via` names a layer through which units
    gain a global path beside their local one. `box` is the half-open hull of `mask`, empty when no unit sees it.
    """

    layer: str
    pixel: tuple[int, ...]
    mask: Mask = field(repr=False, compare=False)
    local_mask: Mask = field(repr=False, compare=False)
    global_via: str | None = None

    @property
    def count(self) -> int:
        """Return the number of units, channels not multiplied in."""
        return int(self.mask.sum())

    @property
    def local_count(self) -> int:
        """Return the number of units that see the pixel over local paths."""
        return int(self.local_mask.sum())

    @property
    def box(self) -> tuple[int, ...]:
        """Return (top, left, bottom, right) of the units that see the pixel."""
        return _hull(self.mask)

    @property
    def local_box(self) -> tuple[int, ...]:
        """Return (top, left, bottom, right) of the units that see the pixel over local paths."""
        return _hull(self.local_mask)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = {
            "layer": self.layer,
            "pixel": list(self.pixel),
            "count": self.count,
            "box": list(self.box),
        }
        if self.global_via is not None:
            document |= {
                "local_count": self.local_count,
                "local_box": list(self.local_box),
                "global_via": self.global_via,
            }
        return document


class OriginViews:
    """Both analyses of one network from one origin, cached while the network lives."""

    def __init__(self, network: Network, origin: str) -> None:
        self.axes = origin_axes(network, network[origin])
        self.fields = receptive_fields(network, origin)
        self.intervals = intervals(network, origin)
        self.walk = Traversal(network, network[origin], self.fields)


_known: WeakKeyDictionary[Network, dict[str, OriginViews]] = WeakKeyDictionary()


def origin_views(network: Network, origin: str) -> OriginViews:
    """Return the analyses of a network from one origin, computed once."""
    of_network = _known.setdefault(network, {})
    if origin not in of_network:
        of_network[origin] = OriginViews(network, origin)
    return of_network[origin]


def region(network: Network, layer: str, at: Sequence[int], origin: str | None = None) -> Region:
    """Return the exact region that one unit of a layer sees.

    `at` is (row, column), or a full index with the channel first; for a vector its index.

    Errors:   UnknownLayer; BadUnit when `at` is outside the layer, or when the region cannot be known
    """
    node, source = network[layer], network[origin] if origin else network.inputs[0]
    views = origin_views(network, source.name)
    field_view, exact = views.fields[node.index], views.intervals[node.index]
    field_view = traced(node, source, field_view)
    assert exact is not None
    places = unit_places(node, field_view, at)
    indices = dict(zip(unit_axes(node.output_shape, field_view.grid), places, strict=True))
    box = theoretical_box(field_view, indices)
    if any(one.loose for one in exact.axes):
        clipped = _seen(network, node, source, places, local=True).hull
    else:
        clipped = _exact_box(exact, indices)
    if _area(clipped):
        box = _around(box, clipped)
    sizes = [source.output_shape[axis] for axis in views.axes]
    inside = (
        *(min(max(edge, 0), n) for edge, n in zip(box, sizes, strict=False)),
        *(min(max(edge, 0), n) for edge, n in zip(box[len(sizes) :], sizes, strict=True)),
    )
    if _area(clipped) == 0:
        clipped = inside[: len(sizes)] * 2
    if field_view.via is not None:
        box = inside = clipped
    known = ReceptiveField(field_view)
    return Region(
        layer,
        tuple(at),
        box,
        clipped,
        1 - _area(inside) / _area(box) if _area(box) else 0.0,
        known.status,
        known.via,
        known.global_via,
        (network, node, source, places),
    )


def units_seeing(network: Network, pixel: Sequence[int], layer: str, origin: str | None = None) -> Units:
    """Return which units of a layer see one pixel (row, column) of the input, or of layer `origin`.

    Errors:   UnknownLayer; BadUnit when the pixel is outside the origin, or the fields cannot be known
    """
    node, source = network[layer], network[origin] if origin else network.inputs[0]
    views = origin_views(network, source.name)
    start, view = views.fields[source.index], views.fields[node.index]
    view = traced(node, source, view)
    assert start is not None
    places = unit_places(source, start, pixel)
    marked = one_position([source.output_shape[axis] for axis in start.grid], places)
    locals_too = (False,) if view.global_via is None else (False, True)
    return units_of(node, view, pixel, [seeing(views.walk, node, marked, local) for local in locals_too])


def traced(node: Node, source: Node, view: Paths[A] | None) -> Paths[A]:
    """Return the view of a layer's units, if it is known.

    Raises:
        BadUnit: [unit-blind], [unit-unknown]
    """
    if view is None:
        raise BadUnit(
            "Layer {layer!r} does not depend on {origin!r}. Choose a layer after it. [unit-blind]",
            layer=node.name,
            origin=source.name,
        )
    if view.lost_at is not None:
        raise BadUnit(
            "The receptive field of {layer!r} is unknown: positions cannot be traced through {opaque!r}. "
            "Choose a layer before it. [unit-unknown]",
            layer=node.name,
            opaque=view.lost_at,
        )
    return view


def units_of(node: Node, view: Paths[Any], pixel: Sequence[int], found: Sequence[PositionSet]) -> Units:
    """Return the units of a layer in a set: over all paths, and if they differ over local ones."""
    axes = unit_axes(node.output_shape, view.grid)
    shape = [node.output_shape[axis] for axis in axes]
    wide = [node.output_shape[axis] if axis in view.grid else 1 for axis in axes]
    masks = [np.broadcast_to(one.mask.reshape(wide), shape) for one in found]
    return Units(node.name, tuple(pixel), masks[0], masks[-1], view.global_via)


def _seen(network: Network, node: Node, source: Node, places: tuple[int, ...], local: bool) -> PositionSet:
    walk = origin_views(network, source.name).walk
    view = walk.views[node.index]
    assert view is not None
    axes = unit_axes(node.output_shape, view.grid)
    along = [place for axis, place in zip(axes, places, strict=True) if axis in view.grid]
    return seen_from(walk, node, one_position(walk.grid_shape(node), along), local)


def one_position(shape: Sequence[int], index: Sequence[int]) -> PositionSet:
    """Return the set of one position."""
    return from_products(tuple(shape), [tuple(np.arange(n) == at for n, at in zip(shape, index, strict=True))])


def unit_places(node: Node, view: Paths[Any], at: Sequence[int]) -> tuple[int, ...]:
    """Return the index along the position axes, checked; a full index loses its other axes."""
    axes, shape = unit_axes(node.output_shape, view.grid), node.output_shape
    full = len(at) == len(shape) and len(shape) != len(axes)
    if not full and len(at) != len(axes):
        raise BadUnit(
            "A unit of layer {layer!r} has {count} coordinate(s){form} (got {got}). Its output is {shape}. "
            "[unit-rank]",
            layer=node.name,
            count=len(axes),
            form={2: " ROW,COLUMN", 3: " DEPTH,ROW,COLUMN"}.get(len(axes), ""),
            got=",".join(map(str, at)),
            shape=show_shape(shape),
        )
    named = range(len(shape)) if full else axes
    for axis, place in zip(named, at, strict=True):
        if not 0 <= place < shape[axis]:
            raise _outside(node, at, axis, full, axes)
    return tuple(at[axis] for axis in axes) if full else tuple(at)


def _outside(node: Node, at: Sequence[int], axis: int, full: bool, axes: tuple[int, ...]) -> BadUnit:
    """Return the error for a unit outside its layer, naming the axis that is wrong."""
    shape = node.output_shape
    number = axis if full else axes.index(axis)
    return BadUnit(
        "Layer {layer!r} has no unit {got}: its output is {shape}. Use 0 to {last} as coordinate {number}. "
        "[unit-range]",
        layer=node.name,
        got=",".join(map(str, at)),
        shape=show_shape(shape),
        last=shape[axis] - 1,
        number=number + 1,
    )


def theoretical_box(view: Paths[AxisField], indices: dict[int, int]) -> tuple[int, ...]:
    """Return the box of a unit by the recurrence; `indices` are its coordinates by axis."""
    lows, highs = [], []
    for axis, driver in zip(view.axes, view.drivers, strict=True):
        low, high = axis.edges(np.array([place_of(driver, indices)], dtype=np.int64))
        if isinstance(axis, Irregular) and high[0] <= low[0]:
            low = high = np.zeros(1, np.int64)
        lows.append(int(low[0]))
        highs.append(int(high[0]))
    return (*lows, *highs)


def _around(box: tuple[int, ...], clipped: tuple[int, ...]) -> tuple[int, ...]:
    """Return the theoretical box, or what is really seen along axes where they differ."""
    rank = len(clipped) // 2
    ends = [(box[axis], box[rank + axis]) for axis in range(rank)]
    seen = [(clipped[axis], clipped[rank + axis]) for axis in range(rank)]
    fitting = [
        end if end[0] <= real[0] and real[1] <= end[1] else real for end, real in zip(ends, seen, strict=True)
    ]
    return (*(low for low, _ in fitting), *(high for _, high in fitting))


def _exact_box(view: Paths[Interval], indices: dict[int, int]) -> tuple[int, ...]:
    places = [place_of(driver, indices) for driver in view.drivers]
    lows = [int(axis.low[place]) for axis, place in zip(view.axes, places, strict=True)]
    highs = [int(axis.high[place]) for axis, place in zip(view.axes, places, strict=True)]
    return (*lows, *highs)


def _area(box: Sequence[int]) -> int:
    rank = len(box) // 2
    return prod(max(0, box[rank + axis] - box[axis]) for axis in range(rank))


def _hull(mask: Mask) -> tuple[int, ...]:
    """Return the half-open bounding box of a mask; all zeros when it is empty."""
    if not mask.any():
        return (0,) * (2 * mask.ndim)
    axes = range(mask.ndim)
    spans = [np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return (*(int(s[0]) for s in spans), *(int(s[-1]) + 1 for s in spans))
