"""Pooling by plain loops: one window of one channel at a time.

What a window's winner was is remembered as the number of its tap, counted row by row; −1 is no winner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import inf, isnan
from typing import Any

import numpy as np

from ..layers import sliding
from ..layers.rules import Array

Place = tuple[int, ...]


def largest(x: Array, cells: sliding.Cells) -> tuple[Array, Any]:
    """Return each window's maximum and its tap.

    Padding is ignored. Of equal elements the first is taken, of several NaN the last, as in PyTorch.

    Shapes:   x (n, c, h, w) → values (n, c, p, q), winners (n, c, p, q)
    """
    values, winners = _outputs(x, cells, -inf), _outputs(x, cells, -1).astype(np.int64)
    for unit, window in windows(values.shape, x.shape[2:], cells):
        for tap, pixel in enumerate(window):
            if pixel is None:
                continue
            element = x[(*unit[:2], *pixel)]
            if winners[unit] < 0 or element > values[unit] or isnan(element):
                values[unit] = element
                winners[unit] = tap
    return values, winners


def route(grad: Array, winners: Any, sizes: Sequence[int], cells: sliding.Cells) -> Array:
    """Route each window's gradient to its maximum.

    Shapes:   grad (n, c, p, q), sizes (h, w) → (n, c, h, w)
    """
    images = np.zeros((*grad.shape[:2], *sizes), grad.dtype)
    for unit, window in windows(grad.shape, sizes, cells):
        for tap, pixel in enumerate(window):
            if tap == winners[unit] and pixel is not None:
                images[(*unit[:2], *pixel)] += grad[unit]
    return images


def total(x: Array, cells: sliding.Cells) -> Array:
    """Return each window's sum; padding counts as zeros.

    Shapes:   x (n, c, h, w) → (n, c, p, q)
    """
    sums = _outputs(x, cells, 0)
    for unit, window in windows(sums.shape, x.shape[2:], cells):
        for pixel in window:
            if pixel is not None:
                sums[unit] += x[(*unit[:2], *pixel)]
    return sums


def spread(grad: Array, sizes: Sequence[int], cells: sliding.Cells) -> Array:
    """Distribute each window's gradient to its elements: the adjoint of `total`.

    Shapes:   grad (n, c, p, q), sizes (h, w) → (n, c, h, w)
    """
    images = np.zeros((*grad.shape[:2], *sizes), grad.dtype)
    for unit, window in windows(grad.shape, sizes, cells):
        for pixel in window:
            if pixel is not None:
                images[(*unit[:2], *pixel)] += grad[unit]
    return images


def draw(weights: Array, shares: Array, cells: sliding.Cells) -> tuple[Array, Array]:
    """Return the weight at which each window's running sum passes its share of the total, and that winner.

    A window whose weights are all 0 has no winner and gives 0.

    Shapes:   weights (n, c, h, w) not negative, shares (n, c, p, q) in [0, 1) → values, winners (n, c, p, q)
    """
    threshold = shares.astype(weights.dtype) * total(weights, cells)
    values, winners = np.zeros_like(threshold), np.full(threshold.shape, -1)
    for unit, window in windows(shares.shape, weights.shape[2:], cells):
        running = weights.dtype.type(0)
        for tap, pixel in enumerate(window):
            element = weights[(*unit[:2], *pixel)] if pixel is not None else weights.dtype.type(0)
            if element > 0 and running <= threshold[unit]:
                values[unit] = element
                winners[unit] = tap
            running += element
    return values, winners


def windows(
    outputs: Sequence[int], sizes: Sequence[int], cells: sliding.Cells
) -> Iterator[tuple[Place, list[Place | None]]]:
    """Yield every output unit with the pixels under its window, tap by tap; None is padding."""
    axes = [sliding.positions(n, one) for n, one in zip(sizes, cells, strict=True)]
    for unit in product(*(range(size) for size in outputs)):
        taps = product(*(axis[at] for axis, at in zip(axes, unit[2:], strict=True)))
        yield unit, [tap if all(0 <= i < n for i, n in zip(tap, sizes, strict=True)) else None for tap in taps]


def _outputs(x: Array, cells: sliding.Cells, value: float) -> Array:
    counts = [len(sliding.positions(n, one)) for n, one in zip(x.shape[2:], cells, strict=True)]
    return np.full((*x.shape[:2], *counts), value, x.dtype)
