"""Resizing along one axis: nearest, interpolating, and pixel shuffle."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .map import Index


@dataclass(frozen=True)
class Resize:
    """An axis of n positions resized to `size`, each blended from `support` neighbors.

    support 1 takes the nearest (floor of the scaled index), 2 is linear, 4 is cubic interpolation.

    Formula:  source = (o + ½)·n/size − ½, or o·(n − 1)/(size − 1) with corners aligned
    Units:    positions
    Source:   PyTorch `interpolate`, ONNX Resize (half_pixel and align_corners)
    """

    n: int
    size: int
    support: int = 1
    align_corners: bool = False

    @property
    def step(self) -> Fraction:
        if self.align_corners and self.size > 1:
            return Fraction(self.n - 1, self.size - 1)
        return Fraction(self.n, self.size)

    def positions(self, n: int) -> int:
        return self.size

    def _first(self, output: Index) -> tuple[Index, NDArray[np.bool_]]:
        """Return each output's first source position, and whether it falls exactly on one position."""
        if self.support == 1:
            return output * self.n // self.size, np.ones(output.shape, bool)
        over, under = self.step.numerator, self.step.denominator
        doubled = 2 * output * over
        if not self.align_corners:
            doubled = doubled + over - under  # twice the numerator of (o + ½)·step − ½
        base = doubled // (2 * under)
        return base - (self.support // 2 - 1), doubled % (2 * under) == 0

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the first and last blended position, also past the edge.

        A position that falls exactly on a source takes that source alone: its neighbors weigh nothing.
        """
        first, exact = self._first(output)
        if self.support == 1:
            return first, first
        on_source = first + (self.support // 2 - 1)
        last = first + self.support - 1
        return np.where(exact, on_source, first), np.where(exact, on_source, last)

    def taps(self, n: int) -> Index:
        """Return the blended positions; beyond the edge the edge position stands in."""
        output = np.arange(self.size, dtype=np.int64)
        first, last = self.span(output)
        taps = first[:, None] + np.arange(self.support, dtype=np.int64)
        np.minimum(taps, last[:, None], out=taps)
        np.clip(taps, 0, n - 1, out=taps)
        return taps
