"""Exact intervals of origin pixels per unit and axis, borders included.

Where the recurrence extends windows beyond the image, this follows only the real positions under each tap: a
padded tap sees nothing, a reflected one sees the pixel it reflects, rows that a stride skips are not seen again.
Cost is one gather per window and axis: O(positions · taps).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..axis import AxisMap, prefix_ends
from ..axis.map import Index
from ..network import Network
from .paths import Paths, follow
from .receptive_field import NOWHERE


class Interval:
    """Unit i sees pixels from low[i] to high[i] − 1; low = NOWHERE where it sees none.

    `loose` says that a merge joined a path that sees nothing for some units: along one axis alone it cannot be
    known then which units of the other axes it concerns, and the hull may be too large by that path's extent.
    """

    __slots__ = ("high", "loose", "low")

    def __init__(self, low: Index, high: Index, loose: bool = False) -> None:
        self.low = low
        self.high = high
        self.loose = loose

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Interval)
            and np.array_equal(self.low, other.low)
            and np.array_equal(self.high, other.high)
        )

    __hash__ = None  # type: ignore[assignment]


@lru_cache(maxsize=4096)
def taps_of(one: AxisMap, n: int) -> Index:
    """Return the real positions under each output's taps, n where there is none (cached)."""
    taps = one.taps(n)
    taps = np.where(taps < 0, n, taps)
    taps.setflags(write=False)
    return taps


class Intervals:
    """The algebra of listed intervals."""

    def start(self, n: int) -> Interval:
        return Interval(np.arange(n, dtype=np.int64), np.arange(1, n + 1, dtype=np.int64))

    def through(self, axis: Interval, one: AxisMap, n: int, positions: int) -> Interval:
        ends = prefix_ends(one, positions)
        if ends is not None:
            return Interval(
                np.minimum.accumulate(axis.low)[ends], np.maximum.accumulate(axis.high)[ends], axis.loose
            )
        taps = taps_of(one, n)
        low = np.append(axis.low, NOWHERE)[taps].min(axis=1)
        high = np.append(axis.high, -NOWHERE)[taps].max(axis=1)
        return Interval(low, high, axis.loose)

    def whole(self, axis: Interval, n: int) -> Interval:
        return Interval(axis.low.min(keepdims=True), axis.high.max(keepdims=True), axis.loose)

    def repeat(self, axis: Interval, n: int) -> Interval:
        return Interval(axis.low[:1].repeat(n), axis.high[:1].repeat(n), axis.loose)

    def hull(self, axes: Sequence[Interval], n: int) -> tuple[Interval, float | None]:
        """Join intervals unit by unit; offsets are left to the recurrence."""
        first = axes[0]
        if all(axis == first for axis in axes[1:]):
            return first, None
        low = np.min(np.broadcast_arrays(*(axis.low for axis in axes)), axis=0)
        high = np.max(np.broadcast_arrays(*(axis.high for axis in axes)), axis=0)
        blind = any(bool((axis.low >= axis.high).any()) for axis in axes)
        return Interval(low, high, blind or any(axis.loose for axis in axes)), None


def intervals(network: Network, origin: str | None = None) -> list[Paths[Interval] | None]:
    """Return the exact intervals of every node's units, per axis of the input, or of layer `origin`."""
    return follow(network, Intervals(), network[origin] if origin else network.inputs[0])


@lru_cache(maxsize=1024)
def tap_matrix(one: AxisMap, n: int) -> NDArray[np.float32]:
    """Return (outputs, n): 1 where the output has a tap on the position."""
    taps = taps_of(one, n)
    matrix = np.zeros((len(taps), n + 1), dtype=np.float32)
    np.put_along_axis(matrix, taps, 1, axis=1)
    matrix = matrix[:, :n]
    matrix.setflags(write=False)
    return matrix
