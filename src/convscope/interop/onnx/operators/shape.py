"""Reshape, Transpose, Pad and other operators that give elements another shape or order."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ....layers import ChannelShuffle, Concat, Crop, Expand, Flatten, Pad, Parameter, Permute, PixelShuffle, Slice
from ....layers.connection import Shape
from ....settings import Pads
from ..call import Call, with_batch_at, with_layer_output, without_batch
from ..fold_rules import new_shape
from ..registry import UnsupportedOperator, converts
from ..values import NUMERIC, Flow, broadcast, filled, without_axis
from . import patterns

MAX_COPIES = 64
"""Pieces that one operator is written as; more would say less than an Opaque layer."""


@converts("Reshape", since=(5, 13, 14, 19, 21, 23, 24, 25), types=NUMERIC)
def reshape(call: Call) -> Sequence[Flow]:
    """Reshape to a fixed shape; 0 keeps a size, -1 is found."""
    x = call.flow()
    wanted = call.integer_list(1)
    try:
        shape = new_shape(x.shape, wanted, bool(call.attribute("allowzero", 0)))
    except (ValueError, IndexError) as error:
        raise call.invalid(f"Reshape.shape must hold the input's elements; got {error}") from None
    batch = batch_after_reshape(x, shape)
    shuffled = patterns.channel_shuffle(call, without_axis(shape, batch)) if batch == 0 else None
    return [shuffled or call.reshape(x, shape, batch)]


def batch_after_reshape(x: Flow, shape: Shape) -> int | None:
    """Return where the batch stands after a change of shape that keeps the elements in order."""
    if x.batch is None:
        return 0 if len(shape) > 1 and shape[0] == 1 else None
    size = x.shape[x.batch]
    before = prod(x.shape[: x.batch])
    axes: list[int] = [x.batch, *range(len(shape))]
    for axis in axes:
        if axis < len(shape) and shape[axis] == size and prod(shape[:axis]) == before:
            return axis
    if size != 1:
        raise UnsupportedOperator("the batch folded into another axis")
    return 0 if len(shape) > 1 and shape[0] == 1 else None


@converts("Flatten", since=(9, 11, 13, 21, 23, 24, 25), types=NUMERIC)
def flatten(call: Call) -> Sequence[Flow]:
    """Two axes: the product of those before `axis`, and of the rest."""
    x = call.flow()
    axis = call.attribute("axis", 1)
    axis += len(x.shape) if axis < 0 else 0
    if x.batch == 0 and axis == 1:
        return [call.emit(Flatten(), x)]
    shape = (prod(x.shape[:axis]), prod(x.shape[axis:]))
    return [call.reshape(x, shape, batch_after_reshape(x, shape))]


@converts("Squeeze", since=(1, 11, 13, 21, 23, 24, 25), types=NUMERIC)
def squeeze(call: Call) -> Sequence[Flow]:
    """Take out axes of size 1."""
    x = call.flow()
    rank = len(x.shape)
    given = call.integer_argument(1, "axes")
    axes = [axis for axis, size in enumerate(x.shape) if size == 1] if given is None else [a % rank for a in given]
    if any(x.shape[axis] != 1 for axis in axes):
        raise call.invalid(f"Squeeze.axes must have size 1; got axes={axes} of {x.shape}")
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    batch = None if x.batch is None or x.batch in axes else x.batch - sum(axis < x.batch for axis in axes)
    return [call.reshape(x, shape, batch)]


@converts("Unsqueeze", since=(1, 11, 13, 21, 23, 24, 25), types=NUMERIC)
def unsqueeze(call: Call) -> Sequence[Flow]:
    """Put in axes of size 1."""
    x = call.flow()
    given = call.integer_argument(1, "axes") or []
    rank = len(x.shape) + len(given)
    axes = {axis % rank for axis in given}
    places = [axis for axis in range(rank) if axis not in axes]
    shape = [1] * rank
    for place, size in zip(places, x.shape, strict=True):
        shape[place] = size
    return [call.reshape(x, tuple(shape), None if x.batch is None else places[x.batch])]


@converts("Transpose", since=(1, 13, 21, 23, 24, 25), types=NUMERIC)
def transpose(call: Call) -> Sequence[Flow]:
    """Axes in another order; one that only moves the batch changes no image."""
    x = call.flow()
    order = list(call.attribute("perm", list(range(len(x.shape)))[::-1]))
    if sorted(order) != list(range(len(x.shape))):
        raise call.invalid(f"Transpose.perm must name each of {len(x.shape)} axes once; got perm={order}")
    shape = tuple(x.shape[axis] for axis in order)
    batch = None if x.batch is None else order.index(x.batch)
    imaged = tuple(axis for axis in map(x.axis, order) if axis is not None)
    normalized = patterns.moved_layer_norm(call, order, imaged)
    if normalized is not None:
        return [normalized]
    if imaged == tuple(range(len(imaged))):
        return [x.view(shape, batch)]
    return [with_layer_output(x, call.emit(Permute(imaged), x), batch)]


@converts("Expand", since=(8, 13), types=NUMERIC)
def expand(call: Call) -> Sequence[Flow]:
    """Repeat axes of size 1 up to a shape, as broadcasting does."""
    x = call.flow()
    wanted = tuple(call.integer_list(1))
    shape = broadcast(x.shape, wanted)
    place = None if x.batch is None else x.batch - len(x.shape)
    if x.batch is not None and shape[len(shape) + x.batch - len(x.shape)] != x.shape[x.batch]:
        x, place = without_batch(x), None
    batch = None if place is None else len(shape) + place
    image = without_axis(shape, batch)
    if image == x.image:
        return [x.view(shape, batch)]
    return [with_layer_output(x, call.emit(Expand(image), x), batch)]


@converts("Tile", since=(6, 13), types=NUMERIC)
def tile(call: Call) -> Sequence[Flow]:
    """The whole repeated along axes."""
    x = call.flow()
    repeats = call.integer_list(1)
    if x.batch is not None and repeats[x.batch] != 1:
        x = without_batch(x)
    todo = [(x.axis(axis), times) for axis, times in enumerate(repeats) if times != 1]
    if any(not 1 <= times <= MAX_COPIES for _, times in todo) or not todo:
        if todo:
            raise UnsupportedOperator("many copies")
        return [x]
    output = x
    for index, (axis, times) in enumerate(todo):
        part = "" if index == len(todo) - 1 else str(index)
        output = call.emit(Concat(axis or 0), *[output] * times, part=part)
    return [with_layer_output(x, output, x.batch)]


@converts("DepthToSpace", since=(1, 11, 13, 28), types=NUMERIC)
def depth_to_space(call: Call) -> Sequence[Flow]:
    """Channels become finer pixels; DCR counts them block by block, CRD channel by channel as PixelShuffle."""
    x, size, order = call.images(), call.attribute("blocksize", 1), _channel_order(call)
    if len(x.shape) != 4:
        raise UnsupportedOperator("two spatial axes")
    if order == "DCR" and size > 1:
        x = call.emit(ChannelShuffle(size * size), x, part="shuffle")
    return [call.emit(PixelShuffle(size), x)]


@converts("SpaceToDepth", since=(1, 13, 28), types=NUMERIC)
def space_to_depth(call: Call) -> Sequence[Flow]:
    """Pixels become channels: every blocksize-th pixel, one after another; CRD then counts channel by channel."""
    x, size, order = call.images(), call.attribute("blocksize", 1), _channel_order(call)
    if len(x.shape) != 4 or not size >= 2 or size * size > MAX_COPIES:
        raise UnsupportedOperator("blocks of 2 to 8 pixels")
    if x.shape[2] % size or x.shape[3] % size:
        raise call.invalid(f"SpaceToDepth.blocksize must divide height and width; got {size} for {x.shape}")
    pieces = []
    for row in range(size):
        rows = call.emit(Slice(1, row, None, size), x, part=f"row{row}")
        pieces += [
            call.emit(Slice(2, column, None, size), rows, part=f"row{row}column{column}") for column in range(size)
        ]
    if order == "DCR":
        return [call.emit(Concat(0), *pieces)]
    blocks = call.emit(Concat(0), *pieces, part="blocks")
    return [call.emit(ChannelShuffle(size * size), blocks)]


def _channel_order(call: Call) -> str:
    """Return whether blocks (DCR) or channels (CRD) come first among the channels."""
    order = call.attribute("mode", "DCR")
    if order not in ("DCR", "CRD"):
        raise UnsupportedOperator(f"mode {order}", "mode")
    return order


LARGEST_NUMBER = (2 - 2**-23) * 2.0**127
"""In single precision; it stands for the infinity that a maximum never takes."""


_MODES = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@converts("Pad", since=(2, 11, 13, 18, 19, 21, 23, 24, 25), types=NUMERIC)
def pad(call: Call) -> Sequence[Flow]:
    """A border around the image; extra channels of a fixed number are joined to the others."""
    x = call.flow()
    rank = len(x.shape)
    pads = call.integer_argument(1, "pads") or []
    axes = call.integer_argument(3, "axes") or list(range(rank))
    mode = call.attribute("mode", "constant")
    value = call.constant(2).number if call.has_input(2) else call.attribute("value", 0.0)
    if len(pads) != 2 * len(axes) or mode not in _MODES or value is None:
        raise UnsupportedOperator("pads for another number of axes")
    value = min(max(value, -LARGEST_NUMBER), LARGEST_NUMBER)
    ends = [(0, 0)] * rank
    for index, axis in enumerate(axes):
        ends[axis % rank] = (pads[index], pads[index + len(axes)])
    if x.batch is None and x.shape[0] == 1 and ends[0] == (0, 0):
        x = with_batch_at(x, 0)
    if x.batch is not None and ends.pop(x.batch) != (0, 0):
        raise UnsupportedOperator("a border around the batch")
    if not ends:
        raise UnsupportedOperator("a single number")
    if not any(pair != (0, 0) for pair in ends):
        return [x]
    return [with_layer_output(x, emit_pad(call, x, ends[0], tuple(ends[1:]), mode, value), x.batch)]


def emit_pad(call: Call, x: Flow, channels: tuple[int, int], border: Pads, mode: str, value: float) -> Flow:
    """Put more channels before and after the image's, and a border around them."""
    framed = any(pair != (0, 0) for pair in border)
    if channels != (0, 0):
        if mode != "constant" or min(channels) < 0:
            raise UnsupportedOperator("channels made of others")
        x = _with_channels(call, x, channels, value, "channels" if framed else "")
    if not framed:
        return x
    if mode == "constant" and max(map(max, border)) <= 0:
        return call.emit(Crop(tuple((-before, -after) for before, after in border)), x)
    return call.emit(Pad(border, _MODES[mode], value), x)  # type: ignore[arg-type]


def _with_channels(call: Call, x: Flow, ends: tuple[int, int], value: float, part: str) -> Flow:
    pieces = []
    for size, word in zip(ends, ("before", "after"), strict=True):
        if word == "after":
            pieces.append(x)
        if size:
            shape = (size, *x.image[1:])
            held = filled(np.float32(value), shape, 1)
            pieces.append(call.emit(Parameter(shape, False), x, part=word, parameters={"value": held}))
    return call.emit(Concat(0), *pieces, part=part)
