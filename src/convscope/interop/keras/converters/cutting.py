"""Borders put around pictures, and pieces cut out of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ....axis.window import Border
from ....layers.rearrange import Crop, Pad, Reshape, Slice
from ....layers.special import Identity
from ....settings import Pads
from ..call import Call
from ..flow import Flow, Unmapped, plain, without_batch
from ..registry import converts
from .rearrange import squeezed


def _pairs(given: Any) -> Pads:
    """Return (before, after) per axis; a layer for sequences has one pair alone."""
    pairs = [given] if isinstance(given[0], int) else given
    return tuple((int(before), int(after)) for before, after in pairs)


@converts("layers.ZeroPadding1D", "layers.ZeroPadding2D", "layers.ZeroPadding3D")
def zero_padding(call: Call) -> Flow:
    """Convert a border of zeros."""
    return call.emit(Pad(_pairs(call.op.padding)), call.picture())


@converts("layers.Cropping1D", "layers.Cropping2D", "layers.Cropping3D")
def cropping(call: Call) -> Flow:
    """Convert edges that are cut off."""
    return call.emit(Crop(_pairs(call.op.cropping)), call.picture())


_BORDERS: dict[str, Border] = {
    "constant": "zeros",
    "edge": "replicate",
    "reflect": "reflect",
    "wrap": "circular",
}


@converts("ops.numpy.Pad")
def pad(call: Call) -> Flow:
    """Convert a border around any axes but the batch."""
    flow = call.flow()
    widths = tuple(call.op.pad_width)
    widths = widths * (len(flow.order) + 1) if len(widths) == 1 else widths
    value = call.number(call.argument(1, "constant_values", 0) or 0)
    border = _BORDERS.get(call.op.mode)
    if tuple(widths[0]) != (0, 0) or border is None or value is None:
        raise Unmapped("pictures are mixed, or another border")
    pairs = _pairs([widths[axis + 1] for axis in flow.order])
    if pairs[0] == (0, 0) and len(pairs) > 1:
        return call.emit(Pad(pairs[1:], border, value), flow)
    rank = len(pairs)
    lifted = call.emit(Reshape((1, *flow.held)), flow, part="lift", order=plain(rank + 1))
    padded = call.emit(Pad(pairs, border, value), lifted, part="pad")
    held = call.walk.builder.shapes[padded.layer][1:]
    return call.emit(Reshape(held), padded, order=flow.order)


@converts("ops.numpy.GetItem")
def get_item(call: Call) -> Flow:
    """Convert slices and single indices; the batch must be whole."""
    flow, key = call.flow(), call.argument(1, "key")
    keys = list(key) if isinstance(key, tuple) else [key]
    rank = len(flow.order)
    given = sum(1 for one in keys if one is not None and one is not Ellipsis)
    if any(one is None for one in keys):
        raise Unmapped("new axes")
    if Ellipsis in keys:
        place = keys.index(Ellipsis)
        keys[place : place + 1] = [slice(None)] * (rank + 1 - given)
    keys += [slice(None)] * (rank + 1 - len(keys))
    if keys[0] != slice(None) or not all(isinstance(one, int | slice) for one in keys):
        raise Unmapped("pictures are picked, or numbers are looked up")
    cuts = [(axis, _cut(one, flow.shape[axis])) for axis, one in enumerate(keys[1:])]
    cuts = [(axis, cut) for axis, cut in cuts if cut != (0, flow.shape[axis], 1)]
    gone = {axis for axis, one in enumerate(keys[1:]) if isinstance(one, int)}
    if not cuts and not gone:
        return call.emit(Identity(), flow)
    for index, (axis, cut) in enumerate(cuts):
        last = index == len(cuts) - 1 and not gone
        flow = call.emit(Slice(flow.axis(axis), *cut), flow, part="" if last else f"axis{axis}")
    return squeezed(call, flow, gone) if gone else flow


def _cut(key: int | slice, size: int) -> tuple[int, int, int]:
    if isinstance(key, int):
        if not -size <= key < size:
            raise Unmapped("an index that is not there")
        return key % size, key % size + 1, 1
    start, stop, step = key.indices(size)
    if step < 1 or stop <= start:
        raise Unmapped("an axis turned round, or nothing")
    return start, stop, step


@converts("ops.numpy.Split")
def split(call: Call) -> list[Flow]:
    """Convert stretches of one axis, each a layer of its own."""
    flow = call.flow()
    axis = without_batch(call.op.axis, len(flow.order))
    size, given = flow.shape[axis], call.op.indices_or_sections
    if isinstance(given, int):
        if size % given:
            raise Unmapped("pieces of different sizes")
        given = tuple(range(size // given, size, size // given))
    ends = [0, *map(int, given), size]
    place = flow.axis(axis)
    return [call.emit(Slice(place, *cut), flow, part=str(i)) for i, cut in enumerate(pairwise(ends))]
