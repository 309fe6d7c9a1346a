"""Merged and split axes, and windows over one part of a split axis."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .map import AxisMap, Index
from .spans import Bins
from .window import Window


@dataclass(frozen=True)
class Folded:
    """One of the axes that were merged into a flat axis (row-major).

    Formula:  source = ⌊o / inner⌋ mod n, where `inner` is the product of the axes folded after this one
    Units:    positions; `length` is the flat axis's length
    """

    n: int
    inner: int
    length: int

    @property
    def step(self) -> Fraction:
        """Return 0: one flat step has no fixed direction."""
        return Fraction(0)

    def positions(self, n: int) -> int:
        return self.length

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the one source position, twice."""
        source = output // self.inner % self.n
        return source, source

    def taps(self, n: int) -> Index:
        return (np.arange(self.length, dtype=np.int64) // self.inner % self.n)[:, None]


@dataclass(frozen=True)
class Placed:
    """Positions read from the digits of a flat axis of `length` outputs.

    Formula:  source = Σ weight·(⌊o / inner⌋ mod size), over `digits` of (inner, size, weight)
    """

    length: int
    digits: tuple[tuple[int, int, int], ...]

    @property
    def step(self) -> Fraction:
        """Return 0: one flat step has no fixed direction."""
        return Fraction(0)

    def positions(self, n: int) -> int:
        return self.length

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the one source position, twice."""
        source = np.zeros_like(output)
        for inner, size, weight in self.digits:
            source += weight * (output // inner % size)
        return source, source

    def taps(self, n: int) -> Index:
        return self.span(np.arange(self.length, dtype=np.int64))[0][:, None]


@dataclass(frozen=True)
class Lifted:
    """A map over one digit of a split axis: `size` long, `weight` positions apart, it becomes `outputs` long.

    Formula:  o = (high·outputs + digit)·weight + low; source = (high·size + map(digit))·weight + low
    """

    map: AxisMap
    size: int
    outputs: int
    weight: int
    length: int

    @property
    def step(self) -> Fraction:
        """Return the input positions per output position, on average."""
        return Fraction(self.size, self.outputs)

    def positions(self, n: int) -> int:
        return self.length

    def covers(self, n: int) -> bool:
        """Return False: other digits stay."""
        return False

    def _split(self, output: Index) -> tuple[Index, Index]:
        """Return the digit of each output, and the rest as an offset at the input."""
        high, low = output // (self.weight * self.outputs), output % self.weight
        return output // self.weight % self.outputs, high * (self.size * self.weight) + low

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the map's ends as positions of the whole axis."""
        digit, rest = self._split(output)
        first, last = self.map.span(digit)
        return rest + first * self.weight, rest + last * self.weight

    def taps(self, n: int) -> Index:
        """Return the map's taps as positions of the whole axis."""
        digit, rest = self._split(np.arange(self.length, dtype=np.int64))
        taps = self.map.taps(self.size)[digit]
        return np.where(taps < 0, -1, rest[:, None] + taps * self.weight)


def lifted(one: AxisMap, size: int, outputs: int, weight: int, n: int) -> AxisMap:
    """Return a map over one digit as a map over all n positions, a plain window where that is the same.

    >>> lifted(Bins(2, 1), 2, 1, 1, 12)
    Window(size=2, stride=2, before=0, after=0, dilation=1, ceil=False, border='zeros')
    """
    if size == n:
        return one
    if one == Bins(size, 1):
        if weight == 1:
            return Window(size, size)
        if weight * size == n:
            return Window(size, dilation=weight)
    return Lifted(one, size, outputs, weight, n // size * outputs)
