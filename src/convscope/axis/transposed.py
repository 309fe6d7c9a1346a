"""The window of a transposed convolution."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .map import Index


@dataclass(frozen=True)
class TransposedWindow:
    """Each input position i adds to the outputs i·stride − before + t·dilation, for every tap t.

    Formula:  positions = (n − 1)·stride − before − after + reach + extra
    Units:    positions; before and after crop the output, `extra` (output_padding) lengthens its end
    Source:   Dumoulin & Visin 2016, relation 14; PyTorch ConvTranspose2d

    >>> TransposedWindow(size=4, stride=2, before=1, after=1).positions(14)
    28
    """

    size: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    extra: int = 0

    @property
    def reach(self) -> int:
        """Return the positions from the first tap to the last, both counted."""
        return self.dilation * (self.size - 1) + 1

    @property
    def step(self) -> Fraction:
        return Fraction(1, self.stride)

    def positions(self, n: int) -> int:
        return (n - 1) * self.stride - self.before - self.after + self.reach + self.extra

    def _sources(self, output: Index) -> tuple[Index, NDArray[np.bool_]]:
        """Return (outputs, taps): the input position behind each tap, and whether it is a whole number."""
        reached = output[:, None] + self.before - np.arange(self.size, dtype=np.int64) * self.dilation
        return reached // self.stride, reached % self.stride == 0

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the first and last contributing input position, as if the input were unbounded."""
        source, whole = self._sources(output)
        far = np.iinfo(np.int64).max // 4
        return np.where(whole, source, far).min(axis=1), np.where(whole, source, -far).max(axis=1)

    def taps(self, n: int) -> Index:
        """Return the real input positions that add to each output, else -1."""
        source, whole = self._sources(np.arange(self.positions(n), dtype=np.int64))
        return np.where(whole & (source >= 0) & (source < n), source, -1)
