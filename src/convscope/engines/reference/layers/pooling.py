"""Pooling, forward and backward, by either algorithm.

Ties: of equal maxima the first in row-major order is taken, and gets the whole gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from ....axis import Bins, Window
from ....layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    LPPool,
    MaxPool,
    MinPool,
    SpatialPyramidPool,
    StochasticPool,
)
from ..im2col import pooling as matrix
from ..loops import pooling as loops
from . import sliding
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward

_ALGORITHMS = {"matrix": matrix, "loops": loops}


def _bins(x: Array, sizes: Sequence[int]) -> list[Bins]:
    return [Bins(n, size) for n, size in zip(x.shape[2:], sizes, strict=True)]


def _whole(x: Array) -> list[Bins]:
    """Return one bin over each spatial axis."""
    return _bins(x, [1 for _ in x.shape[2:]])


# The largest, the smallest


def _largest(x: Array, cells: sliding.Cells, context: Context) -> Array:
    values, context.saved["winners"] = _ALGORITHMS[context.algorithm].largest(x, cells)
    return values


def _route(grad: Array, x: Array, cells: sliding.Cells, context: Context) -> Gradients:
    return Gradients((_ALGORITHMS[context.algorithm].route(grad, context.saved["winners"], x.shape[2:], cells),))


@forward.register
def _(layer: MaxPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _largest(x, layer.windows(x.shape[1:]), context)


@forward.register
def _(layer: MinPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return -_largest(-x, layer.windows(x.shape[1:]), context)


@backward.register
def _(layer: MaxPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,) = inputs
    return _route(grad_output, x, layer.windows(x.shape[1:]), context)


@forward.register
def _(layer: AdaptiveMaxPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _largest(x, _bins(x, layer.output_size), context)


@backward.register
def _(
    layer: AdaptiveMaxPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    (x,) = inputs
    return _route(grad_output, x, _bins(x, layer.output_size), context)


@forward.register
def _(layer: GlobalMaxPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _largest(x, _whole(x), context)


@backward.register
def _(
    layer: GlobalMaxPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    (x,) = inputs
    return _route(grad_output, x, _whole(x), context)


# The mean


def _sizes(per_axis: Sequence[Array]) -> Array:
    """Return (p, q): the outer product of one value per position of each axis."""
    return reduce(np.multiply.outer, per_axis)


def _window_sizes(layer: AvgPool, x: Array, windows: Sequence[Window]) -> Array:
    along = zip(x.shape[2:], windows, strict=True)
    return _sizes([sliding.divisors(n, window, layer.count_include_pad) for n, window in along]).astype(x.dtype)


def _bin_sizes(x: Array, cells: Sequence[Bins]) -> Array:
    ends = [sliding.edges(n, one.size) for n, one in zip(x.shape[2:], cells, strict=True)]
    return _sizes([end - first for first, end in ends]).astype(x.dtype)


@forward.register
def _(layer: AvgPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    windows = layer.windows(x.shape[1:])
    return _ALGORITHMS[context.algorithm].total(x, windows) / _window_sizes(layer, x, windows)


@backward.register
def _(layer: AvgPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,) = inputs
    windows = layer.windows(x.shape[1:])
    share = grad_output / _window_sizes(layer, x, windows)
    return Gradients((_ALGORITHMS[context.algorithm].spread(share, x.shape[2:], windows),))


def _bin_mean(x: Array, cells: Sequence[Bins], context: Context) -> Array:
    return _ALGORITHMS[context.algorithm].total(x, cells) / _bin_sizes(x, cells)


def _bin_spread(grad: Array, x: Array, cells: Sequence[Bins], context: Context) -> Gradients:
    return Gradients((_ALGORITHMS[context.algorithm].spread(grad / _bin_sizes(x, cells), x.shape[2:], cells),))


@forward.register
def _(layer: AdaptiveAvgPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _bin_mean(x, _bins(x, layer.output_size), context)


@backward.register
def _(
    layer: AdaptiveAvgPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    (x,) = inputs
    return _bin_spread(grad_output, x, _bins(x, layer.output_size), context)


@forward.register
def _(layer: GlobalAvgPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    return _bin_mean(x, _whole(x), context)


@backward.register
def _(
    layer: GlobalAvgPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    (x,) = inputs
    return _bin_spread(grad_output, x, _whole(x), context)


# The p-norm


@forward.register
def _(layer: LPPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    with np.errstate(over="ignore"):
        powers = np.abs(x) ** layer.norm_type
    sums = _ALGORITHMS[context.algorithm].total(powers, layer.windows(x.shape[1:]))
    context.saved["sums"] = sums
    return sums ** (1 / layer.norm_type)


@backward.register
def _(layer: LPPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    """Give each element sign(x)·|x|^(p−1) / y^(p−1) of the gradient; a window of zeros passes none."""
    (x,) = inputs
    p, sums = layer.norm_type, context.saved["sums"]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(sums == 0, 0, grad_output * sums ** (1 / p - 1)).astype(x.dtype)
        slope = np.sign(x) * np.abs(x) ** (p - 1)
        grad_x = slope * _ALGORITHMS[context.algorithm].spread(share, x.shape[2:], layer.windows(x.shape[1:]))
    return Gradients((grad_x,))


# One drawn at random


@forward.register
def _(layer: StochasticPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    """Draw in proportion to max(0, x); a window without a positive element gives 0 and passes no gradient."""
    (x,) = inputs
    algorithm, windows = _ALGORITHMS[context.algorithm], layer.windows(x.shape[1:])
    weights = np.maximum(x, 0)
    if context.training:
        shares = context.generator.random((*x.shape[:2], *sliding.counts(x.shape[2:], windows)))
        values, context.saved["winners"] = algorithm.draw(weights, shares, windows)
        return values
    sums = algorithm.total(weights, windows)
    positive = np.where(sums > 0, sums, 1)
    output = algorithm.total(np.square(weights), windows) / positive
    context.saved["positive"], context.saved["output"] = positive, output
    return output


@backward.register
def _(
    layer: StochasticPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    """Route to the drawn element; at inference y = Σa²/Σa, so each a gets (2a − y) / Σa of the gradient."""
    (x,) = inputs
    windows = layer.windows(x.shape[1:])
    if context.training:
        return _route(grad_output, x, windows, context)
    algorithm, weights = _ALGORITHMS[context.algorithm], np.maximum(x, 0)
    share = grad_output / context.saved["positive"]
    own = 2 * weights * algorithm.spread(share, x.shape[2:], windows)
    common = algorithm.spread(share * context.saved["output"], x.shape[2:], windows)
    return Gradients((np.where(x > 0, own - common, 0).astype(x.dtype),))


# Several grids


@forward.register
def _(layer: SpatialPyramidPool, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    grids = []
    for level in layer.levels:
        values, context.saved[f"winners{level}"] = _ALGORITHMS[context.algorithm].largest(x, _level(x, level))
        grids.append(values.reshape(len(x), -1))
    return np.concatenate(grids, axis=1)


@backward.register
def _(
    layer: SpatialPyramidPool, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    (x,) = inputs
    grad_x = np.zeros_like(x)
    start = 0
    for level in layer.levels:
        shape = (*x.shape[:2], *(level for _ in x.shape[2:]))
        length = int(np.prod(shape[1:]))
        grad = grad_output[:, start : start + length].reshape(shape)
        winners = context.saved[f"winners{level}"]
        grad_x += _ALGORITHMS[context.algorithm].route(grad, winners, x.shape[2:], _level(x, level))
        start += length
    return Gradients((grad_x,))


def _level(x: Array, level: int) -> list[Bins]:
    return _bins(x, [level for _ in x.shape[2:]])
