"""Reshape, Transpose, Expand, Tile, DepthToSpace and Pad."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ....errors import BadShape
from ....layers import ChannelShuffle, Concat, Crop, Expand, Flatten, Pad, Parameter, Permute, PixelShuffle, Slice
from ....layers.connection import Shape
from ....settings import Pads
from ...errors import UnsupportedOperator, reason_of
from ..call import Call, with_batch_at, with_layer_output, without_batch
from ..fold_rules import resolve_shape
from ..registry import converts
from ..values import NUMERIC, Flow, broadcast, full, without_axis
from . import patterns

MAX_COPIES = 64
"""Layers that one operator is converted to; an Opaque layer is clearer than more of them."""


@converts("Reshape", since=(5, 13, 14, 19, 21, 23, 24, 25), types=NUMERIC)
def reshape(call: Call) -> Sequence[Flow]:
    """Reshape to a constant shape; 0 keeps a size, -1 is inferred."""
    x = call.flow()
    target = call.integer_list(1)
    try:
        shape = resolve_shape(x.shape, target, bool(call.attribute("allowzero", 0)))
    except (ValueError, IndexError) as error:
        raise BadShape(
            "Reshape.shape must have as many elements as the input (got {error}). Export the model again. "
            "[onnx-node]",
            error=reason_of(error),
        ) from None
    batch = batch_after_reshape(x, shape)
    shuffled = patterns.channel_shuffle(call, without_axis(shape, batch)) if batch == 0 else None
    return [shuffled or call.reshape(x, shape, batch)]


def batch_after_reshape(x: Flow, shape: Shape) -> int | None:
    """Return the batch axis after a reshape."""
    if x.batch is None:
        return 0 if len(shape) > 1 and shape[0] == 1 else None
    size = x.shape[x.batch]
    before = prod(x.shape[: x.batch])
    axes: list[int] = [x.batch, *range(len(shape))]
    for axis in axes:
        if axis < len(shape) and shape[axis] == size and prod(shape[:axis]) == before:
            return axis
    if size != 1:
        raise UnsupportedOperator("a batch combined with another axis")
    return 0 if len(shape) > 1 and shape[0] == 1 else None


@converts("Flatten", since=(9, 11, 13, 21, 23, 24, 25), types=NUMERIC)
def flatten(call: Call) -> Sequence[Flow]:
    """Flatten to two axes: those before `axis`, and the rest."""
    x = call.flow()
    axis = call.attribute("axis", 1)
    axis += len(x.shape) if axis < 0 else 0
    if x.batch == 0 and axis == 1:
        return [call.emit(Flatten(), x)]
    shape = (prod(x.shape[:axis]), prod(x.shape[axis:]))
    return [call.reshape(x, shape, batch_after_reshape(x, shape))]


@converts("Squeeze", since=(1, 11, 13, 21, 23, 24, 25), types=NUMERIC)
def squeeze(call: Call) -> Sequence[Flow]:
    """Remove axes of size 1."""
    x = call.flow()
    rank = len(x.shape)
    listed = call.integer_argument(1, "axes")
    axes = (
        [axis for axis, size in enumerate(x.shape) if size == 1] if listed is None else [a % rank for a in listed]
    )
    if any(x.shape[axis] != 1 for axis in axes):
        raise BadShape(
            "Squeeze.axes must have size 1 (got axes {axes} of {shape}). Export the model again. [onnx-node]",
            axes=axes,
            shape=x.shape,
        )
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    batch = None if x.batch is None or x.batch in axes else x.batch - sum(axis < x.batch for axis in axes)
    return [call.reshape(x, shape, batch)]


@converts("Unsqueeze", since=(1, 11, 13, 21, 23, 24, 25), types=NUMERIC)
def unsqueeze(call: Call) -> Sequence[Flow]:
    """Insert axes of size 1."""
    x = call.flow()
    inserted = call.integer_argument(1, "axes") or []
    rank = len(x.shape) + len(inserted)
    axes = {axis % rank for axis in inserted}
    kept_axes = [axis for axis in range(rank) if axis not in axes]
    shape = [1] * rank
    for axis, size in zip(kept_axes, x.shape, strict=True):
        shape[axis] = size
    return [call.reshape(x, tuple(shape), None if x.batch is None else kept_axes[x.batch])]


@converts("Transpose", since=(1, 13, 21, 23, 24, 25), types=NUMERIC)
def transpose(call: Call) -> Sequence[Flow]:
    """Axes in another order. Moving only the batch axis needs no layer."""
    x = call.flow()
    order = list(call.attribute("perm", list(range(len(x.shape)))[::-1]))
    if sorted(order) != list(range(len(x.shape))):
        raise BadShape(
            "Transpose.perm must be a permutation of {rank} axes (got {order}). Export the model again. "
            "[onnx-node]",
            rank=len(x.shape),
            order=order,
        )
    shape = tuple(x.shape[axis] for axis in order)
    batch = None if x.batch is None else order.index(x.batch)
    layer_order = tuple(axis for axis in map(x.axis, order) if axis is not None)
    normalized = patterns.moved_layer_norm(call, order, layer_order)
    if normalized is not None:
        return [normalized]
    if layer_order == tuple(range(len(layer_order))):
        return [x.view(shape, batch)]
    return [with_layer_output(x, call.emit(Permute(layer_order), x), batch)]


@converts("Expand", since=(8, 13), types=NUMERIC)
def expand(call: Call) -> Sequence[Flow]:
    """Broadcast to a shape."""
    x = call.flow()
    target = tuple(call.integer_list(1))
    shape = broadcast(x.shape, target)
    axis = None if x.batch is None else x.batch - len(x.shape)
    if x.batch is not None and shape[len(shape) + x.batch - len(x.shape)] != x.shape[x.batch]:
        x, axis = without_batch(x), None
    batch = None if axis is None else len(shape) + axis
    image = without_axis(shape, batch)
    if image == x.image:
        return [x.view(shape, batch)]
    return [with_layer_output(x, call.emit(Expand(image), x), batch)]


@converts("Tile", since=(6, 13), types=NUMERIC)
def tile(call: Call) -> Sequence[Flow]:
    """The input repeated along axes."""
    x = call.flow()
    repeats = call.integer_list(1)
    if x.batch is not None and repeats[x.batch] != 1:
        x = without_batch(x)
    repeated = [(x.axis(axis), times) for axis, times in enumerate(repeats) if times != 1]
    if any(not 1 <= times <= MAX_COPIES for _, times in repeated) or not repeated:
        if repeated:
            raise UnsupportedOperator("too many copies")
        return [x]
    output = x
    for index, (axis, times) in enumerate(repeated):
        part = "" if index == len(repeated) - 1 else str(index)
        output = call.emit(Concat(axis or 0), *[output] * times, part=part)
    return [with_layer_output(x, output, x.batch)]


@converts("DepthToSpace", since=(1, 11, 13, 28), types=NUMERIC)
def depth_to_space(call: Call) -> Sequence[Flow]:
    """Channels become pixels of a block, which the input lists block by block (DCR) or as PixelShuffle (CRD)."""
    x, size, order = call.images(), call.attribute("blocksize", 1), _channel_order(call)
    if len(x.shape) != 4:
        raise UnsupportedOperator("two spatial axes")
    if order == "DCR" and size > 1:
        x = call.emit(ChannelShuffle(size * size), x, part="shuffle")
    return [call.emit(PixelShuffle(size), x)]


@converts("SpaceToDepth", since=(1, 13, 28), types=NUMERIC)
def space_to_depth(call: Call) -> Sequence[Flow]:
    """Pixels of a block become channels, listed block by block (DCR) or channel by channel (CRD)."""
    x, size, order = call.images(), call.attribute("blocksize", 1), _channel_order(call)
    if len(x.shape) != 4 or not size >= 2 or size * size > MAX_COPIES:
        raise UnsupportedOperator("blocks of 2 to 8 pixels")
    if x.shape[2] % size or x.shape[3] % size:
        raise BadShape(
            "SpaceToDepth.blocksize must divide height and width (got {size} for {shape}). Export the model "
            "again. [onnx-node]",
            size=size,
            shape=x.shape,
        )
    parts = []
    for row in range(size):
        rows = call.emit(Slice(1, row, None, size), x, part=f"row{row}")
        parts += [
            call.emit(Slice(2, column, None, size), rows, part=f"row{row}column{column}") for column in range(size)
        ]
    if order == "DCR":
        return [call.emit(Concat(0), *parts)]
    blocks = call.emit(Concat(0), *parts, part="blocks")
    return [call.emit(ChannelShuffle(size * size), blocks)]


def _channel_order(call: Call) -> str:
    """Return the order of the channels: by block (DCR) or by channel (CRD)."""
    order = call.attribute("mode", "DCR")
    if order not in ("DCR", "CRD"):
        raise UnsupportedOperator(f"mode {order}", "mode")
    return order


LARGEST_FLOAT = float(np.finfo(np.float32).max)
"""Padding with its negative stands for minus infinity: no maximum is smaller."""


_MODES = {"constant": "zeros", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@converts("Pad", since=(2, 11, 13, 18, 19, 21, 23, 24, 25), types=NUMERIC)
def pad(call: Call) -> Sequence[Flow]:
    """Padding of the image; padded channels are concatenated to it."""
    x = call.flow()
    rank = len(x.shape)
    pads = call.integer_argument(1, "pads") or []
    axes = call.integer_argument(3, "axes") or list(range(rank))
    mode = call.attribute("mode", "constant")
    value = call.constant(2).scalar if call.has_input(2) else call.attribute("value", 0.0)
    if len(pads) != 2 * len(axes) or mode not in _MODES or value is None:
        raise UnsupportedOperator("pads for a different number of axes")
    value = min(max(value, -LARGEST_FLOAT), LARGEST_FLOAT)
    ends = [(0, 0)] * rank
    for index, axis in enumerate(axes):
        ends[axis % rank] = (pads[index], pads[index + len(axes)])
    if x.batch is None and x.shape[0] == 1 and ends[0] == (0, 0):
        x = with_batch_at(x, 0)
    if x.batch is not None and ends.pop(x.batch) != (0, 0):
        raise UnsupportedOperator("padding of the batch")
    if not ends:
        raise UnsupportedOperator("a scalar")
    if not any(pair != (0, 0) for pair in ends):
        return [x]
    return [with_layer_output(x, emit_pad(call, x, ends[0], tuple(ends[1:]), mode, value), x.batch)]


def emit_pad(call: Call, x: Flow, channels: tuple[int, int], image_pads: Pads, mode: str, value: float) -> Flow:
    """Emit padding of the channels, and of the image."""
    pads_image = any(pair != (0, 0) for pair in image_pads)
    if channels != (0, 0):
        if mode != "constant" or min(channels) < 0:
            raise UnsupportedOperator("channels that are cropped or padded by others")
        x = _pad_channels(call, x, channels, value, "channels" if pads_image else "")
    if not pads_image:
        return x
    if mode == "constant" and max(map(max, image_pads)) <= 0:
        return call.emit(Crop(tuple((-before, -after) for before, after in image_pads)), x)
    return call.emit(Pad(image_pads, _MODES[mode], value), x)  # type: ignore[arg-type]


def _pad_channels(call: Call, x: Flow, ends: tuple[int, int], value: float, part: str) -> Flow:
    parts = []
    for size, side in zip(ends, ("before", "after"), strict=True):
        if side == "after":
            parts.append(x)
        if size:
            shape = (size, *x.image[1:])
            constant = full(np.float32(value), shape, 1)
            parts.append(call.emit(Parameter(shape, False), x, part=side, parameters={"value": constant}))
    return call.emit(Concat(0), *parts, part=part)
