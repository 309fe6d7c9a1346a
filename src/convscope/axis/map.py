"""The interface of axis maps."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]


@runtime_checkable
class AxisMap(Protocol):
    """The input positions that output positions depend on, along one axis.

    Two independent views of the same fact, which the tests compare:

    - `span` is the textbook's: the first and last input position of an output position, negative or past the
      end where the window extends past the edge. Positions may be outside the layer.
    - `taps` is the truth on the image: the real input positions, -1 where there is none (padding).
    """

    def __hash__(self) -> int: ...

    def positions(self, n: int) -> int:
        """Return how many output positions an input of n positions gives."""
        ...

    def span(self, output: Index) -> tuple[Index, Index]:
        """Return the first and last input position of each output position; last < first means none."""
        ...

    def taps(self, n: int) -> Index:
        """Return (positions, taps): the real input positions of each output position, else -1."""
        ...

    def covers(self, n: int) -> bool:
        """Return whether the map joins all n > 1 positions by design, as global pooling does.

        A window that happens to be as large as its input is still a window.
        """
        ...

    @property
    def step(self) -> Fraction:
        """Return how many input positions one output step moves, on average."""
        ...
