"""Bins of adaptive pooling, one axis after another: sums and maxima over a box are separable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....axis import Bins
from ..layers import sliding
from ..layers.rules import Array


def _table(n: int, size: int) -> tuple[Array, Array]:
    """Return (size, widest): the positions of each bin, and which are real; the rest repeat the last."""
    first, end = sliding.edges(n, size)
    taps = first[:, None] + np.arange((end - first).max())
    return np.minimum(taps, end[:, None] - 1), taps < end[:, None]


def _sizes(cells: sliding.Cells) -> list[int]:
    return [one.size for one in cells if isinstance(one, Bins)]


def total(x: Array, cells: sliding.Cells) -> Array:
    """Return each bin's sum."""
    for axis, size in enumerate(_sizes(cells), start=2):
        taps, real = _table(x.shape[axis], size)
        rows = np.moveaxis(x, axis, -1)
        x = np.moveaxis(np.where(real, rows[..., taps], 0).sum(axis=-1, dtype=x.dtype), -1, axis)
    return np.ascontiguousarray(x)


def spread(grad: Array, sizes: Sequence[int], cells: sliding.Cells) -> Array:
    """Distribute each bin's gradient to its elements: the adjoint of `total`."""
    for axis, (n, size) in enumerate(zip(sizes, _sizes(cells), strict=True), start=2):
        taps, real = _table(n, size)
        rows = np.moveaxis(grad, axis, 0)
        spread_rows = np.zeros((n, *rows.shape[1:]), grad.dtype)
        for tap in range(taps.shape[1]):
            # Two bins may share a position, so the sum is unbuffered.
            np.add.at(spread_rows, taps[real[:, tap], tap], rows[real[:, tap]])
        grad = np.moveaxis(spread_rows, 0, axis)
    return np.ascontiguousarray(grad)


def largest(x: Array, cells: sliding.Cells) -> tuple[Array, Any]:
    """Return each bin's largest element, and per axis the winning position, columns first.

    The best of each row, then the best row: of equal elements the first by rows wins, of several NaN the last.
    """
    winners = []
    for axis in range(x.ndim - 1, 1, -1):
        taps, real = _table(x.shape[axis], _sizes(cells)[axis - 2])
        rows = np.where(real, np.moveaxis(x, axis, -1)[..., taps], -np.inf)
        best = np.argmax(rows, axis=-1)
        nan = np.isnan(rows)
        last_nan = rows.shape[-1] - 1 - np.argmax(nan[..., ::-1], axis=-1)
        best = np.where(nan.any(axis=-1), last_nan, best)
        x = np.moveaxis(np.take_along_axis(rows, best[..., None], -1)[..., 0], -1, axis).astype(x.dtype)
        winners.append(
            np.moveaxis(
                np.take_along_axis(np.broadcast_to(taps, rows.shape), best[..., None], -1)[..., 0], -1, axis
            )
        )
    return np.ascontiguousarray(x), winners


def route(grad: Array, winners: Sequence[Array], sizes: Sequence[int], cells: sliding.Cells) -> Array:
    """Route each bin's gradient to its maximum, with the axes in reverse order."""
    for axis, position in zip(range(2, grad.ndim), reversed(winners), strict=True):
        shape = list(grad.shape)
        shape[axis] = sizes[axis - 2]
        routed = np.zeros(shape, grad.dtype)
        places = list(np.ogrid[tuple(slice(size) for size in grad.shape)])
        places[axis] = position
        np.add.at(routed, tuple(places), grad)
        grad = routed
    return grad
