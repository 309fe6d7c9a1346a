"""The dataset interface that training uses."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Indices = NDArray[np.integer[Any]]


class Dataset(Protocol):
    """Labeled images with random access. They need not fit in memory together."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes. A label is an index into them."""
        ...

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w) of every image."""
        ...

    @property
    def labels(self) -> Labels:
        """Return the labels of all images, in order. They are always in memory."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the images at `indices`, in that order, and their labels.

        Shapes:   indices (n,) → x float32 (n, c, h, w), labels int64 (n,)
        Units:    0…1, except for datasets of floating-point arrays, whose values are left as they are
        """
        ...
