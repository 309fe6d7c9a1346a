"""Axes seen in spans: bins, listed positions, rolled, causal and whole axes."""

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


@dataclass(frozen=True)
class Rolled:
    """An axis of n positions, rolled: output o is input (o − shift) mod n."""

    n: int
    shift: int

    @property
    def step(self) -> Fraction:
        """Return 1: neighbors stay neighbors but for the seam."""
        return Fraction(1)

    def positions(self, n: int) -> int:
        return n

    def covers(self, n: int) -> bool:
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the one source position, twice."""
        source = (output - self.shift) % self.n
        return source, source

    def taps(self, n: int) -> Index:
        return self.span(np.arange(n, dtype=np.int64))[0][:, None]


def prefix_ends(one: object, outputs: int) -> Index | None:
    """Return the last position that each output sees, for maps on which each sees all up to it; None for others.

    Such maps have as many taps as outputs times positions, which need not be listed.
    """
    if isinstance(one, Prefix | Everything):
        return one.span(np.arange(outputs, dtype=np.int64))[1]
    return None


@dataclass(frozen=True)
class Prefix:
    """An axis on which position o sees the positions 0 … o, as a causal layer does."""

    @property
    def step(self) -> Fraction:
        """Return 1: every position sees one more."""
        return Fraction(1)

    def positions(self, n: int) -> int:
        return n

    def covers(self, n: int) -> bool:
        """Return False: only the last position sees everything."""
        return False

    def span(self, output: Index) -> tuple[Index, Index]:
        return np.zeros_like(output), output

    def taps(self, n: int) -> Index:
        """Return the positions up to each; -1 fills the shorter rows."""
        every = np.arange(n, dtype=np.int64)
        return np.where(every[None, :] <= every[:, None], every[None, :], -1)


@dataclass(frozen=True)
class Everything:
    """An axis on which each of `size` outputs sees all n positions, as in attention."""

    n: int
    size: int

    @property
    def step(self) -> Fraction:
        """Return 0: all outputs see the same."""
        return Fraction(0)

    def positions(self, n: int) -> int:
        return self.size

    def covers(self, n: int) -> bool:
        return n > 1

    def span(self, output: Index) -> tuple[Index, Index]:
        return np.zeros_like(output), np.full_like(output, self.n - 1)

    def taps(self, n: int) -> Index:
        return np.broadcast_to(np.arange(n, dtype=np.int64), (self.size, n)).copy()
