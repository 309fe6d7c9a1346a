"""IndexSelect, Roll, Expand."""

from __future__ import annotations

import numpy as np

from ....errors import BadShape
from ....layers.indexing import Expand, IndexSelect, Roll
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward


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
