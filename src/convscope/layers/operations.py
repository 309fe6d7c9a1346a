"""Counts of a layer's operations."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Status(IntEnum):
    """Completeness of a count; a total has the worst status of its parts."""

    COMPLETE = 0
    LOWER_BOUND = 1
    UNKNOWN = 2

    @property
    def word(self) -> str:
        """Return the status as text."""
        return self.name.lower()


class Operations(NamedTuple):
    """The operations of one forward pass over one image.

    macs are multiply-adds of convolutions, dense layers and matrix products; their multiplications and
    additions are also in the other columns. Bias additions are in `additions` alone. Subtractions count as
    additions, square roots as divisions, logarithms, powers and erf as exponentials. Zeros that padding adds
    are multiplied like any other value.
    """

    macs: int = 0
    multiplications: int = 0
    additions: int = 0
    comparisons: int = 0
    divisions: int = 0
    exponentials: int = 0

    @staticmethod
    def matrix(outputs: int, depth: int, bias: bool = False, macs: int | None = None) -> Operations:
        """Count `outputs` sums of `depth` products each, with one bias addition per output if any."""
        products = outputs * depth if macs is None else macs
        return Operations(
            macs=products,
            multiplications=products,
            additions=max(products - outputs, 0) + (outputs if bias else 0),
        )

    def plus(self, other: Operations) -> Operations:
        """Return the sum, kind by kind."""
        return Operations(*(one + two for one, two in zip(self, other, strict=True)))

    def times(self, factor: int) -> Operations:
        """Return `factor` repetitions."""
        return Operations(*(one * factor for one in self))


NO_OPERATIONS = Operations()
