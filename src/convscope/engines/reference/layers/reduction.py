"""Reduce: mean, sum, maximum and minimum along axes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ....layers.reduction import Reduce
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward

_REDUCTIONS: dict[str, Callable[..., Array]] = {"mean": np.mean, "sum": np.sum, "max": np.max, "min": np.min}


def _axes(layer: Reduce, x: Array) -> tuple[int, ...]:
    """Return the axes with the batch counted."""
    return tuple(axis + 1 for axis in layer.along(x.shape[1:]))


@forward.register
def _(layer: Reduce, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _REDUCTIONS[layer.mode](x, axis=_axes(layer, x), keepdims=layer.keepdims)


@backward.register
def _(layer: Reduce, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """Broadcast the gradient over the axes; equal maxima share it, as in PyTorch's amax."""
    (x,) = inputs
    axes = _axes(layer, x)
    spread = grad_output if layer.keepdims else np.expand_dims(grad_output, axes)
    if layer.mode in ("max", "min"):
        wins = (x == _REDUCTIONS[layer.mode](x, axis=axes, keepdims=True)).astype(x.dtype)
        return Gradients((spread * wins / wins.sum(axis=axes, keepdims=True),))
    over = prod(x.shape[axis] for axis in axes) if layer.mode == "mean" else 1
    return Gradients((np.broadcast_to(spread / over, x.shape),))
