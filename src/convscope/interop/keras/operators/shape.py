"""Reshape, permute, pad, crop and resize."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ....axis.window import Border
from ....layers.connection import Shape
from ....layers.indexing import Expand
from ....layers.rearrange import Crop, Pad, Permute, Reshape
from ....layers.resize import Upsample
from ....layers.structural import Identity
from ....settings import Pads
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import Order, SymbolicTensor, axis_first, keras_order


def add_permutation(call: Call, tensor: SymbolicTensor, order: Order) -> SymbolicTensor:
    """Permute Keras' axes, counted without the batch. The layer's order is then Keras'."""
    permutation = tuple(tensor.layer_axis(axis) for axis in order)
    layer = Identity() if permutation == keras_order(len(permutation)) else Permute(permutation)
    return call.emit(layer, tensor, order=keras_order(len(permutation)))


@converts("layers.Flatten")
def flatten(call: Call) -> SymbolicTensor:
    """Convert flattening, in the order rows, columns, channels for any data format."""
    tensor = call.tensor()
    if call.data_format == "channels_first":
        rank = len(tensor.order)
        channels_last = (*range(1, rank), 0) if rank else ()
        tensor = call.transpose(tensor, channels_last)
        tensor = replace(tensor, order=keras_order(rank))
    return call.reshape(tensor, (prod(tensor.layer_shape),))


@converts("layers.Reshape")
def reshape(call: Call) -> SymbolicTensor:
    """Convert `Reshape`."""
    return call.reshape(call.tensor(), _infer_size(tuple(call.op.target_shape), call.tensor()))


