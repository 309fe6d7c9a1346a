"""Reshape, permute, pad, crop."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ....axis.window import Border
from ....layers.connection import Shape
from ....layers.indexing import Expand
from ....layers.rearrange import Crop, Pad, Permute, Reshape
from ....layers.structural import Identity
from ....settings import Pads
from ..call import Call
from ..flow import Flow, Order, Unmapped, leading, plain
from ..registry import converts


def permuted(call: Call, flow: Flow, order: Order) -> Flow:
    """Put Keras' axes, batch left out, in another order, and hold them so."""
    turn = tuple(flow.axis(axis) for axis in order)
    layer = Identity() if turn == plain(len(turn)) else Permute(turn)
    return call.emit(layer, flow, order=plain(len(turn)))


@converts("layers.Flatten")
def flatten(call: Call) -> Flow:
    """Convert all axes in one: rows, columns, channels, whatever the data format is."""
    flow = call.flow()
    if call.data_format == "channels_first":
        rank = len(flow.order)
        channels_last = (*range(1, rank), 0) if rank else ()
        flow = call.arranged(flow, channels_last)
        flow = replace(flow, order=plain(rank))
    return call.reshaped(flow, (prod(flow.held),))


@converts("layers.Reshape")
def reshape(call: Call) -> Flow:
    """Convert the same elements in another shape."""
    return call.reshaped(call.flow(), _whole(tuple(call.op.target_shape), call.flow()))


def _whole(shape: tuple[int | None, ...], flow: Flow) -> Shape:
    """Return a shape with its one open size found."""
    known = prod(size for size in shape if size not in (None, -1))
    total = prod(flow.held)
    found = tuple(total // known if size in (None, -1) else int(size or 0) for size in shape)
    if not shape or prod(found) != total:
        raise Unmapped("images are mixed")
    return found


@converts("ops.numpy.Reshape")
def reshape_function(call: Call) -> Flow:
    """Convert `reshape`, whose first size must be the batch's if there is one."""
    shape, flow = call.op.newshape, call.flow()
    shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    return call.reshaped(flow, _whole(shape[flow.batched :], flow))


@converts("layers.Permute")
def permute(call: Call) -> Flow:
    """Convert axes in another order; Keras counts them from 1."""
    return permuted(call, call.flow(), tuple(axis - 1 for axis in call.op.dims))


@converts("ops.numpy.Transpose")
def transpose(call: Call) -> Flow:
    """Convert axes in another order; the batch must stay in front."""
    flow = call.flow()
    axes = call.op.axes or tuple(range(len(flow.order) + flow.batched))[::-1]
    if flow.batched and axes[0] != 0:
        raise Unmapped("images are mixed")
    return permuted(call, flow, tuple(flow.place(axis) for axis in axes[flow.batched :]))


@converts("ops.numpy.Swapaxes")
def swap_axes(call: Call) -> Flow:
    """Convert two axes that change places."""
    flow = call.flow()
    one, two = (flow.place(axis) for axis in (call.op.axis1, call.op.axis2))
    order = list(range(len(flow.order)))
    order[one], order[two] = two, one
    return permuted(call, flow, tuple(order))


@converts("ops.numpy.Moveaxis")
def move_axes(call: Call) -> Flow:
    """Convert axes that are moved to other places."""
    flow = call.flow()
    rank = len(flow.order)
    places = {
        flow.place(new): flow.place(old) for old, new in zip(call.op.source, call.op.destination, strict=True)
    }
    others = iter([axis for axis in range(rank) if axis not in places.values()])
    return permuted(call, flow, tuple(places[a] if a in places else next(others) for a in range(rank)))


@converts("ops.numpy.ExpandDims")
def expand_dims(call: Call) -> Flow:
    """Convert new axes of size 1."""
    flow = call.flow()
    axes = call.op.axis if isinstance(call.op.axis, list | tuple) else [call.op.axis]
    rank = len(flow.order) + len(axes)
    new = {flow.place(axis, len(axes)) for axis in axes}
    sizes = iter(flow.shape)
    return call.reshaped(flow, tuple(1 if axis in new else next(sizes) for axis in range(rank)))


@converts("ops.numpy.Squeeze")
def squeeze(call: Call) -> Flow:
    """Convert axes of size 1 that are left out."""
    flow, axis = call.flow(), call.op.axis
    rank = len(flow.order)
    axes = (
        axis
        if isinstance(axis, list | tuple)
        else [a + flow.batched for a in range(rank)]
        if axis is None
        else [axis]
    )
    gone = {flow.place(one) for one in axes}
    return squeezed(call, flow, {axis for axis in gone if flow.shape[axis] == 1})


def squeezed(call: Call, flow: Flow, gone: set[int], part: str = "") -> Flow:
    """Leave out axes of size 1."""
    kept = [axis for axis in range(len(flow.order)) if axis not in gone]
    if not kept and flow.batched:
        raise Unmapped("one number per image")
    order = tuple(kept.index(axis) for axis in flow.order if axis in kept)
    held = tuple(flow.shape[axis] for axis in flow.order if axis in kept)
    if not kept:
        order, held = (0,), (1,)
    return call.emit(Reshape(held), flow, part=part, order=order)


@converts("layers.RepeatVector")
def repeat_vector(call: Call) -> Flow:
    """Convert a vector that becomes every step of a sequence."""
    flow = call.flow()
    row = call.emit(Reshape((1, *flow.held)), flow, part="row", order=leading(0, 2))
    return call.emit(Expand((call.op.n, *flow.held)), row)


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
