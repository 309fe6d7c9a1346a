"""Convolution and transposed convolution, forward and backward, by either algorithm.

A transposed convolution is the adjoint of a convolution in its images: its forward pass is a convolution's
`spread`, its backward pass a convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ....axis import Window
from ....layers.convolution import Conv, ConvTranspose
from ..im2col import convolution as matrix
from ..loops import convolution as loops
from . import borders, sliding
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward

_ALGORITHMS = {"matrix": matrix, "loops": loops}


@forward.register
def _(layer: Conv, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    windows = layer.windows(x.shape[1:])
    padded = borders.pad(x, borders.pairs(windows), layer.padding_mode)
    counts = sliding.counts(x.shape[2:], windows)
    output = _ALGORITHMS[context.algorithm].correlate(padded, parameters["weight"], windows, counts, layer.groups)
    return _with_bias(output, parameters)


@backward.register
def _(layer: Conv, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,) = inputs
    algorithm = _ALGORITHMS[context.algorithm]
    windows = layer.windows(x.shape[1:])
    pairs = borders.pairs(windows)
    padded = borders.pad(x, pairs, layer.padding_mode)
    grad_padded = algorithm.spread(grad_output, parameters["weight"], padded.shape[2:], windows, layer.groups)
    grad_weight = algorithm.kernel_gradient(grad_output, padded, windows, layer.groups)
    return Gradients(
        (borders.fold(grad_padded, pairs, layer.padding_mode),),
        {"weight": grad_weight, **_bias_gradient(grad_output, parameters)},
    )


@forward.register
def _(layer: ConvTranspose, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    windows, sizes = _uncropped(layer, x)
    full = _ALGORITHMS[context.algorithm].spread(x, parameters["weight"], sizes, windows, layer.groups)
    return _with_bias(borders.fold(full, borders.pairs(windows)), parameters)


@backward.register
def _(
    layer: ConvTranspose, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    (x,) = inputs
    algorithm = _ALGORITHMS[context.algorithm]
    windows, _ = _uncropped(layer, x)
    padded = borders.pad(grad_output, borders.pairs(windows))
    grad_x = algorithm.correlate(padded, parameters["weight"], windows, x.shape[2:], layer.groups)
    grad_weight = algorithm.kernel_gradient(x, padded, windows, layer.groups)
    return Gradients((grad_x,), {"weight": grad_weight, **_bias_gradient(grad_output, parameters)})


def _uncropped(layer: ConvTranspose, x: Array) -> tuple[Sequence[Window], tuple[int, ...]]:
    """Return the windows over the output, and the output's sizes before padding crops it.

    Formula:  (n − 1)·stride + reach + output_padding
    """
    transposed = layer.windows(x.shape[1:])
    windows = [Window(t.size, t.stride, t.before, t.after, t.dilation) for t in transposed]
    sizes = tuple((n - 1) * t.stride + t.reach + t.extra for n, t in zip(x.shape[2:], transposed, strict=True))
    return windows, sizes


def _with_bias(output: Array, parameters: Parameters) -> Array:
    if "bias" not in parameters:
        return output
    bias = parameters["bias"]
    return output + bias.reshape(-1, *(1 for _ in output.shape[2:]))


def _bias_gradient(grad_output: Array, parameters: Parameters) -> dict[str, Array]:
    """Return the sum over images and positions, since the bias is added at each."""
    if "bias" not in parameters:
        return {}
    images, channels = grad_output.shape[:2]
    return {"bias": grad_output.reshape(images, channels, prod(grad_output.shape[2:])).sum(axis=(0, 2))}
