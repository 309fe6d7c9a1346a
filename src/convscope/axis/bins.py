"""Bins of adaptive pooling along one axis."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .map import Index


@dataclass(frozen=True)
class Bins:
    """An axis of n positions divided into `size` bins, which may overlap by one and differ by one.

    Formula:  bin o covers ⌊o·n/size⌋ … ⌈(o + 1)·n/size⌉ − 1
    Units:    positions
    Source:   PyTorch AdaptiveAvgPool2d
    """

    n: int
    size: int

    @property
    def step(self) -> Fraction:
        """Return the input positions per bin, on average."""
        return Fraction(self.n, self.size)

    def positions(self, n: int) -> int:
        return self.size

    def covers(self, n: int) -> bool:
        return self.size == 1 and n > 1

    def span(self, output: Index) -> tuple[Index, Index]:
        return output * self.n // self.size, -(-(output + 1) * self.n // self.size) - 1

    def taps(self, n: int) -> Index:
        """Return each bin's positions; -1 fills the shorter bins."""
        first, last = self.span(np.arange(self.size, dtype=np.int64))
        widest = int((last - first).max()) + 1
        taps = first[:, None] + np.arange(widest, dtype=np.int64)
        return np.where(taps <= last[:, None], taps, -1)
