"""Receptive fields as text: table cells with footnotes, one unit's region, the units that see a pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..analysis.receptive_field import ReceptiveField
from ..analysis.region import Region, Units
from ..layers.base import show_shape
from ..network import Network, Node
from ..text.language import Message, localize, translate
from ..text.lists import shortened_with_count
from ..text.numbers import count, decimal, per_axis, percent
from ..text.table import align, wrap
from ..text.terminal import PLAIN, Paint

_MARKS = {"union": "∪", "misaligned": "≠", "varying": "≤"}
_WORDS = {"global": Message("all"), "unknown": "?", "none": Message("none")}
_NAMED = 3

FieldText = tuple[str, str, str]


def field_text(field: ReceptiveField) -> FieldText:
    """Return size, stride and start as the columns of a table show them.

    >>> from convscope import inspect
    >>> field_text(inspect("alexnet")["conv1"].receptive_field)
    ('11×11', '/4', '@5.5')
    """
    status, size, stride, start = field.status, field.size, field.stride, field.start
    if size is None:
        return _WORDS[status], "", ""
    extent = _MARKS.get(status, "") + show_shape(size) + ("+" if field.global_via else "")
    return extent, "/" + per_axis(stride) if stride else "", "@" + per_axis(start, ",") if start else ""


def field_notes(fields: Iterable[tuple[str, ReceptiveField]]) -> list[Message]:
    """Return one footnote for each symbol that occurs in the fields of these layers."""
    known = list(fields)
    by_status: dict[str, list[ReceptiveField]] = {}
    for _, field in known:
        by_status.setdefault(field.status, []).append(field)
    sides = _once(field.global_via for _, field in known)
    notes = []
    if "union" in by_status:
        notes.append(Message("∪ union: paths with different receptive fields meet; the size covers all of them."))
    if "misaligned" in by_status:
        merges = {m.layer: m.offset for field in by_status["misaligned"] for m in field.merges}
        where = [
            Message("{layer} by {offset} px", layer=name, offset=per_axis(offset))
            for name, offset in merges.items()
        ]
        notes.append(
            Message(
                "≠ misaligned: paths whose centers differ meet in {layers}.",
                layers=shortened_with_count(where, _NAMED),
            )
        )
    if "varying" in by_status:
        notes.append(
            Message("≤ varying: units differ; size is the largest, stride the mean, start that of the first unit.")
        )
    if "global" in by_status:
        via = _once(field.via for field in by_status["global"])
        notes.append(
            Message(
                "all: every unit sees every pixel, through {layers}.", layers=shortened_with_count(via, _NAMED)
            )
        )
    if sides:
        notes.append(
            Message(
                "+ a side path also sees every pixel, through {layers}.",
                layers=shortened_with_count(sides, _NAMED),
            )
        )
    if "unknown" in by_status:
        lost = _once(field.via for field in by_status["unknown"])
        notes.append(
            Message(
                "? unknown: positions cannot be traced through {layers}.",
                layers=shortened_with_count(lost, _NAMED),
            )
        )
    if "none" in by_status:
        notes.append(Message("none: no pixel of the (first) input is seen."))
    return notes


def _once(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))


def region_text(network: Network, region: Region, origin: Node, width: int, paint: Paint = PLAIN) -> str:
    """Return the region of one unit: box, center, padding, and a sketch of the image."""
    lines = [
        (localize("box"), _spans(region.box)),
        (localize("in the image"), _spans(region.clipped)),
        (localize("center"), ", ".join(map(decimal, region.center))),
        (localize("padding"), localize("{share} of the box", share=percent(region.padded_fraction))),
        (localize("coverage"), localize("{share} of the box in the image", share=percent(region.coverage))),
        (localize("status"), _status(region)),
    ]
    title = localize(
        "{network}: unit {position} of {layer} sees {size} pixels of {origin}",
        network=network.name,
        position=",".join(map(str, region.at)),
        layer=_named(network[region.layer]),
        size=show_shape(region.size),
        origin=_named(origin),
    )
    return _page(title, lines, sketch_region(region, min(width, 72)), width, paint)


def units_text(network: Network, units: Units, origin: Node, width: int, paint: Paint = PLAIN) -> str:
    """Return the units of a layer that see a pixel, with a sketch of the layer's map."""
    seen, of = count(units.count), count(units.mask.size)
    lines = [
        (localize("units"), localize("{seen} of {total}, in every channel", seen=seen, total=of)),
        (localize("box"), _spans(units.box) if units.count else localize("empty: no unit sees it")),
    ]
    if units.global_via is not None:
        local = _spans(units.local_box) if units.local_count else localize("none")
        by_local = count(units.local_count)
        lines += [
            (localize("local"), localize("{seen} of them through local paths: {box}", seen=by_local, box=local)),
            (
                localize("global"),
                localize("the others only through the global path, {layer}", layer=units.global_via),
            ),
        ]
    values = {
        "network": network.name,
        "position": ",".join(map(str, units.pixel)),
        "origin": _named(origin),
        "seen": seen,
        "layer": _named(network[units.layer]),
    }
    if origin.inputs:
        title = localize("{network}: unit {position} of {origin} is seen by {seen} units of {layer}", **values)
    else:
        title = localize("{network}: pixel {position} of {origin} is seen by {seen} units of {layer}", **values)
    return _page(title, lines, sketch_units(units, min(width, 72)), width, paint)


def _page(title: str, lines: Sequence[tuple[str, str]], sketch: str, width: int, paint: Paint) -> str:
    heading = [paint.strong(line) for line in wrap(title, width)]
    facts = [f"  {line}" for line in align(lines)]
    return "\n".join([*heading, "", *facts, "", sketch])


