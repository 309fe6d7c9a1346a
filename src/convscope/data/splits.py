"""Parts of a data set: which images are trained on, and which are kept for validation and test."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from .dataset import Dataset, Images, Indices, Labels

Split = Literal["train", "validation", "test"]
SPLITS: tuple[str, ...] = get_args(Split)


class Subset:
    """Some images of another source, in a given order.

    >>> from convscope.data import ArrayDataset
    >>> whole = ArrayDataset(np.zeros((4, 1, 2, 3)), [0, 1, 1, 0])
    >>> Subset(whole, np.array([3, 1])).labels
    array([0, 1])
    """

    def __init__(self, whole: Dataset, indices: Indices) -> None:
        if not len(indices):
            raise BadData("a part of the data must hold at least one image; got none; hold out less. [data-empty]")
        self._whole = whole
        self._indices = np.asarray(indices, np.int64)

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
        """Return (c, h, w)."""
        return self._whole.image_shape

    @property
    def labels(self) -> Labels:
        """Return the labels of the part, in order."""
        return self._whole.labels[self._indices]

    def __len__(self) -> int:
        """Return the number of images of the part."""
        return len(self._indices)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the part's images at `indices` and their labels."""
        return self._whole.batch(self._indices[indices])


def holdout_mask(labels: Labels, share: float) -> NDArray[np.bool_]:
    """Mark the images to hold out: `share` of each class, evenly spaced through its images.

    The same labels always give the same answer. A class of two images or more gives at least one and keeps at
    least one; a class of one image gives none.

    >>> holdout_mask(np.array([7, 7, 3, 7, 7, 3]), 0.25).astype(int)
    array([0, 0, 0, 1, 0, 1])
    """
    marked = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(own))), len(own) - 1)
        if count:
            places = ((np.arange(count) + 0.5) * len(own) / count).astype(np.int64)
            marked[own[places]] = True
    return marked


def missing_classes(source: Dataset) -> tuple[str, ...]:
    """Return the classes that have no image in this source."""
    counts = np.bincount(source.labels, minlength=len(source.classes))
    return tuple(name for name, count in zip(source.classes, counts, strict=True) if count == 0)


def refuse_missing_classes(validation: Dataset) -> None:
    """Raise BadData [classes-missing] where a validation part has no image of some class."""
    missing = missing_classes(validation)
    if missing:
        few = ", ".join(missing[:8]) + (", …" if len(missing) > 8 else "")
        raise BadData(
            f"validation data must have images of every class; got none of {few} "
            f"({len(missing)} of {len(validation.classes)} classes); add at least one image of each, "
            "or leave the class out of training. [classes-missing]"
        )
