"""Receptive fields by the standard recurrence, generalized to any graph.

    size  += (reach − 1) · stride_before
    start += ((reach − 1) / 2 − before) · stride_before
    stride = stride_before · s

A field is kept as the edges of the first unit's window, `low` and `high`, and the step from unit to unit, from
which size = high − low and start = (low + high) / 2 follow. Where units differ (after upsampling, in uneven bins)
the edges of every unit are listed instead.

Source: Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks"
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..axis import AxisMap, Folded, Placed, Rolled, TransposedWindow, Window, prefix_ends
from ..axis.map import Index
from ..network import Network
from .paths import Merge, Paths, follow

NOWHERE = 2**40
"""An edge beyond every image: a unit with low = NOWHERE sees nothing."""


class Regular:
    """Unit i sees the pixels low + i·step … high + i·step − 1, also beyond the image's edges."""

    __slots__ = ("high", "low", "step")

    def __init__(self, low: int, high: int, step: int | Fraction) -> None:
        self.low = low
        self.high = high
        self.step = step

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Regular)
            and self.low == other.low
            and self.high == other.high
            and self.step == other.step
        )

    def __hash__(self) -> int:
        return hash((self.low, self.high, self.step))

    @property
    def size(self) -> int:
        """Return the pixels a unit spans."""
        return self.high - self.low

    @property
    def first_low(self) -> int:
        """Return where the first unit's view begins."""
        return self.low

    @property
    def start(self) -> float:
        """Return the center of the first unit; the first pixel's center is 0.5."""
        return (self.low + self.high) / 2

    def edges(self, unit: Index) -> tuple[Index, Index]:
        """Return the edges of any units, also of those beyond the layer's end."""
        moved = unit * int(self.step) if self.step == int(self.step) else unit * 0
        return self.low + moved, self.high + moved


class Irregular:
    """Unit i sees the pixels low[i] … high[i] − 1; `step` is the mean distance of neighbors.

    Beyond the layer's ends, where only padding is, the end unit's view continues at the mean step. `varying` is
    False where the units are those of a regular layer in another order, as in a flattened image.
    """

    __slots__ = ("high", "low", "step", "varying")

    def __init__(self, low: Index, high: Index, step: Fraction, varying: bool = True) -> None:
        self.low = low
        self.high = high
        self.step = step
        self.varying = varying

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Irregular)
            and np.array_equal(self.low, other.low)
            and np.array_equal(self.high, other.high)
        )

    def __hash__(self) -> int:
        return hash((self.low.tobytes(), self.high.tobytes()))

    @property
    def size(self) -> int:
        """Return the pixels spanned by the unit that spans most."""
        return max(0, int((self.high - self.low).max()))

    @property
    def _first(self) -> int:
        return int(np.argmax(self.high > self.low))

    @property
    def first_low(self) -> int:
        """Return where the view of the first unit that sees anything begins."""
        return int(self.low[self._first])

    @property
    def start(self) -> float:
        return float(self.low[self._first] + self.high[self._first]) / 2

    def edges(self, unit: Index) -> tuple[Index, Index]:
        """Return the edges of any units, also of those beyond the layer's ends."""
        inside = np.clip(unit, 0, len(self.low) - 1)
        steps = (unit - inside) * self.step.numerator
        down, up = steps // self.step.denominator, -(-steps // self.step.denominator)
        return self.low[inside] + down, self.high[inside] + up


AxisField = Regular | Irregular


def _simplest(low: Index, high: Index, step: Fraction) -> AxisField:
    """Return a Regular field where all units are alike and evenly spaced."""
    if len(low) == 1:
        return Regular(int(low[0]), int(high[0]), int(step) if step == int(step) else step)
    apart = low[1] - low[0]
    if step and (np.diff(low) == apart).all() and (high - low == high[0] - low[0]).all():
        return Regular(int(low[0]), int(high[0]), int(apart))
    return Irregular(low, high, step)


