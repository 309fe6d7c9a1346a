"""Several axes folded into a flat one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .map import Index


@dataclass(frozen=True)
class Folded:
    """One of the axes that a flat axis was folded from (row-major).

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
        """Return the flat length."""
        return self.length

    def covers(self, n: int) -> bool:
        """Return False."""
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the one source position, twice."""
        source = output // self.inner % self.n
        return source, source

    def taps(self, n: int) -> Index:
        """Return the one source position."""
        return (np.arange(self.length, dtype=np.int64) // self.inner % self.n)[:, None]