def _infer_size(shape: tuple[int | None, ...], tensor: SymbolicTensor) -> Shape:
    """Return a shape with its one open size inferred."""
    known = prod(size for size in shape if size not in (None, -1))
    total = prod(tensor.layer_shape)
    found = tuple(total // known if size in (None, -1) else int(size or 0) for size in shape)
    if not shape or prod(found) != total:
        raise UnsupportedOperator("the batch axis is combined with another axis")
    return found


@converts("ops.numpy.Reshape")
def reshape_function(call: Call) -> SymbolicTensor:
    """Convert `ops.reshape`. Its first size must be the batch's."""
    shape, tensor = call.op.newshape, call.tensor()
    shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    return call.reshape(tensor, _infer_size(shape[tensor.batched :], tensor))


@converts("layers.Permute")
def permute(call: Call) -> SymbolicTensor:
    """Convert `Permute`, which counts axes from 1."""
    return add_permutation(call, call.tensor(), tuple(axis - 1 for axis in call.op.dims))


@converts("ops.numpy.Transpose")
def transpose(call: Call) -> SymbolicTensor:
    """Convert `ops.transpose`. The batch axis must stay first."""
    tensor = call.tensor()
    axes = call.op.axes or tuple(range(len(tensor.order) + tensor.batched))[::-1]
    if tensor.batched and axes[0] != 0:
        raise UnsupportedOperator("the batch axis is combined with another axis")
    return add_permutation(call, tensor, tuple(tensor.normalize_axis(axis) for axis in axes[tensor.batched :]))


@converts("ops.numpy.Swapaxes")
def swap_axes(call: Call) -> SymbolicTensor:
    """Convert `ops.swapaxes`."""
    tensor = call.tensor()
    one, two = (tensor.normalize_axis(axis) for axis in (call.op.axis1, call.op.axis2))
    order = list(range(len(tensor.order)))
    order[one], order[two] = two, one
    return add_permutation(call, tensor, tuple(order))


@converts("ops.numpy.Moveaxis")
def move_axes(call: Call) -> SymbolicTensor:
    """Convert `ops.moveaxis`."""
    tensor = call.tensor()
    rank = len(tensor.order)
    positions = {
        tensor.normalize_axis(new): tensor.normalize_axis(old)
        for old, new in zip(call.op.source, call.op.destination, strict=True)
    }
    others = iter([axis for axis in range(rank) if axis not in positions.values()])
    return add_permutation(
        call, tensor, tuple(positions[a] if a in positions else next(others) for a in range(rank))
    )


@converts("ops.numpy.ExpandDims")
def expand_dims(call: Call) -> SymbolicTensor:
    """Convert new axes of size 1."""
    tensor = call.tensor()
    axes = call.op.axis if isinstance(call.op.axis, list | tuple) else [call.op.axis]
    rank = len(tensor.order) + len(axes)
    new = {tensor.normalize_axis(axis, len(axes)) for axis in axes}
    sizes = iter(tensor.shape)
    return call.reshape(tensor, tuple(1 if axis in new else next(sizes) for axis in range(rank)))


@converts("ops.numpy.Squeeze")
def squeeze(call: Call) -> SymbolicTensor:
    """Convert the removal of axes of size 1."""
    tensor, axis = call.tensor(), call.op.axis
    rank = len(tensor.order)
    axes = (
        axis
        if isinstance(axis, list | tuple)
        else [a + tensor.batched for a in range(rank)]
        if axis is None
        else [axis]
    )
    removed = {tensor.normalize_axis(one) for one in axes}
    return add_squeeze(call, tensor, {axis for axis in removed if tensor.shape[axis] == 1})


def add_squeeze(call: Call, tensor: SymbolicTensor, removed: set[int], part: str = "") -> SymbolicTensor:
    """Add a layer that removes axes of size 1."""
    kept = [axis for axis in range(len(tensor.order)) if axis not in removed]
    if not kept and tensor.batched:
        raise UnsupportedOperator("a scalar per image")
    order = tuple(kept.index(axis) for axis in tensor.order if axis in kept)
    layer_shape = tuple(tensor.shape[axis] for axis in tensor.order if axis in kept)
    if not kept:
        order, layer_shape = (0,), (1,)
    return call.emit(Reshape(layer_shape), tensor, part=part, order=order)


@converts("layers.RepeatVector")
def repeat_vector(call: Call) -> SymbolicTensor:
    """Convert `RepeatVector`."""
    tensor = call.tensor()
    row = call.emit(Reshape((1, *tensor.layer_shape)), tensor, part="row", order=axis_first(0, 2))
    return call.emit(Expand((call.op.n, *tensor.layer_shape)), row)


def _pairs(value: Any) -> Pads:
    """Return (before, after) per axis; a 1-D layer has a single pair."""
    pairs = [value] if isinstance(value[0], int) else value
    return tuple((int(before), int(after)) for before, after in pairs)


@converts("layers.ZeroPadding1D", "layers.ZeroPadding2D", "layers.ZeroPadding3D")
def zero_padding(call: Call) -> SymbolicTensor:
    """Convert zero padding."""
    return call.emit(Pad(_pairs(call.op.padding)), call.image())


@converts("layers.Cropping1D", "layers.Cropping2D", "layers.Cropping3D")
def cropping(call: Call) -> SymbolicTensor:
    """Convert cropping."""
    return call.emit(Crop(_pairs(call.op.cropping)), call.image())


@converts("layers.CenterCrop")
def center_crop(call: Call) -> SymbolicTensor:
    """Convert a center crop. A smaller image would be resized, which is unsupported."""
    tensor = call.image()
    margins = []
    for size, wanted in zip(tensor.layer_shape[1:], (call.op.height, call.op.width), strict=True):
        if size < wanted:
            raise UnsupportedOperator("an image smaller than the crop")
        before = int((size - wanted) / 2)
        margins.append((before, size - wanted - before))
    return call.emit(Crop(tuple(margins)), tensor)


_BORDERS: dict[str, Border] = {
    "constant": "zeros",
    "edge": "replicate",
    "reflect": "reflect",
    "wrap": "circular",
}


@converts("ops.numpy.Pad")
def pad(call: Call) -> SymbolicTensor:
    """Convert padding of any axes but the batch."""
    tensor = call.tensor()
    widths = tuple(call.op.pad_width)
    widths = widths * (len(tensor.order) + tensor.batched) if len(widths) == 1 else widths
    value = call.number(call.argument(1, "constant_values", 0) or 0)
    border = _BORDERS.get(call.op.mode)
    if (tensor.batched and tuple(widths[0]) != (0, 0)) or border is None or value is None:
        raise UnsupportedOperator("padding of the batch, or an unsupported mode")
    pairs = _pairs([widths[axis + tensor.batched] for axis in tensor.order])
    if pairs[0] == (0, 0) and len(pairs) > 1:
        return call.emit(Pad(pairs[1:], border, value), tensor)
    rank = len(pairs)
    lifted = call.emit(Reshape((1, *tensor.layer_shape)), tensor, part="lift", order=keras_order(rank + 1))
    padded = call.emit(Pad(pairs, border, value), lifted, part="pad")
    layer_shape = call.converter.builder.shapes[padded.layer][1:]
    return call.emit(Reshape(layer_shape), padded, order=tensor.order)


def _add_resize(call: Call, tensor: SymbolicTensor, size: tuple[int, ...], method: str) -> SymbolicTensor:
    """Add a layer for resizing, if it samples where Keras does.

    Keras samples at pixel centers, so that nearest neighbors match for integer factors only. Its cubic kernel
    depends on the backend.
    """
    old = tensor.layer_shape[1:]
    if size == old:
        return call.emit(Identity(), tensor)
    if method == "nearest" and all(m % n == 0 for n, m in zip(old, size, strict=True)):
        return call.emit(Upsample(size=size, mode="nearest"), tensor)
    if method == "bilinear":
        return call.emit(Upsample(size=size, mode="bilinear"), tensor)
    raise UnsupportedOperator("an unsupported resize method")


@converts("layers.UpSampling1D", "layers.UpSampling2D", "layers.UpSampling3D")
def up_sampling(call: Call) -> SymbolicTensor:
    """Convert upsampling by integer factors."""
    tensor, size = call.image(), call.op.size
    factors = (size,) if isinstance(size, int) else tuple(size)
    method = getattr(call.op, "interpolation", "nearest")
    if method not in ("nearest", "bilinear"):
        raise UnsupportedOperator("an unsupported resize method")
    return call.emit(Upsample(factors, mode=method), tensor)


@converts("layers.Resizing", "ops.image.Resize")
def resizing(call: Call) -> SymbolicTensor:
    """Convert resizing to a fixed size."""
    op, tensor = call.op, call.image()
    size = (op.height, op.width) if hasattr(op, "height") else tuple(op.size)
    if op.crop_to_aspect_ratio or op.pad_to_aspect_ratio or op.antialias or tensor.spatial_rank() != 2:
        raise UnsupportedOperator("an unsupported resize method")
    return _add_resize(call, tensor, (int(size[0]), int(size[1])), op.interpolation)
