"""Positions of sliding windows, derived from the sizes of the arrays.

The shape rules of the layers are not used, so that tests can compare both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from ....axis import Bins, Window
from .rules import Array

Cells = Sequence[Window | Bins]
"""Per spatial axis, how outputs lie on inputs: a sliding window, or adaptive pooling's bins."""


def starts(n: int, window: Window) -> range:
    """Return the position of each window's first tap, negative in the padding before the axis.

    A window must fit into the padded axis. With `ceil` it may hang over the end, if it begins on a real position
    or in the padding before, and at least one of its last `stride` taps is still inside.
    """
    end = n + window.after
    overhang = window.stride - 1 if window.ceil else 0
    every = range(-window.before, end, window.stride)
    fitting = [s for s in every if s + window.reach - overhang <= end and (s < n or not window.ceil)]
    return every[: len(fitting)]


def counts(sizes: Sequence[int], windows: Sequence[Window]) -> tuple[int, ...]:
    """Return the number of windows along each axis."""
    return tuple(len(starts(n, window)) for n, window in zip(sizes, windows, strict=True))


def edges(n: int, size: int) -> tuple[Array, Array]:
    """Return each adaptive bin's first position and the position after its last.

    Formula:  ⌊o·n/size⌋ … ⌈(o + 1)·n/size⌉
    Source:   PyTorch AdaptiveAvgPool2d
    """
    bins = np.arange(size)
    return bins * n // size, -(-(bins + 1) * n // size)


def positions(n: int, cells: Window | Bins) -> list[list[int]]:
    """Return the input positions under each output's taps, in order; those outside 0 … n − 1 are padding."""
    if isinstance(cells, Bins):
        return [list(range(first, end)) for first, end in zip(*edges(n, cells.size), strict=True)]
    taps = range(0, cells.reach, cells.dilation)
    return [[start + tap for tap in taps] for start in starts(n, cells)]


def divisors(n: int, window: Window, count_padding: bool) -> Array:
    """Return how many taps of each window a mean divides by, at least 1.

    Padding before and after counts if `count_padding`; what ceil_mode adds past it never does, as in PyTorch.
    """
    low, high = (-window.before, n + window.after) if count_padding else (0, n)
    return np.array([max(1, sum(low <= i < high for i in taps)) for taps in positions(n, window)])


def tap_slices(windows: Sequence[Window], positions: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Yield, for each tap of the window in row-major order, the slices of a padded array that it meets.

    Each slice tuple picks one element per window: a strided view with `positions` elements per axis.
    """
    for tap in product(*(range(window.size) for window in windows)):
        yield tuple(
            slice(t * window.dilation, t * window.dilation + (count - 1) * window.stride + 1, window.stride)
            for t, window, count in zip(tap, windows, positions, strict=True)
        )