def _named(node: Node) -> str:
    return f"{node.name} ({show_shape(node.output_shape)})"


def _spans(box: Sequence[int]) -> str:
    """Write a half-open box with Python's slices, as in `rows 32:227, columns 0:195`."""
    rank = len(box) // 2
    slices = [f"{box[axis]}:{box[rank + axis]}" for axis in range(rank)]
    match slices:
        case [positions]:
            return localize("positions {positions}", positions=positions)
        case [rows, columns]:
            return localize("rows {rows}, columns {columns}", rows=rows, columns=columns)
        case [depth, rows, columns]:
            return localize(
                "slices {slices}, rows {rows}, columns {columns}", slices=depth, rows=rows, columns=columns
            )
        case _:
            return ", ".join(
                localize("axis {axis} {slice}", axis=axis, slice=one) for axis, one in enumerate(slices)
            )


def _status(region: Region) -> str:
    if region.status == "global":
        return localize("global: every unit sees every pixel, through {layer}", layer=region.via)
    status = translate(_STATUS[region.status])
    if not region.global_via:
        return status
    return localize(
        "{status}; a side path also sees every pixel, through {layer}", status=status, layer=region.global_via
    )


_STATUS = {
    "exact": Message("exact"),
    "union": Message("exact: the hull of paths with different extents"),
    "misaligned": Message("exact: the hull of paths whose centers differ"),
    "varying": Message("exact: the region's size differs between units of this layer"),
}


SEEN, PARTLY, PADDING, GLOBAL, UNSEEN, BEYOND, CENTER = "█", "▒", "░", ":", "·", " ", "+"
_MEANINGS = {
    SEEN: Message("seen"),
    PARTLY: Message("partly seen"),
    PADDING: Message("padding"),
    GLOBAL: Message("seen only through the global path"),
    UNSEEN: Message("not seen"),
    CENTER: Message("center"),
}

USUAL_LINES, MOST_LINES = 24, 34
"""Lines of a sketch; up to the second limit where that gives every pixel a cell of its own."""

Mask = NDArray[np.bool_]


class Rectangle(NamedTuple):
    """Half-open rectangle of pixels."""

    top: int
    left: int
    bottom: int
    right: int

    def around(self, other: Rectangle) -> Rectangle:
        """Return the smallest rectangle that contains both."""
        return Rectangle(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def meets(self, other: Rectangle) -> bool:
        """Tell whether the two share a pixel."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right


def sketch_region(region: Region, width: int = 72) -> str:
    """Draw one unit's region on the image, padding included, with a legend.

    Of a volume, rows and columns are drawn with all slices merged.
    """
    seen = _plane(region.local_mask) + 2 * _plane(region.mask)
    rank = len(region.box) // 2
    box = region.box if rank > 1 else (0, region.box[0], 1, region.box[1])
    center = region.center if rank > 1 else (0.5, region.center[0])
    rank = max(rank, 2)
    frame = Rectangle(box[rank - 2], box[rank - 1], box[-2], box[-1])
    return _sketch(seen, frame, (center[-2], center[-1]), width)


def sketch_units(units: Units, width: int = 72) -> str:
    """Draw the units of a layer's map that see a pixel."""
    seen = _plane(units.local_mask) + 2 * _plane(units.mask)
    return _sketch(seen, Rectangle(0, 0, *seen.shape), None, width)


def _plane(mask: Mask) -> Mask:
    """Return rows and columns of a mask: one row for 1-D masks, slices merged for volumes."""
    if mask.ndim < 2:
        return mask.reshape(1, -1)
    return np.asarray(mask.any(axis=tuple(range(mask.ndim - 2))))


def _sketch(seen: NDArray[np.int_], box: Rectangle, center: tuple[float, float] | None, width: int) -> str:
    # Odd where seen through a local path, nonzero where seen at all.
    image = Rectangle(0, 0, *seen.shape)
    canvas = image.around(box)
    step = _step(canvas.bottom - canvas.top, canvas.right - canvas.left, width)
    across = [(left, left + max(step // 2, 1)) for left in range(canvas.left, canvas.right, max(step // 2, 1))]
    if step == 1:
        across = [column for column in across for _ in range(2)]
    lines = [
        "".join(
            _character(Rectangle(up, left, up + step, right), seen, image, box, center) for left, right in across
        )
        for up in range(canvas.top, canvas.bottom, step)
    ]
    used = set("".join(lines))
    meanings = [f"{symbol} {translate(word)}" for symbol, word in _MEANINGS.items() if symbol in used]
    if step > 1:
        meanings.append(localize("one character is {rows}×{columns} pixels", rows=step, columns=step // 2))
    return "\n".join([*(line.rstrip() for line in lines), "", "   ".join(meanings)])


def _step(rows: int, columns: int, width: int) -> int:
    """Return the pixels per line, 1 or even: a character is half as wide as high, so one pixel takes two."""
    if rows <= MOST_LINES and 2 * columns <= width:
        return 1
    return 2 * ceil(max(rows / USUAL_LINES, 2 * columns / width) / 2)


def _character(
    cell: Rectangle, seen: NDArray[np.int_], image: Rectangle, box: Rectangle, center: tuple[float, float] | None
) -> str:
    if center is not None and cell.top <= center[0] < cell.bottom and cell.left <= center[1] < cell.right:
        return CENTER
    if not cell.meets(image):
        return PADDING if cell.meets(box) else BEYOND
    under = seen[max(cell.top, 0) : cell.bottom, max(cell.left, 0) : cell.right]
    local = under % 2
    if not local.any():
        return GLOBAL if under.any() else UNSEEN
    return SEEN if 2 * int(local.sum()) > under.size else PARTLY
