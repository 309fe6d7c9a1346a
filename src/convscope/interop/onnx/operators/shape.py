"""Reshape, Transpose, Expand, Tile, DepthToSpace, Pad and Resize."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, prod
from typing import TypeVar

import numpy as np

from ....axis import Resize as AxisResize
from ....errors import BadShape, reason_of
from ....layers import (
    ChannelShuffle,
    Concat,
    Crop,
    Expand,
    Flatten,
    Pad,
    Parameter,
    Permute,
    PixelShuffle,
    Slice,
    Upsample,
)
from ....layers.connection import Shape
from ....settings import Pads
from ...errors import UnsupportedOperator
from ..call import Call, converts, with_batch_at, with_layer_output, without_batch
from ..fold_rules import resolve_shape
from ..values import NUMERIC, ORDERED, REAL, Array, Flow, broadcast, full, shortest_float, type_name, without_axis
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


T = TypeVar("T", int, float)

MAX_AXES = 64
"""Axes of a value; more scales are not read."""

MAX_COMPARED_PIXELS = 1 << 16
"""Pixels of an axis whose coordinates are compared with the layer's."""

_SUPPORT = {"nearest": 1, "linear": 2, "cubic": 4}


@converts("Upsample", since=(7, 9), types=ORDERED)
def upsample(call: Call) -> Sequence[Flow]:
    """The predecessor of Resize: asymmetric coordinates, nearest pixels by rounding down."""
    return [_emit_resize(call, _read_scales(call, 1), None, "asymmetric", "floor")]


@converts("Resize", since=(10,), types=ORDERED)
def resize_10(call: Call) -> Sequence[Flow]:
    """The first Resize: asymmetric coordinates, nearest pixels by rounding down."""
    return [_emit_resize(call, _read_scales(call, 1), None, "asymmetric", "floor")]


@converts("Resize", since=(11, 13, 18, 19), types=ORDERED)
def resize(call: Call) -> Sequence[Flow]:
    """Resize by scales, or to sizes."""
    if call.attribute("antialias", 0):
        raise UnsupportedOperator("antialiasing", "antialias")
    if call.attribute("exclude_outside", 0):
        raise UnsupportedOperator("weights that are renormalized at the border", "exclude_outside")
    if call.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise UnsupportedOperator("sizes that keep the aspect ratio", "keep_aspect_ratio_policy")
    scales = _read_scales(call, 2) if call.has_input(2) and call.constant(2).size else None
    sizes = _for_all_axes(call, call.integer_list(3), call.flow().shape) if call.has_input(3) else None
    coordinates = call.attribute("coordinate_transformation_mode", "half_pixel")
    return [_emit_resize(call, scales, sizes, coordinates, call.attribute("nearest_mode", "round_prefer_floor"))]


def _read_scales(call: Call, index: int) -> list[float]:
    """Return one scale per axis of the input."""
    attribute = call.optional_attribute("scales")
    values = (
        attribute
        if attribute is not None
        else [shortest_float(scale) for scale in call.array(index).reshape(-1)[:MAX_AXES]]
    )
    return _for_all_axes(call, values, [1.0] * len(call.flow().shape))


def _for_all_axes(call: Call, values: Sequence[T], defaults: Sequence[T]) -> list[T]:
    """Return a value for each axis: the given ones, and defaults for axes not in the `axes` attribute."""
    axes = call.optional_attribute("axes")
    if axes is None:
        axes = list(range(len(defaults)))
    if len(axes) != len(values):
        raise UnsupportedOperator("scales or sizes for a different number of axes")
    result = list(defaults)
    for axis, value in zip(axes, values, strict=True):
        result[axis] = value
    return result


