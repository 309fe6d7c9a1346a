"""What training asks of data: how many images there are, and the images of one batch."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Indices = NDArray[np.integer[Any]]


class Dataset(Protocol):
    """Labeled images that can be asked for in any order; they need not fit in memory together."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes; a label is an index into them."""
        ...

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w) of every image."""
        ...

    @property
    def labels(self) -> Labels:
        """Return the labels of all images, in order; they are small and always at hand."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the images at `indices`, in that order, and their labels.

        Shapes:   indices (n,) → x float32 (n, c, h, w), labels int64 (n,)
        Units:    pixels are scaled to 0…1, except where a source was made from floating-point numbers: those stay
        """
        ...
