"""Borders put around images, and pieces cut out of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ....axis.window import Border
from ....layers.rearrange import Crop, Pad, Reshape, Slice
from ....layers.structural import Identity
from ....settings import Pads
from ..call import Call
from ..flow import Flow, Unmapped, plain
from ..registry import converts
from .rearrange import squeezed


def _pairs(given: Any) -> Pads:
    """Return (before, after) per axis; a layer for sequences has one pair alone."""
    pairs = [given] if isinstance(given[0], int) else given
    return tuple((int(before), int(after)) for before, after in pairs)


@converts("layers.ZeroPadding1D", "layers.ZeroPadding2D", "layers.ZeroPadding3D")
def zero_padding(call: Call) -> Flow:
    """Convert a border of zeros."""
    return call.emit(Pad(_pairs(call.op.padding)), call.image())


@converts("layers.Cropping1D", "layers.Cropping2D", "layers.Cropping3D")
def cropping(call: Call) -> Flow:
    """Convert edges that are cut off."""
    return call.emit(Crop(_pairs(call.op.cropping)), call.image())


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
    widths = widths * (len(flow.order) + flow.batched) if len(widths) == 1 else widths
    value = call.number(call.argument(1, "constant_values", 0) or 0)
    border = _BORDERS.get(call.op.mode)
    if (flow.batched and tuple(widths[0]) != (0, 0)) or border is None or value is None:
        raise Unmapped("images are mixed, or another border")
    pairs = _pairs([widths[axis + flow.batched] for axis in flow.order])
    if pairs[0] == (0, 0) and len(pairs) > 1:
        return call.emit(Pad(pairs[1:], border, value), flow)
    rank = len(pairs)
    lifted = call.emit(Reshape((1, *flow.held)), flow, part="lift", order=plain(rank + 1))
    padded = call.emit(Pad(pairs, border, value), lifted, part="pad")
    held = call.walk.builder.shapes[padded.layer][1:]
    return call.emit(Reshape(held), padded, order=flow.order)


@converts("ops.numpy.GetItem")
def get_item(call: Call) -> Flow:
    """Convert slices, single indices and new axes; the batch must be whole."""
    flow, key = call.flow(), call.argument(1, "key")
    keys = list(key) if isinstance(key, tuple) else [key]
    if not all(one is None or one is Ellipsis or isinstance(one, int | slice) for one in keys):
        raise Unmapped("numbers are looked up")
    rank = len(flow.order) + flow.batched
    given = sum(1 for one in keys if one is not None and one is not Ellipsis)
    place = keys.index(Ellipsis) if Ellipsis in keys else len(keys)
    keys[place : place + 1] = [slice(None)] * (rank - given)
    if flow.batched and keys[0] != slice(None):
        raise Unmapped("images are picked")
    keys = keys[flow.batched :]
    cuts = [_cut(one, size) for one, size in zip((k for k in keys if k is not None), flow.shape, strict=True)]
    wanted = [(axis, cut) for axis, cut in enumerate(cuts) if cut != (0, flow.shape[axis], 1)]
    picked = {axis for axis, one in enumerate(k for k in keys if k is not None) if isinstance(one, int)}
    if not wanted and not picked and None not in keys:
        return call.emit(Identity(), flow)
    for index, (axis, cut) in enumerate(wanted):
        last = index == len(wanted) - 1 and not picked and None not in keys
        flow = call.emit(Slice(flow.axis(axis), *cut), flow, part="" if last else f"axis{axis}")
    if None not in keys:
        return squeezed(call, flow, picked) if picked else flow
    sizes = iter(flow.shape)
    shape = tuple(1 if one is None else next(sizes) for one in keys)
    return call.reshaped(
        flow, tuple(n for n, one in zip(shape, keys, strict=True) if not isinstance(one, int)) or (1,)
    )


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
    axis = flow.place(call.op.axis)
    size, given = flow.shape[axis], call.op.indices_or_sections
    if isinstance(given, int):
        if size % given:
            raise Unmapped("pieces of different sizes")
        given = tuple(range(size // given, size, size // given))
    ends = [0, *map(int, given), size]
    place = flow.axis(axis)
    return [call.emit(Slice(place, *cut), flow, part=str(i)) for i, cut in enumerate(pairwise(ends))]