def _listed(axis: AxisField, one: AxisMap, positions: int) -> AxisField:
    """List what each output sees: the edges of the input units its map spans."""
    first, last = one.span(np.arange(positions, dtype=np.int64))
    reached = last >= first
    first, last = np.where(reached, first, 0), np.where(reached, last, 0)
    if type(axis) is Regular:
        low, high = axis.edges(first)[0], axis.edges(last)[1]
    elif prefix_ends(one, positions) is not None:
        lows, highs = axis.edges(np.arange(int(last.max()) + 1, dtype=np.int64))
        low, high = np.minimum.accumulate(lows)[last], np.maximum.accumulate(highs)[last]
    else:
        widest = int((last - first).max()) + 1
        under = np.minimum(first[:, None] + np.arange(widest, dtype=np.int64), last[:, None])
        lows, highs = axis.edges(under)
        low, high = lows.min(axis=1), highs.max(axis=1)
    low = np.where(reached, low, NOWHERE)
    high = np.where(reached, high, -NOWHERE)
    if type(one) in _REORDERED and positions > 1:
        varying = type(axis) is Irregular and axis.varying
        return Irregular(low, high, Fraction(axis.step) * one.step, varying)
    return _simplest(low, high, Fraction(axis.step) * one.step)


_REORDERED = (Folded, Placed, Rolled)
"""Maps that give the units of their input in another order, each as it was."""


def _hull_of_two(one: Regular, two: Regular) -> tuple[AxisField, float | None]:
    """Merge two regular views, the most common case."""
    if one.low == two.low and one.high == two.high:
        return one, None
    offset = (two.low + two.high - one.low - one.high) / 2
    if one.low <= two.low and one.high >= two.high:
        return one, offset
    return Regular(min(one.low, two.low), max(one.high, two.high), one.step), offset


def _regular_hull(axes: list[Regular]) -> tuple[AxisField, float]:
    """Merge regular views: the widest window, and the center farthest from the first's."""
    first = axes[0]
    low = min([axis.low for axis in axes])
    high = max([axis.high for axis in axes])
    offset = _farthest([(axis.low + axis.high - first.low - first.high) / 2 for axis in axes])
    return first if low == first.low and high == first.high else Regular(low, high, first.step), offset


_PIXEL = Regular(0, 1, 1)


class Recurrence:
    """The algebra of closed formulas."""

    def start(self, n: int) -> AxisField:
        return _PIXEL

    def through(self, axis: AxisField, one: AxisMap, n: int, positions: int) -> AxisField:
        """Apply the recurrence, or list the edges where no recurrence holds."""
        if type(axis) is Regular and type(axis.step) is int:
            step = axis.step
            if type(one) is Window:
                before = one.before * step
                high = axis.high - before + (one.reach - 1) * step
                return Regular(axis.low - before, high, step * one.stride)
            if type(one) is TransposedWindow and one.stride == 1:
                after = one.before * step
                return Regular(axis.low + after - (one.reach - 1) * step, axis.high + after, step)
        return _listed(axis, one, positions)

    def whole(self, axis: AxisField, n: int) -> AxisField:
        low, high = axis.edges(np.array([0, n - 1]) if type(axis) is Regular else np.arange(n))
        return Regular(int(low.min()), int(high.max()), 0)

    def repeat(self, axis: AxisField, n: int) -> AxisField:
        low, high = axis.edges(np.zeros(1, dtype=np.int64))
        return Regular(int(low[0]), int(high[0]), 0)

    def hull(self, axes: Sequence[AxisField], n: int) -> tuple[AxisField, float | None]:
        """Join views unit by unit, and measure how far their centers are apart."""
        first = axes[0]
        if len(axes) == 2 and type(first) is Regular:
            second = axes[1]
            if type(second) is Regular and (second.step == first.step or n == 1):
                return _hull_of_two(first, second)
        others = [axis for axis in axes[1:] if axis is not first and axis != first]
        if not others:
            return first, None
        regular = [a for a in (first, *others) if type(a) is Regular and (a.step == first.step or n == 1)]
        if len(regular) > len(others):
            return _regular_hull(regular)
        units = np.arange(n, dtype=np.int64)
        edges = [axis.edges(units) for axis in axes]
        low_edges = np.min([low for low, _ in edges], axis=0)
        high_edges = np.max([high for _, high in edges], axis=0)
        step = max((Fraction(axis.step) for axis in axes), default=Fraction(1))
        seen = np.all([high > low for low, high in edges], axis=0)
        twice = [(low + high)[seen] for low, high in edges]
        return _simplest(low_edges, high_edges, step), _farthest([_apart(c - twice[0]) for c in twice])


