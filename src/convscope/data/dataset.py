"""What training asks of data: how many pictures there are, and the pictures of one batch."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float32]
Labels = NDArray[np.int64]
Indices = NDArray[np.integer[Any]]


class Source(Protocol):
    """Labelled pictures that can be asked for in any order; they need not fit in memory together."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes; a label is an index into them."""
        ...

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w) of every picture."""
        ...

    @property
    def labels(self) -> Labels:
        """Return the labels of all pictures, in order; they are small and always at hand."""
        ...

    def __len__(self) -> int:
        """Return the number of pictures."""
        ...

    def batch(self, indices: Indices) -> tuple[Pictures, Labels]:
        """Return the pictures at `indices`, in that order, and their labels.

        Shapes:   indices (n,) → x float32 (n, c, h, w), labels int64 (n,)
        Units:    pixels are scaled to 0…1, except where a source was made from floating-point numbers: those stay
        """
        ...
