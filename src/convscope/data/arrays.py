"""Datasets in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import BadData
from ..layers.base import show_shape
from ..text.language import Message
from .dataset import Images, Indices, Labels

MOST_CLASSES = 100_000
"""Larger labels are taken for mistakes: no dataset has so many classes."""

_CHUNK = 1024


class ArrayDataset:
    """Dataset of an image array and a label array, both checked once on creation.

    Shapes:   x (n, c, h, w); labels (n,)
    Units:    uint8 is scaled from 0…255 to 0…1; floating-point values are left as they are
    Raises:   BadData [data-rank], [data-type], [data-empty], [data-nan], [label-rank], [label-type],
              [label-count], [label-range], [class-names]

    >>> ArrayDataset(np.zeros((5, 1, 8, 6), np.uint8), [0, 1, 2, 1, 0]).classes
    ('0', '1', '2')
    """

    def __init__(self, x: ArrayLike, labels: ArrayLike, classes: Iterable[str] | None = None) -> None:
        self._x = _checked_images(np.asarray(x))
        self._labels = _checked_labels(np.asarray(labels), len(self._x))
        self._classes = _class_names(self._labels, classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return self._classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w)."""
        channels, height, width = self._x.shape[1:]
        return channels, height, width

    def __len__(self) -> int:
        return len(self._x)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return copies of the images at `indices` and of their labels."""
        return as_images(self._x[indices]), self._labels[indices]

    @property
    def labels(self) -> Labels:
        """Return all labels, in order."""
        return self._labels


def as_images(x: NDArray[Any]) -> Images:
    """Return images as float32. Bytes are scaled to 0…1."""
    if x.dtype == np.uint8:
        return np.asarray(x, np.float32) / np.float32(255)
    return x.astype(np.float32)


def _checked_images(x: NDArray[Any]) -> NDArray[Any]:
    if x.ndim != 4:
        gray, other = Message("Use x[:, None] for gray images."), Message("Reshape it to one image per row.")
        raise BadData(
            "x must have 4 axes (n, c, h, w) (got x={shape}). {hint} [data-rank]",
            shape=show_shape(x.shape),
            hint=gray if x.ndim == 3 else other,
        )
    if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
        raise BadData(
            "x must contain bytes (uint8, 0…255) or floating-point numbers (got dtype={dtype}). Scale it and use "
            "x.astype('float32'). [data-type]",
            dtype=x.dtype,
        )
    if 0 in x.shape:
        raise BadData(
            "x must contain at least one image with at least one pixel (got x={shape}). Check where the images "
            "come from. [data-empty]",
            shape=show_shape(x.shape),
        )
    if x.dtype != np.uint8:
        for first in range(0, len(x), _CHUNK):
            _refuse_not_finite(x[first : first + _CHUNK], first)
    return x


def _refuse_not_finite(chunk: NDArray[Any], first: int) -> None:
    with np.errstate(over="ignore"):  # values too large for float32 become infinite and are reported
        bad = ~np.isfinite(chunk.astype(np.float32))
    if bad.any():
        where = np.unravel_index(int(np.argmax(bad)), bad.shape)
        image, channel, row, column = (int(i) for i in where)
        value = chunk[where]
        raise BadData(
            "x must be finite in float32 (got {value:g} in image {image}, channel {channel}, row {row}, column "
            "{column}). Repair or remove such images. [data-nan]",
            value=value,
            image=image + first,
            channel=channel,
            row=row,
            column=column,
        )


def _checked_labels(labels: NDArray[Any], images: int) -> Labels:
    if labels.ndim != 1:
        one_hot, other = Message("Use labels.argmax(1) for one-hot rows."), Message("Pass one integer per image.")
        raise BadData(
            "labels must have 1 axis (n,) (got labels={shape}). {hint} [label-rank]",
            shape=show_shape(labels.shape),
            hint=one_hot if labels.ndim == 2 else other,
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise BadData(
            "labels must be integers, indices into the classes (got dtype={dtype}). Use "
            "np.unique(labels, return_inverse=True) to number them. [label-type]",
            dtype=labels.dtype,
        )
    if len(labels) != images:
        raise BadData(
            "There must be one label per image (got {labels} labels for {images} images). Check that both come "
            "from the same split. [label-count]",
            labels=len(labels),
            images=images,
        )
    return labels.astype(np.int64)


def _class_names(labels: Labels, classes: Iterable[str] | None) -> tuple[str, ...]:
    names = None if classes is None else tuple(str(name) for name in classes)
    if names is not None and (not names or len(set(names)) < len(names)):
        twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twice is None:
            raise BadData("There are no class names. Name each class once. [class-names]")
        raise BadData(
            "Class names must be unique (got {name!r} twice). Name each class once. [class-names]", name=twice
        )
    limit = MOST_CLASSES if names is None else len(names)
    outside = np.flatnonzero((labels < 0) | (labels >= limit))
    if outside.size:
        at = int(outside[0])
        unnamed, named = (
            Message("Number the classes from 0."),
            Message("Name every class, and number them from 0."),
        )
        raise BadData(
            "labels must be from 0 to {highest} (got {label} for image {image}; {outside} of {labels} labels are "
            "outside). {hint} [label-range]",
            highest=limit - 1,
            label=int(labels[at]),
            image=at,
            outside=outside.size,
            labels=len(labels),
            hint=unnamed if names is None else named,
        )
    return names or tuple(str(number) for number in range(int(labels.max()) + 1))
