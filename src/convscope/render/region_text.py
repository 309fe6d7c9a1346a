"""A unit's region, and the units that see a pixel, in words and as a sketch."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.region import Region, Units
from ..layers.base import show_shape
from ..network import Network, Node
from ..text.ansi import PLAIN, Paint
from ..text.cells import pad, wrap
from ..text.numbers import count, decimal, percent
from .sketch import sketch_region, sketch_units

_AXES = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
_STATUS = {
    "exact": "exact",
    "union": "exact: the hull over paths of different extent",
    "misaligned": "exact: the hull over paths whose centers differ",
    "varying": "exact: units of this layer see regions of different size",
}


def region_text(network: Network, region: Region, origin: Node, width: int, paint: Paint = PLAIN) -> str:
    """Return what one unit sees: box, center, padding, and a sketch of the image."""
    layer = network[region.layer]
    place = ",".join(map(str, region.at))
    lines = [
        ("box", _spans(region.box)),
        ("in the image", _spans(region.clipped)),
        ("center", ", ".join(map(decimal, region.center))),
        ("over padding", percent(region.padded_fraction)),
        ("touched", f"{percent(region.coverage)} of what lies in the image"),
        ("status", _status(region)),
    ]
    title = f"unit {place} of {_named(layer)} sees {show_shape(region.size)} pixels of {_named(origin)}"
    return _page(f"{network.name}: {title}", lines, sketch_region(region, min(width, 72)), width, paint)


def units_text(network: Network, units: Units, origin: Node, width: int, paint: Paint = PLAIN) -> str:
    """Return which units of a layer see a pixel, with a sketch of the layer's map."""
    layer = network[units.layer]
    place = ",".join(map(str, units.pixel))
    pixel = "pixel" if not origin.inputs else "unit"
    lines = [
        ("units", f"{count(units.count)} of {count(units.mask.size)}, in every channel"),
        ("box", _spans(units.box) if units.count else "empty: no unit has this place in its region"),
    ]
    if units.global_via is not None:
        local = _spans(units.local_box) if units.local_count else "none"
        lines += [
            ("local", f"{count(units.local_count)} of them over local paths: {local}"),
            ("global", f"the others over the global path through {units.global_via}"),
        ]
    title = f"{pixel} {place} of {_named(origin)} is seen by {count(units.count)} units of {_named(layer)}"
    return _page(f"{network.name}: {title}", lines, sketch_units(units, min(width, 72)), width, paint)


def _page(title: str, lines: Sequence[tuple[str, str]], sketch: str, width: int, paint: Paint) -> str:
    widest = max(len(name) for name, _ in lines)
    heading = [paint.strong(line) for line in wrap(title, width)]
    facts = [f"  {pad(name, widest)}  {value}" for name, value in lines]
    return "\n".join([*heading, "", *facts, "", sketch])


def _named(node: Node) -> str:
    return f"{node.name} ({show_shape(node.output_shape)})"


def _spans(box: Sequence[int]) -> str:
    """Write a half-open box with Python's slices, as in `rows 32:227, columns 0:195`."""
    rank = len(box) // 2
    names = _AXES.get(rank, tuple(f"axis {axis}" for axis in range(rank)))
    return ", ".join(f"{name} {box[axis]}:{box[rank + axis]}" for axis, name in enumerate(names))


def _status(region: Region) -> str:
    if region.status == "global":
        return f"global: every unit sees everything, through {region.via}"
    side = f"; a side path also sees everything, through {region.global_via}" if region.global_via else ""
    return _STATUS[region.status] + side
