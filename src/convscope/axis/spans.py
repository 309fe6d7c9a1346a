"""Listed positions, and the part of an axis that one of several inputs fills."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .map import Index


@dataclass(frozen=True)
class Spans:
    """Output position o is made from the input positions first[o] … last[o]."""

    first: tuple[int, ...]
    last: tuple[int, ...]

    @property
    def step(self) -> Fraction:
        """Return 0: the positions follow no fixed step."""
        return Fraction(0)

    def positions(self, n: int) -> int:
        return len(self.first)

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        return np.array(self.first, dtype=np.int64)[output], np.array(self.last, dtype=np.int64)[output]

    def taps(self, n: int) -> Index:
        """Return the listed positions; -1 fills the shorter ones."""
        first, last = self.span(np.arange(len(self.first), dtype=np.int64))
        taps = first[:, None] + np.arange(int((last - first).max()) + 1, dtype=np.int64)
        return np.where(taps <= last[:, None], taps, -1)


@dataclass(frozen=True)
class Stretch:
    """An input of n positions that fills an output of `length` from `start` on; the rest is made from others."""

    n: int
    start: int
    length: int

    @property
    def step(self) -> Fraction:
        return Fraction(1)

    def positions(self, n: int) -> int:
        return self.length

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the one position, an empty span outside the stretch."""
        source = output - self.start
        inside = (source >= 0) & (source < self.n)
        return np.where(inside, source, 1), np.where(inside, source, 0)

    def taps(self, n: int) -> Index:
        """Return the one position, -1 outside the stretch."""
        source = np.arange(self.length, dtype=np.int64) - self.start
        return np.where((source >= 0) & (source < self.n), source, -1)[:, None]