def _apart(twice: Index) -> float:
    """Return how far centers are apart, given twice the distances of units, in the map's inner half.

    At the edges units see only padding. After upsampling the distances repeat with a period, over
    which they are averaged: an oscillation within it is no offset.
    """
    n = len(twice)
    inner = twice[n // 4 : n - n // 4]
    if not len(inner):
        return 0.0
    for period in range(1, len(inner) // 2 + 1):
        if (inner[period:] == inner[:-period]).all():
            return float(inner[:period].mean()) / 2
    return float(inner.mean()) / 2


def _farthest(offsets: list[float]) -> float:
    return max(offsets, key=abs)


class ReceptiveField:
    """The receptive field of one layer's units, computed lazily from the recurrence.

    Sizes are in pixels of the origin, per axis, rows first; None where they mean nothing.
    """

    __slots__ = ("_view",)

    def __init__(self, view: Paths[AxisField] | None) -> None:
        self._view = view

    @property
    def status(self) -> str:
        """Return exact, union, misaligned, varying, global, unknown, or none (nothing of the origin is seen)."""
        view = self._view
        if view is None:
            return "none"
        if view.lost_at is not None:
            return "unknown"
        if view.via is not None:
            return "global"
        if any(type(axis) is Irregular and axis.varying for axis in view.axes):
            return "varying"
        return "misaligned" if view.merges else "union" if view.union else "exact"

    @property
    def _axes(self) -> tuple[AxisField, ...] | None:
        view = self._view
        return None if view is None or view.lost_at is not None or view.via is not None else view.axes

    @property
    def size(self) -> tuple[int, ...] | None:
        """Return the extent, the largest where units differ."""
        view = self._view
        if view is None or view.via is not None or view.lost_at is not None:
            return None
        return tuple([axis.size for axis in view.axes])

    @property
    def stride(self) -> tuple[float, ...] | None:
        """Return the distance of neighboring units, the mean where it varies."""
        view, axes = self._view, self._axes
        if view is None or axes is None or not all(axis.step for axis in axes):
            return None
        if any(type(driver) is tuple for driver in view.drivers):  # the units of a flat axis follow no one step
            return None
        return tuple(int(axis.step) if axis.step == int(axis.step) else float(axis.step) for axis in axes)

    @property
    def start(self) -> tuple[float, ...] | None:
        """Return the center of the first unit; the first pixel's center is 0.5."""
        axes = self._axes
        return None if axes is None else tuple([axis.start for axis in axes])

    @property
    def padding(self) -> tuple[int, ...] | None:
        """Return how far the first unit's view begins before the image; negative inside it."""
        axes = self._axes
        return None if axes is None else tuple([-axis.first_low for axis in axes])

    @property
    def via(self) -> str | None:
        """Return the layer through which everything is seen, or after which the field is unknown."""
        return None if self._view is None else self._view.lost_at or self._view.via

    @property
    def global_via(self) -> str | None:
        """Return the layer through which a local view gains a path that sees everything."""
        return None if self._view is None else self._view.global_via

    @property
    def merges(self) -> tuple[Merge, ...]:
        """Return the merges whose paths have different centers."""
        return () if self._view is None else self._view.merges

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = {"status": self.status}
        for name in ("size", "stride", "start", "padding"):
            value = getattr(self, name)
            document[name] = None if value is None else list(value)
        if self.via is not None:
            document["via"] = self.via
        if self.global_via is not None:
            document["global_via"] = self.global_via
        if self.merges:
            document["merges"] = [{"layer": m.layer, "offset": list(m.offset)} for m in self.merges]
        return document

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReceptiveField) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ReceptiveField({', '.join(f'{name}={value}' for name, value in self.to_dict().items())})"


def receptive_fields(network: Network, origin: str | None = None) -> list[Paths[AxisField] | None]:
    """Return what the units of every node see of the input, or of layer `origin`, by the recurrence."""
    return follow(network, Recurrence(), network[origin] if origin else network.inputs[0])
