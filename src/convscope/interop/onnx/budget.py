"""What the constants of one file may ask for while it is read: counted before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ...layers.base import show_shape
from .values import Array, Constant

LARGEST_ARRAY = 1 << 24
"""Elements of one array that is made while a file is read."""

MOST_ELEMENTS = 1 << 27
"""Elements of all of them together, read and made: about half a second's work, and a GiB at most."""

MOST_LISTED = 1 << 16
"""Numbers of a shape, of axes, or of sizes of pieces."""


class TooLarge(ValueError):
    """More elements than the constants of a file may have."""


class Budget:
    """The elements that one file may still ask for."""

    def __init__(self) -> None:
        self._left = MOST_ELEMENTS

    def charge(self, shape: Sequence[int], times: int = 1) -> None:
        """Count an array that is about to be made; `times` is the work for each of its elements.

        Raises:
            TooLarge: for an array that is too large, or one too many.
        """
        size = prod(shape)
        if min(shape, default=1) < 0 or size > LARGEST_ARRAY:
            raise TooLarge(f"an array of shape {show_shape(tuple(shape))}")
        self._left -= size * times
        if self._left < 0:
            raise TooLarge(f"more than {MOST_ELEMENTS:,} elements in all constants together")

    def read(self, constant: Constant) -> Array:
        """Return a constant's numbers; those that are still in the file are charged."""
        if not constant.at_hand:
            self.charge(constant.shape)
        return constant.array
