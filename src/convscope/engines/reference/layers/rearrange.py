"""Layers that move elements. Their backward pass is the inverse move.

An output may be a view of the input: copy it before writing to it.
"""

from __future__ import annotations

import numpy as np

from ....errors import BadShape
from ....layers.indexing import Expand, IndexSelect, Roll
from ....layers.rearrange import (
    ChannelShuffle,
    Crop,
    Flatten,
    Pad,
    Permute,
    PixelShuffle,
    Reshape,
    Slice,
)
from . import borders
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward


@forward.register
def _(layer: Flatten, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return inputs[0].reshape(len(inputs[0]), -1)


@forward.register
def _(layer: Reshape, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return inputs[0].reshape(len(inputs[0]), *layer.shape)


@backward.register(Flatten)
@backward.register(Reshape)
def _(
    layer: Flatten | Reshape, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    return Gradients((grad_output.reshape(inputs[0].shape),))


def _batched(order: tuple[int, ...]) -> tuple[int, ...]:
    return (0, *(axis + 1 for axis in order))


@forward.register
def _(layer: Permute, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return inputs[0].transpose(_batched(layer.order))


@backward.register
def _(layer: Permute, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    back = np.argsort(_batched(layer.order))
    return Gradients((grad_output.transpose(back),))


@forward.register
def _(layer: Pad, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return borders.pad(x, borders.pairs(layer.windows(x.shape[1:])), layer.mode, layer.value)


@backward.register
def _(layer: Pad, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    pairs = borders.pairs(layer.windows(inputs[0].shape[1:]))
    return Gradients((borders.fold(grad_output, pairs, layer.mode),))


def _margins(layer: Crop, x: Array) -> borders.Pairs:
    return layer.margins * (x.ndim - 2) if len(layer.margins) == 1 else layer.margins


@forward.register
def _(layer: Crop, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return borders.fold(x, _margins(layer, x))


@backward.register
def _(layer: Crop, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    return Gradients((borders.pad(grad_output, _margins(layer, inputs[0])),))


def _cut(layer: Slice) -> tuple[slice, ...]:
    every = slice(None)
    return (every, *(every for _ in range(layer.axis)), slice(layer.start, layer.stop, layer.step))


@forward.register
def _(layer: Slice, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return inputs[0][_cut(layer)]


@backward.register
def _(layer: Slice, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    grad_x = np.zeros(inputs[0].shape, grad_output.dtype)
    grad_x[_cut(layer)] = grad_output
    return Gradients((grad_x,))


@forward.register
def _(layer: PixelShuffle, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    n, channels, h, w = x.shape
    r = layer.upscale_factor
    blocks = x.reshape(n, channels // (r * r), r, r, h, w)
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(n, channels // (r * r), h * r, w * r)


@backward.register
def _(
    layer: PixelShuffle, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    n, channels, h, w = inputs[0].shape
    r = layer.upscale_factor
    blocks = grad_output.reshape(n, channels // (r * r), h, r, w, r)
    return Gradients((blocks.transpose(0, 1, 3, 5, 2, 4).reshape(inputs[0].shape),))


def _dealt(x: Array, groups: int) -> Array:
    by_group = x.reshape(len(x), groups, -1, *x.shape[2:])
    return by_group.swapaxes(1, 2).reshape(x.shape)


@forward.register
def _(layer: ChannelShuffle, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return _dealt(inputs[0], layer.groups)


@backward.register
def _(
    layer: ChannelShuffle, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    return Gradients((_dealt(grad_output, inputs[0].shape[1] // layer.groups),))


def _indices(layer: IndexSelect, n: int, context: Context) -> Array:
    """Return the indices as integers; a network's arrays are stored as floats."""
    stored = context.buffers["index"]
    whole = stored.astype(np.int64)
    wrong = (whole != stored) | (whole < 0) | (whole >= n)
    if wrong.any():
        raise BadShape(
            "IndexSelect.index must be integers from 0 to {last} (got {index}). Set the buffer to the indices "
            "to select. [select-index]",
            last=n - 1,
            index=stored[wrong].flat[0],
        )
    return whole


@forward.register
def _(layer: IndexSelect, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    if context.training:
        context.new_buffers["index"] = np.array(context.buffers["index"])
    return np.take(x, _indices(layer, x.shape[layer.axis + 1], context), axis=layer.axis + 1)


@backward.register
def _(
    layer: IndexSelect, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    """Add each gradient to the index it was picked from."""
    (x,) = inputs
    axis = layer.axis + 1
    grad = np.zeros_like(x)
    rows = np.moveaxis(grad, axis, 0)
    np.add.at(rows, _indices(layer, x.shape[axis], context), np.moveaxis(grad_output, axis, 0))
    return Gradients((grad,))


@forward.register
def _(layer: Roll, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    return np.roll(inputs[0], layer.shifts, tuple(axis + 1 for axis in layer.axes))


@backward.register
def _(layer: Roll, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    back = tuple(-shift for shift in layer.shifts)
    return Gradients((np.roll(grad_output, back, tuple(axis + 1 for axis in layer.axes)),))


@forward.register
def _(layer: Expand, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return np.broadcast_to(_with_new_axes(layer, x), (len(x), *layer.shape))


@backward.register
def _(layer: Expand, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """Sum the gradient over the axes along which x was repeated."""
    (x,) = inputs
    old = _with_new_axes(layer, x).shape
    repeated = tuple(a for a, (one, two) in enumerate(zip(old, grad_output.shape, strict=True)) if one != two)
    return Gradients((grad_output.sum(axis=repeated, keepdims=True).reshape(x.shape),))


def _with_new_axes(layer: Expand, x: Array) -> Array:
    return x.reshape(len(x), *(1 for _ in range(len(layer.shape) + 1 - x.ndim)), *x.shape[1:])
