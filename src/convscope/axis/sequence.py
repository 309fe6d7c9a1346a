"""Maps over whole axes: rolled, causal, or seen by every position."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .map import Index


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
