"""Pooling by strided views: one step per tap of the window, all windows at once. Bins go axis by axis.

What a window's winner was is remembered as the number of its tap, counted row by row; −1 is no winner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....axis import Bins, Window
from ..layers import sliding
from ..layers.rules import Array
from . import bins


def largest(x: Array, cells: sliding.Cells) -> tuple[Array, Any]:
    """Return each window's maximum and its tap.

    Padding is ignored. Of equal elements the first is taken, of several NaN the last, as in PyTorch.

    Shapes:   x (n, c, h, w) → values (n, c, p, q), winners (n, c, p, q)
    """
    if all(isinstance(one, Bins) for one in cells):
        return bins.largest(x, cells)
    windows = _windows(cells)
    counts = sliding.counts(x.shape[2:], windows)
    padded, real = _around(x, windows, counts), _around(np.ones_like(x[:1, :1], bool), windows, counts)
    values = np.full((*x.shape[:2], *counts), -np.inf, x.dtype)
    winners = np.full(values.shape, -1, np.int32)
    for tap, place in enumerate(sliding.tap_slices(windows, counts)):
        element = padded[:, :, *place]
        wins = (element > values) | np.isnan(element) | (winners < 0)
        wins &= real[:, :, *place]
        np.copyto(values, element, where=wins)
        np.copyto(winners, tap, where=wins)
    return values, winners


def route(grad: Array, winners: Any, sizes: Sequence[int], cells: sliding.Cells) -> Array:
    """Route each window's gradient to its maximum.

    Shapes:   grad (n, c, p, q), sizes (h, w) → (n, c, h, w)
    """
    if all(isinstance(one, Bins) for one in cells):
        return bins.route(grad, winners, sizes, cells)
    windows = _windows(cells)
    images = np.zeros((*grad.shape[:2], *_room(sizes, windows, grad.shape[2:])), grad.dtype)
    for tap, place in enumerate(sliding.tap_slices(windows, grad.shape[2:])):
        images[:, :, *place] += np.where(winners == tap, grad, 0)
    return _inside(images, sizes, windows)


def total(x: Array, cells: sliding.Cells) -> Array:
    """Return each window's sum; padding counts as zeros.

    Shapes:   x (n, c, h, w) → (n, c, p, q)
    """
    if all(isinstance(one, Bins) for one in cells):
        return bins.total(x, cells)
    windows = _windows(cells)
    counts = sliding.counts(x.shape[2:], windows)
    padded = _around(x, windows, counts)
    sums = np.zeros((*x.shape[:2], *counts), x.dtype)
    for place in sliding.tap_slices(windows, counts):
        sums += padded[:, :, *place]
    return sums


def spread(grad: Array, sizes: Sequence[int], cells: sliding.Cells) -> Array:
    """Distribute each window's gradient to its elements: the adjoint of `total`.

    Shapes:   grad (n, c, p, q), sizes (h, w) → (n, c, h, w)
    """
    if all(isinstance(one, Bins) for one in cells):
        return bins.spread(grad, sizes, cells)
    windows = _windows(cells)
    images = np.zeros((*grad.shape[:2], *_room(sizes, windows, grad.shape[2:])), grad.dtype)
    for place in sliding.tap_slices(windows, grad.shape[2:]):
        images[:, :, *place] += grad
    return _inside(images, sizes, windows)


def draw(weights: Array, shares: Array, cells: sliding.Cells) -> tuple[Array, Array]:
    """Return the weight at which each window's running sum passes its share of the total, and that winner.

    A window whose weights are all 0 has no winner and gives 0.

    Shapes:   weights (n, c, h, w) not negative, shares (n, c, p, q) in [0, 1) → values, winners (n, c, p, q)
    """
    windows = _windows(cells)
    counts = shares.shape[2:]
    padded = _around(weights, windows, counts)
    threshold = shares.astype(weights.dtype) * total(weights, cells)
    running = np.zeros_like(threshold)
    values, winners = np.zeros_like(threshold), np.full(threshold.shape, -1)
    for tap, place in enumerate(sliding.tap_slices(windows, counts)):
        element = padded[:, :, *place]
        open_ = running <= threshold
        running = running + element
        # The last positive weight stays drawn where rounding keeps the sum below its share.
        drawn = (element > 0) & open_
        np.copyto(values, element, where=drawn)
        np.copyto(winners, tap, where=drawn)
    return values, winners


def _windows(cells: sliding.Cells) -> list[Window]:
    return [one for one in cells if isinstance(one, Window)]


def _room(sizes: Sequence[int], windows: Sequence[Window], counts: Sequence[int]) -> list[int]:
    """Return the padded sizes, long enough for windows that hang over the end."""
    return [
        max(n + w.before + w.after, (count - 1) * w.stride + w.reach)
        for n, w, count in zip(sizes, windows, counts, strict=True)
    ]


def _around(x: Array, windows: Sequence[Window], counts: Sequence[int]) -> Array:
    """Return x with zeros around it, as far as the windows reach."""
    padded = np.zeros((*x.shape[:2], *_room(x.shape[2:], windows, counts)), x.dtype)
    _middle(padded, x.shape[2:], windows)[...] = x
    return padded


def _inside(images: Array, sizes: Sequence[int], windows: Sequence[Window]) -> Array:
    return np.ascontiguousarray(_middle(images, sizes, windows))


def _middle(padded: Array, sizes: Sequence[int], windows: Sequence[Window]) -> Array:
    return padded[:, :, *(slice(w.before, w.before + n) for n, w in zip(sizes, windows, strict=True))]
