"""Images of another source, brought to another size or number of channels as they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from .dataset import Images, Indices, Labels, Source

EYE_WEIGHTS = (0.299, 0.587, 0.114)
"""How bright red, green and blue look: ITU-R BT.601, which image files are turned gray by, too."""

Matrix = NDArray[np.float32]


class FittedSource:
    """Another source's images, stretched to (h, w), in gray or color.

    Shapes:   image_shape (c, h, w); c is that of the source, or 1 from 3, or 3 from 1
    Errors:   BadData [fit-channels]

    >>> from convscope.data import ArraySource
    >>> whole = ArraySource(np.ones((2, 1, 4, 3), np.float32), [0, 1])
    >>> FittedSource(whole, (3, 6, 2)).batch(np.array([1]))[0].shape
    (1, 3, 6, 2)
    """

    def __init__(self, whole: Source, image_shape: tuple[int, int, int]) -> None:
        before, after = whole.image_shape[0], image_shape[0]
        if before != after and {before, after} != {1, 3}:
            raise BadData(
                f"images can be turned gray (3 to 1 channels) or into colors (1 to 3); "
                f"got {before} channels where {after} are wanted; prepare the images. [fit-channels]"
            )
        self._whole = whole
        self._shape = image_shape
        _, height, width = whole.image_shape
        self._rows = resizing_matrix(height, image_shape[1])
        self._columns = resizing_matrix(width, image_shape[2])

    @property
    def skipped(self) -> tuple[str, ...]:
        """Return the damaged files that the whole leaves out."""
        return getattr(self._whole, "skipped", ())

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the folders that the whole leaves out, for they have no images of the user's."""
        return getattr(self._whole, "left_out", ())

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes of the whole."""
        return self._whole.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return the (c, h, w) that was asked for."""
        return self._shape

    @property
    def labels(self) -> Labels:
        """Return all labels, in order."""
        return self._whole.labels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._whole)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the fitted images at `indices` and their labels."""
        whole, labels = self._whole.batch(indices)
        x: NDArray[Any] = whole
        if x.shape[1] > self._shape[0]:
            x = np.einsum("nchw,c->nhw", x, np.array(EYE_WEIGHTS, x.dtype))[:, None]
        if x.shape[2:] != self._shape[1:]:
            x = self._rows @ x @ self._columns.T
        if x.shape[1] < self._shape[0]:
            x = np.repeat(x, self._shape[0], axis=1)
        return np.ascontiguousarray(x, np.float32), labels


def fitted(source: Source, channels: int | None = None, size: tuple[int, int] | None = None) -> Source:
    """Return the source itself where it is of that shape already, else fitted to it; None keeps what is there."""
    c, h, w = source.image_shape
    wanted = (channels or c, *(size or (h, w)))
    return source if wanted == (c, h, w) else FittedSource(source, wanted)


def resizing_matrix(before: int, after: int) -> Matrix:
    """Return what a line of `before` pixels is multiplied with to become one of `after`: bilinear, antialiased.

    Shapes:   → (after, before); rows sum to 1
    Formula:  max(0, 1 − |pixel − center| / max(1, before / after)), divided by the row's sum

    >>> resizing_matrix(2, 1)
    array([[0.5, 0.5]], dtype=float32)
    """
    centers = (np.arange(after) + 0.5) * before / after
    pixels = np.arange(before) + 0.5
    weights = np.maximum(0, 1 - np.abs(pixels - centers[:, None]) / max(1, before / after))
    matrix: Matrix = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix
