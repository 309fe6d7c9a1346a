"""Upsample: every new position blends a few old ones, one axis after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....layers.resize import Upsample
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward

_CUBIC_A = -0.75
"""The free parameter of cubic convolution, as PyTorch sets it (Keys 1981 calls it a)."""


def _sizes(layer: Upsample, x: Array) -> Sequence[int]:
    """Return the new size of each spatial axis."""
    rank = x.ndim - 2
    given = layer.size or layer.scale_factor or ()
    numbers = given * rank if len(given) == 1 else given
    return numbers if layer.size else [n * factor for n, factor in zip(x.shape[2:], numbers, strict=True)]


def blend(n: int, size: int, mode: str, align_corners: bool) -> tuple[Array, Array]:
    """Return which old positions each new one blends, and by which weights.

    Shapes:   → positions (size, taps), weights (size, taps)
    Formula:  source = (o + ½)·n/size − ½, or o·(n − 1)/(size − 1) with corners aligned; nearest ⌊o·n/size⌋
    Source:   PyTorch `interpolate`
    """
    new = np.arange(size)
    if mode == "nearest":
        return (new * n // size)[:, None], np.ones((size, 1))
    corners = new * ((n - 1) / max(1, size - 1))
    source = corners if align_corners else (new + 0.5) * (n / size) - 0.5
    if mode == "linear":
        source = np.maximum(source, 0)
    first = np.floor(source).astype(np.int64)
    t = source - first
    if mode == "linear":
        positions, weights = first[:, None] + np.arange(2), np.stack([1 - t, t], axis=1)
    else:
        positions = first[:, None] + np.arange(-1, 3)
        weights = np.stack([_far(1 + t), _near(t), _near(1 - t), _far(2 - t)], axis=1)
    return np.clip(positions, 0, n - 1), weights


def _near(distance: Array) -> Array:
    """Return the cubic kernel for distances up to 1."""
    return ((_CUBIC_A + 2) * distance - (_CUBIC_A + 3)) * distance * distance + 1


def _far(distance: Array) -> Array:
    """Return the cubic kernel for distances from 1 to 2."""
    return ((_CUBIC_A * distance - 5 * _CUBIC_A) * distance + 8 * _CUBIC_A) * distance - 4 * _CUBIC_A


@forward.register
def _(layer: Upsample, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    (x,) = inputs
    for axis, size in enumerate(_sizes(layer, x), start=2):
        positions, weights = blend(x.shape[axis], size, layer.mode, layer.align_corners)
        rows = np.moveaxis(x, axis, -1)
        blended = sum(rows[..., p] * w.astype(x.dtype) for p, w in zip(positions.T, weights.T, strict=True))
        x = np.moveaxis(blended, -1, axis)
    return np.ascontiguousarray(x)


@backward.register
def _(layer: Upsample, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    (x,) = inputs
    grad = grad_output
    for axis, (n, size) in enumerate(zip(x.shape[2:], _sizes(layer, x), strict=True), start=2):
        positions, weights = blend(n, size, layer.mode, layer.align_corners)
        rows = np.moveaxis(grad, axis, 0)
        gathered = np.zeros((n, *rows.shape[1:]), grad.dtype)
        for p, w in zip(positions.T, weights.T, strict=True):
            np.add.at(gathered, p, rows * w.astype(grad.dtype).reshape(-1, *(1 for _ in rows.shape[1:])))
        grad = np.moveaxis(gathered, 0, axis)
    return Gradients((np.ascontiguousarray(grad),))
