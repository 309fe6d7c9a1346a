"""The dataset interface that training uses, and parts of datasets."""

from __future__ import annotations

from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData
from ..text.lists import shortened

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


Split = Literal["train", "validation", "test"]
SPLITS: tuple[str, ...] = get_args(Split)


class DatasetView:
    """A dataset made of another one, whose labels, classes and notes it has unless it changes them."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @property
    def skipped(self) -> tuple[str, ...]:
        """Return the damaged files that the original dataset leaves out."""
        return getattr(self._dataset, "skipped", ())

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the folders that the original dataset ignores."""
        return getattr(self._dataset, "left_out", ())

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes of the original dataset."""
        return self._dataset.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w)."""
        return self._dataset.image_shape

    @property
    def labels(self) -> Labels:
        """Return all labels, in order."""
        return self._dataset.labels

    def __len__(self) -> int:
        return len(self._dataset)


class Subset(DatasetView):
    """Some images of another dataset, in a given order.

    >>> from convscope.data import ArrayDataset
    >>> dataset = ArrayDataset(np.zeros((4, 1, 2, 3)), [0, 1, 1, 0])
    >>> Subset(dataset, np.array([3, 1])).labels
    array([0, 1])
    """

    def __init__(self, dataset: Dataset, indices: Indices) -> None:
        if not len(indices):
            raise BadData(
                "A part of the data must have at least one image (got none). Hold out less. [data-empty]"
            )
        super().__init__(dataset)
        self._indices = np.asarray(indices, np.int64)

    @property
    def labels(self) -> Labels:
        """Return the labels of the part, in order."""
        return self._dataset.labels[self._indices]

    def __len__(self) -> int:
        return len(self._indices)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the part's images at `indices` and their labels."""
        return self._dataset.batch(self._indices[indices])


def holdout_mask(labels: Labels, share: float) -> NDArray[np.bool_]:
    """Return a mask of the images to hold out: the fraction `share` of each class, evenly spaced.

    The result depends on the labels only. A class of at least two images contributes at least one and keeps at
    least one; a class of one image contributes none.

    >>> holdout_mask(np.array([7, 7, 3, 7, 7, 3]), 0.25).astype(int)
    array([0, 0, 0, 1, 0, 1])
    """
    marked = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(max(1, round(share * len(own))), len(own) - 1)
        if count:
            spaced = ((np.arange(count) + 0.5) * len(own) / count).astype(np.int64)
            marked[own[spaced]] = True
    return marked


def missing_classes(source: Dataset) -> tuple[str, ...]:
    """Return the classes without images in this dataset."""
    counts = np.bincount(source.labels, minlength=len(source.classes))
    return tuple(name for name, count in zip(source.classes, counts, strict=True) if count == 0)


def refuse_missing_classes(validation: Dataset) -> None:
    """Raise BadData [classes-missing] if a validation part lacks images of some class."""
    missing = missing_classes(validation)
    if missing:
        raise BadData(
            "Validation data must have images of every class (got none of {names}; {missing} of {classes} "
            "classes). Add at least one image of each, or leave the class out of training. [classes-missing]",
            names=shortened(missing, 8),
            missing=len(missing),
            classes=len(validation.classes),
        )
