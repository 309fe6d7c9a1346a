"""im2col and col2im: every window of an image as one column of a matrix, and the adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ....axis import Window
from ....errors import BadShape
from ....layers.base import show_shape
from ....layers.convolution import Conv1d, Conv2d, Conv3d
from ..layers import borders, sliding
from ..layers.rules import Array


def im2col(x: Array, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Array:
    """Return every window of every image as a column.

    A row belongs to one input channel and tap (channels first, then taps by rows), a column to one window
    (images first, then windows by rows). A convolution is then one product: (o, c·kh·kw) @ columns.

    Shapes:   x (n, c, h, w) → (c·kh·kw, n·p·q)
    Errors:   BadShape [im2col-size] where the kernel does not fit; BadSetting as Conv2d

    >>> im2col(np.zeros((1, 3, 227, 227), np.float32), 11, stride=4).shape
    (363, 3025)
    """
    windows = _windows(x.shape, kernel_size, stride, padding, dilation)
    return gather(borders.pad(x, borders.pairs(windows)), windows, sliding.counts(x.shape[2:], windows))


def col2im(
    columns: Array,
    shape: tuple[int, ...],
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
) -> Array:
    """Add every column back to the pixels it came from: the adjoint of `im2col`, not its inverse.

    Shapes:   columns (c·kh·kw, n·p·q), shape (n, c, h, w) → (n, c, h, w)
    Errors:   BadShape [col2im-size] where the columns do not belong to such images

    >>> columns = im2col(np.ones((1, 1, 3, 3)), 2)
    >>> col2im(columns, (1, 1, 3, 3), 2)[0, 0]  # how many windows see each pixel
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    windows = _windows(shape, kernel_size, stride, padding, dilation)
    counts = sliding.counts(shape[2:], windows)
    expected = (shape[1] * prod(w.size for w in windows), shape[0] * prod(counts))
    if columns.shape != expected:
        raise BadShape(
            "col2im.columns must be {expected} for images {images} (got columns={columns}). Use the settings "
            "given to im2col. [col2im-size]",
            expected=show_shape(expected),
            images=show_shape(shape),
            columns=show_shape(columns.shape),
        )
    pairs = borders.pairs(windows)
    padded = [n + before + after for n, (before, after) in zip(shape[2:], pairs, strict=True)]
    return borders.fold(scatter(columns, shape[0], padded, windows, counts), pairs)


def _windows(shape: Sequence[int], kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Sequence[Window]:
    if not 3 <= len(shape) <= 5:
        raise BadShape(
            "im2col.x must be images with 1 to 3 spatial axes, (n, c, h, w) (got x={shape}). Put batch and "
            "channels in front. [im2col-rank]",
            shape=show_shape(tuple(shape)),
        )
    kind = (Conv1d, Conv2d, Conv3d)[len(shape) - 3]
    layer = kind(1, kernel_size, stride=stride, padding=padding, dilation=dilation)
    windows = layer.windows(tuple(shape[1:]))
    if not all(sliding.counts(shape[2:], windows)):
        raise BadShape(
            "im2col.kernel_size must fit into the padded image {shape} (got kernel_size={kernel_size}, "
            "padding={padding}). Use a smaller one. [im2col-size]",
            shape=show_shape(tuple(shape[2:])),
            kernel_size=layer.kernel_size,
            padding=layer.padding,
        )
    return windows


def gather(padded: Array, windows: Sequence[Window], counts: Sequence[int]) -> Array:
    """Return the columns of padded images: one strided view, copied once.

    Shapes:   padded (n, c, h, w) → (c·kh·kw, n·p·q)
    """
    images, channels, *spatial = padded.strides
    view = as_strided(
        padded,
        (padded.shape[1], *(w.size for w in windows), padded.shape[0], *counts),
        (
            channels,
            *(step * w.dilation for step, w in zip(spatial, windows, strict=True)),
            images,
            *(step * w.stride for step, w in zip(spatial, windows, strict=True)),
        ),
        writeable=False,
    )
    rows = padded.shape[1] * prod(w.size for w in windows)
    return view.reshape(rows, padded.shape[0] * prod(counts))


def scatter(
    columns: Array, images: int, sizes: Sequence[int], windows: Sequence[Window], counts: Sequence[int]
) -> Array:
    """Return padded images with every column added at its position: the adjoint of `gather`.

    Shapes:   columns (c·kh·kw, n·p·q), sizes (h, w) with border → (n, c, h, w)
    """
    taps = prod(w.size for w in windows)
    by_tap = columns.reshape(-1, taps, images, *counts)
    padded_images = np.zeros((by_tap.shape[0], images, *sizes), columns.dtype)
    for tap, place in enumerate(sliding.tap_slices(windows, counts)):
        padded_images[:, :, *place] += by_tap[:, tap]
    return np.ascontiguousarray(padded_images.swapaxes(0, 1))
