"""Convolution as one matrix product per group, and its two adjoints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....axis import Window
from ..layers.rules import Array
from .columns import gather, scatter


def correlate(
    padded: Array, weight: Array, windows: Sequence[Window], counts: Sequence[int], groups: int
) -> Array:
    """Correlate padded images with kernels.

    Shapes:   padded (n, c, h, w), weight (o, c / groups, kh, kw) → (n, o, p, q)
    Formula:  per group: (o / groups, c / groups · kh · kw) @ (c / groups · kh · kw, n · p · q)
    """
    images = len(padded)
    columns = gather(padded, windows, counts).reshape(groups, weight[0].size, -1)
    kernels = weight.reshape(groups, -1, weight[0].size)
    return _images(kernels @ columns, images, counts)


def spread(grad: Array, weight: Array, sizes: Sequence[int], windows: Sequence[Window], groups: int) -> Array:
    """Return the gradient of the images: the adjoint of `correlate` in its images.

    Shapes:   grad (n, o, p, q), weight (o, c / groups, kh, kw), sizes (h, w) with border → (n, c, h, w)
    Formula:  per group: (o / groups, c / groups · kh · kw)ᵀ @ (o / groups, n · p · q), then col2im
    """
    kernels = weight.reshape(groups, -1, weight[0].size)
    columns = kernels.swapaxes(1, 2) @ _rows(grad, groups)
    return scatter(columns, len(grad), sizes, windows, grad.shape[2:])


def kernel_gradient(grad: Array, padded: Array, windows: Sequence[Window], groups: int) -> Array:
    """Return the gradient of the kernels: the adjoint of `correlate` in its kernels.

    Shapes:   grad (n, o, p, q), padded (n, c, h, w) → (o, c / groups, kh, kw)
    Formula:  per group: (o / groups, n · p · q) @ (c / groups · kh · kw, n · p · q)ᵀ
    """
    columns = gather(padded, windows, grad.shape[2:])
    columns = columns.reshape(groups, len(columns) // groups, -1)
    product = _rows(grad, groups) @ columns.swapaxes(1, 2)
    return product.reshape(grad.shape[1], -1, *(w.size for w in windows))


def _rows(images: Array, groups: int) -> Array:
    """Return (groups, channels / groups, n·p·q)."""
    by_channel = images.swapaxes(0, 1)
    return by_channel.reshape(groups, images.shape[1] // groups, -1)


def _images(rows: Array, images: int, counts: Sequence[int]) -> Array:
    """Return (n, channels, p, q): the inverse of `_rows`."""
    return np.ascontiguousarray(rows.reshape(-1, images, *counts).swapaxes(0, 1))
