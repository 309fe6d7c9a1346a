"""Sliding windows along one axis, forward and transposed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .map import Index

Border = Literal["zeros", "reflect", "replicate", "circular"]


@dataclass(frozen=True)
class Window:
    """A window of `size` taps, `dilation` apart, that moves by `stride` over a padded axis.

    Formula:  reach = dilation·(size − 1) + 1;  positions = ⌊(n + before + after − reach) / stride⌋ + 1
    Units:    positions of the input axis; negative pads crop
    Source:   Dumoulin & Visin 2016, relations 6 and 15

    >>> Window(size=3, stride=2, before=1, after=1).positions(224)
    112
    """

    size: int = 1
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil: bool = False
    border: Border = "zeros"

    @property
    def reach(self) -> int:
        """Return the positions from the first tap to the last, both counted."""
        return self.dilation * (self.size - 1) + 1

    @property
    def step(self) -> Fraction:
        return Fraction(self.stride)

    def positions(self, n: int) -> int:
        """Return the number of output positions; zero or less when the window does not fit."""
        room = n + self.before + self.after - self.reach
        if not self.ceil:
            return max(0, room // self.stride + 1)
        count = -(-room // self.stride) + 1
        # A window that would start in the padding after the input is dropped, as PyTorch does.
        if (count - 1) * self.stride >= n + self.before:
            count -= 1
        return max(0, count)

    def unused(self, n: int) -> int:
        """Return how many positions at the end no window reaches, padding counted."""
        return max(0, n + self.before + self.after - (self.positions(n) - 1) * self.stride - self.reach)

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the window's first and last tap, also past the edge."""
        first = output * self.stride - self.before
        return first, first + (self.reach - 1)

    def taps(self, n: int) -> Index:
        """Return the real positions under each window's taps, -1 in zero padding."""
        starts = np.arange(self.positions(n), dtype=np.int64) * self.stride - self.before
        taps = starts[:, None] + np.arange(self.size, dtype=np.int64) * self.dilation
        if self.border == "circular":
            taps %= n
        elif self.border == "replicate":
            np.clip(taps, 0, n - 1, out=taps)
        elif self.border == "reflect":
            period = max(1, 2 * (n - 1))
            taps = np.abs(taps) % period
            np.minimum(taps, period - taps, out=taps)
            np.minimum(taps, n - 1, out=taps)
        else:
            taps[(taps < 0) | (taps >= n)] = -1
        return taps

    @staticmethod
    def same(n: int, size: int, stride: int = 1, dilation: int = 1, border: Border = "zeros") -> Window:
        """Return TensorFlow's SAME: ⌈n / stride⌉ positions, the odd pad at the end.

        >>> Window.same(7, size=4, stride=2)
        Window(size=4, stride=2, before=1, after=2, dilation=1, ceil=False, border='zeros')
        """
        total = same_padding(n, size, stride, dilation)
        return Window(size, stride, total // 2, total - total // 2, dilation, border=border)


def same_padding(n: int, size: int, stride: int, dilation: int = 1) -> int:
    """Return the total padding that gives ⌈n / stride⌉ positions.

    Formula:  max((⌈n/stride⌉ − 1)·stride + reach − n, 0)
    Source:   TensorFlow, tf.nn "Notes on padding"
    """
    return max((-(-n // stride) - 1) * stride + dilation * (size - 1) + 1 - n, 0)


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
