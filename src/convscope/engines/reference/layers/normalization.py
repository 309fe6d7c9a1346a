"""Normalization: by the batch, by groups of channels, by channel, by position, by neighboring channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ....errors import BadShape
from ....layers.base import show_shape
from ....layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
)
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward

Axes = tuple[int, ...]


def _standardize(x: Array, axes: Axes, eps: float, context: Context) -> Array:
    """Return (x − mean) / √(variance + eps) over the axes, and keep what backward needs."""
    mean = x.mean(axis=axes, keepdims=True)
    variance = np.square(x - mean).mean(axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(variance + eps)
    context.saved["standard"], context.saved["inverse"] = (x - mean) * inverse, inverse
    return context.saved["standard"]


def _standardize_backward(grad: Array, axes: Axes, context: Context) -> Array:
    """Project out the directions that normalization removes.

    Formula:  (g − mean(g) − x̂·mean(g·x̂)) / √(variance + eps)
    """
    standard, inverse = context.saved["standard"], context.saved["inverse"]
    straight = grad.mean(axis=axes, keepdims=True)
    stretch = (grad * standard).mean(axis=axes, keepdims=True)
    return (grad - straight - standard * stretch) * inverse


def _placed(vector: Array, axes: Sequence[int], rank: int) -> Array:
    """Return a parameter in a shape that broadcasts along these axes of x."""
    sizes = iter(vector.shape)
    return vector.reshape([next(sizes) if axis in axes else 1 for axis in range(rank)])


def _affine(standard: Array, parameters: Parameters, axes: Sequence[int]) -> Array:
    if "weight" not in parameters:
        return standard
    weight, bias = (_placed(parameters[name], axes, standard.ndim) for name in ("weight", "bias"))
    return standard * weight + bias


def _affine_backward(
    grad: Array, standard: Array, parameters: Parameters, axes: Sequence[int]
) -> tuple[Array, dict[str, Array]]:
    if "weight" not in parameters:
        return grad, {}
    others = tuple(axis for axis in range(grad.ndim) if axis not in axes)
    grads = {"weight": (grad * standard).sum(axis=others), "bias": grad.sum(axis=others)}
    return grad * _placed(parameters["weight"], axes, grad.ndim), grads


def _batch_axes(x: Array) -> Axes:
    return (0, *range(2, x.ndim))


@forward.register
def _(layer: BatchNorm, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    """Use the batch's statistics in training, and update the running ones, which are used otherwise.

    The running variance is moved toward the unbiased one, as in PyTorch.
    """
    (x,) = inputs
    if context.training:
        standard = _standardize(x, _batch_axes(x), layer.eps, context)
        context.new_buffers.update(_moved(layer, x, context))
        return _affine(standard, parameters, (1,))
    mean, variance = (_placed(_running(context, name, x.shape[1]), (1,), x.ndim) for name in ("mean", "var"))
    inverse = (1 / np.sqrt(variance + layer.eps)).astype(x.dtype)
    context.saved["standard"], context.saved["inverse"] = (x - mean.astype(x.dtype)) * inverse, inverse
    return _affine(context.saved["standard"], parameters, (1,))


def check_batch(layer: BatchNorm, shape: tuple[int, ...]) -> None:
    """Reject training batches with one value per channel, which have no variance.

    Errors:   BadShape [batchnorm-one]
    """
    if math.prod(shape) // shape[1] < 2:
        raise BadShape(
            "{kind}.input must have more than one value per channel in training (got one, from {shape}). Use a "
            "larger batch, or evaluate instead of training. [batchnorm-one]",
            kind=layer.kind,
            shape=show_shape(shape),
        )


def _moved(layer: BatchNorm, x: Array, context: Context) -> dict[str, Array]:
    """Return the running statistics after this batch."""
    check_batch(layer, x.shape)
    batch = {"mean": x.mean(axis=_batch_axes(x)), "var": x.var(axis=_batch_axes(x), ddof=1)}
    moved = {}
    for name, now in batch.items():
        before = _running(context, name, x.shape[1]).astype(x.dtype)
        moved[f"running_{name}"] = (1 - layer.momentum) * before + layer.momentum * now
    return moved


def _running(context: Context, name: str, channels: int) -> Array:
    """Return the running statistic, initially mean 0 and variance 1."""
    start = np.zeros(channels) if name == "mean" else np.ones(channels)
    return context.buffers.get(f"running_{name}", start)


@backward.register
def _(layer: BatchNorm, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    grad, grads = _affine_backward(grad_output, context.saved["standard"], parameters, (1,))
    if context.training:
        return Gradients((_standardize_backward(grad, _batch_axes(grad), context),), grads)
    return Gradients((grad * context.saved["inverse"],), grads)


@forward.register
def _(layer: GroupNorm, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    standard = _standardize(x.reshape(len(x), layer.num_groups, -1), (2,), layer.eps, context)
    return _affine(standard.reshape(x.shape), parameters, (1,))


@backward.register
def _(layer: GroupNorm, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    shape = inputs[0].shape
    standard = context.saved["standard"]
    grad, grads = _affine_backward(grad_output, standard.reshape(shape), parameters, (1,))
    return Gradients((_standardize_backward(grad.reshape(standard.shape), (2,), context).reshape(shape),), grads)


@forward.register
def _(layer: InstanceNorm, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _affine(_standardize(x, tuple(range(2, x.ndim)), layer.eps, context), parameters, (1,))


@backward.register
def _(
    layer: InstanceNorm, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    grad, grads = _affine_backward(grad_output, context.saved["standard"], parameters, (1,))
    return Gradients((_standardize_backward(grad, tuple(range(2, grad.ndim)), context),), grads)


def _layer_axes(layer: LayerNorm, x: Array) -> Axes:
    return tuple(axis + 1 for axis in layer.normalized(x.shape[1:]))


@forward.register
def _(layer: LayerNorm, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    axes = _layer_axes(layer, x)
    return _affine(_standardize(x, axes, layer.eps, context), parameters, axes)


@backward.register
def _(layer: LayerNorm, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    axes = _layer_axes(layer, inputs[0])
    grad, grads = _affine_backward(grad_output, context.saved["standard"], parameters, axes)
    return Gradients((_standardize_backward(grad, axes, context),), grads)


def _neighbors(x: Array, before: int, after: int) -> Array:
    """Return, for each channel, the sum over those from `before` below it to `after` above it."""
    widths = [(0, 0), (before, after), *((0, 0) for _ in x.shape[2:])]
    return sliding_window_view(np.pad(x, widths), before + after + 1, axis=1).sum(axis=-1)


@forward.register
def _(layer: LocalResponseNorm, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    """Divide by (k + alpha/size · Σ x²)^beta; an even window reaches one channel further down, as in PyTorch."""
    (x,) = inputs
    squares = _neighbors(np.square(x), layer.size // 2, (layer.size - 1) // 2)
    context.saved["scale"] = layer.k + layer.alpha / layer.size * squares
    return x / context.saved["scale"] ** layer.beta


@backward.register
def _(
    layer: LocalResponseNorm, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    (x,) = inputs
    scale = context.saved["scale"]
    straight = grad_output / scale**layer.beta
    through = _neighbors(straight * x / scale, (layer.size - 1) // 2, layer.size // 2)
    return Gradients((straight - 2 * layer.alpha * layer.beta / layer.size * x * through,))
