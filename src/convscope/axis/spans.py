"""Positions listed one by one, where no formula is simpler."""

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
        """Return the length of the list."""
        return len(self.first)

    def covers(self, n: int) -> bool:
        """Return False."""
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the listed ends."""
        return np.array(self.first, dtype=np.int64)[output], np.array(self.last, dtype=np.int64)[output]

    def taps(self, n: int) -> Index:
        """Return the listed positions; -1 fills the shorter ones."""
        first, last = self.span(np.arange(len(self.first), dtype=np.int64))
        taps = first[:, None] + np.arange(int((last - first).max()) + 1, dtype=np.int64)
        return np.where(taps <= last[:, None], taps, -1)