def _emit_resize(
    call: Call, scales: list[float] | None, sizes: list[int] | None, coordinates: str, rounding: str
) -> Flow:
    x = call.images()
    if scales is not None:
        sizes = [floor(n * scale) for n, scale in zip(x.shape, scales, strict=True)]
    elif sizes is not None:
        scales = [size / n for n, size in zip(x.shape, sizes, strict=True)]
    if scales is None or sizes is None or sizes[:2] != list(x.shape[:2]):
        raise UnsupportedOperator("resizing of channels")
    mode, coefficient = call.attribute("mode", "nearest"), call.attribute("cubic_coeff_a", -0.75)
    if mode not in _SUPPORT or (mode == "cubic" and coefficient != -0.75):
        raise UnsupportedOperator("interpolation", "mode" if mode not in _SUPPORT else "cubic_coeff_a")
    if mode != "nearest" and x.dtype not in REAL:
        raise UnsupportedOperator("interpolation of integers", type_name(x.dtype))
    if coordinates == "align_corners" and any(
        n * scale != size for n, size, scale in zip(x.shape, sizes, scales, strict=True)
    ):
        raise UnsupportedOperator("aligned corners of a fractional size", "scales")
    if mode == "cubic" and len(x.shape) != 4:
        raise UnsupportedOperator("cubic interpolation of other than two axes")
    axes = list(zip(x.shape[2:], sizes[2:], scales[2:], strict=True))
    if max(max(n, size) for n, size, _ in axes) > MAX_COMPARED_PIXELS:
        raise UnsupportedOperator("too many pixels for a comparison")
    for corners in (False, True) if mode != "nearest" else (False,):
        if all(_matches_layer(*axis, mode, coordinates, rounding, corners) for axis in axes):
            factors = [size // n for n, size, _ in axes]
            is_integer = all(n * factor == size for factor, (n, size, _) in zip(factors, axes, strict=True))
            layer = (
                Upsample(tuple(factors), mode=mode, align_corners=corners)
                if is_integer
                else Upsample(size=tuple(size for _, size, _ in axes), mode=mode, align_corners=corners)
            )
            return call.emit(layer, x)
    raise UnsupportedOperator("coordinates that differ from PyTorch's")


def _matches_layer(
    n: int, size: int, scale: float, mode: str, coordinates: str, rounding: str, corners: bool
) -> bool:
    """Return whether ONNX's coordinates along one axis are those of the layer."""
    onnx_coordinates = _coordinates(n, size, scale, coordinates)
    if mode == "nearest":
        pixels = AxisResize(n, size).taps(n)[:, 0]
        return bool((np.clip(_round_positions(onnx_coordinates, rounding), 0, n - 1) == pixels).all())
    output = np.arange(size)
    layer_coordinates: Array = (
        output * ((n - 1) / max(1, size - 1)) if corners else (output + 0.5) * (n / size) - 0.5
    )
    if mode == "linear":
        layer_coordinates, onnx_coordinates = (
            np.clip(layer_coordinates, 0, n - 1),
            np.clip(onnx_coordinates, 0, n - 1),
        )
    return bool(np.allclose(layer_coordinates, onnx_coordinates, rtol=0, atol=1e-9))


def _coordinates(n: int, size: int, scale: float, coordinates: str) -> Array:
    """Return the input coordinate of each output position.

    Source:   ONNX Resize, coordinate_transformation_mode
    """
    output = np.arange(size)
    match coordinates:
        case "half_pixel":
            return (output + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            return (output + 0.5) / scale - 0.5 if size > 1 else np.zeros(size)
        case "align_corners":
            return output * ((n - 1) / max(1, size - 1))
        case "asymmetric":
            return output / scale
        case "half_pixel_symmetric":
            return n / 2 * (1 - size / (scale * n)) + (output + 0.5) / scale - 0.5
    raise UnsupportedOperator(f"coordinates {coordinates}")


def _round_positions(positions: Array, rounding: str) -> Array:
    match rounding:
        case "round_prefer_floor":
            return np.ceil(positions - 0.5)
        case "round_prefer_ceil":
            return np.floor(positions + 0.5)
        case "floor":
            return np.floor(positions)
        case "ceil":
            return np.ceil(positions)
    raise UnsupportedOperator(f"rounding {rounding}")
