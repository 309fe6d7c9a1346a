"""Views of datasets with other sizes, channels or labels, and data augmentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData, BadSetting, suggest
from ..text.language import Message
from ..text.lists import shortened
from .dataset import Dataset, DatasetView, Images, Indices, Labels

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""Luma weights of red, green and blue (ITU-R BT.601), which image files are converted with, too."""

Matrix = NDArray[np.float32]


class ResizedDataset(DatasetView):
    """Lazily resized and recolored view of a dataset.

    Shapes:   image_shape (c, h, w); c is that of the dataset, or 1 from 3, or 3 from 1
    Raises:   BadData [fit-channels]

    >>> from convscope.data import ArrayDataset
    >>> dataset = ArrayDataset(np.ones((2, 1, 4, 3), np.float32), [0, 1])
    >>> ResizedDataset(dataset, (3, 6, 2)).batch(np.array([1]))[0].shape
    (1, 3, 6, 2)
    """

    def __init__(self, dataset: Dataset, image_shape: tuple[int, int, int]) -> None:
        before, after = dataset.image_shape[0], image_shape[0]
        if before != after and {before, after} != {1, 3}:
            raise BadData(
                "Cannot convert images from {before} to {after} channels. Only 3 to 1 (gray) and 1 to 3 "
                "are supported: convert the images first. [fit-channels]",
                before=before,
                after=after,
            )
        super().__init__(dataset)
        self._shape = image_shape
        _, height, width = dataset.image_shape
        self._rows = resizing_matrix(height, image_shape[1])
        self._columns = resizing_matrix(width, image_shape[2])

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w)."""
        return self._shape

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the converted images at `indices` and their labels."""
        images, labels = self._dataset.batch(indices)
        x: NDArray[Any] = images
        if x.shape[1] > self._shape[0]:
            x = np.einsum("nchw,c->nhw", x, np.array(LUMA_WEIGHTS, x.dtype))[:, None]
        if x.shape[2:] != self._shape[1:]:
            x = self._rows @ x @ self._columns.T
        if x.shape[1] < self._shape[0]:
            x = np.repeat(x, self._shape[0], axis=1)
        return np.ascontiguousarray(x, np.float32), labels


def resize_dataset(source: Dataset, channels: int | None = None, size: tuple[int, int] | None = None) -> Dataset:
    """Return a dataset with images of this shape. None keeps the channels or the size."""
    c, h, w = source.image_shape
    wanted = (channels or c, *(size or (h, w)))
    return source if wanted == (c, h, w) else ResizedDataset(source, wanted)


def resizing_matrix(before: int, after: int) -> Matrix:
    """Return the matrix that resizes a row of `before` pixels to `after`: bilinear, with antialiasing.

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


class RelabeledDataset:
    """View of a dataset with labels that index other class names.

    Raises:
        BadData: [classes-unknown] if a class is not among the names.
    """

    def __init__(self, dataset: Dataset, classes: Sequence[str]) -> None:
        unknown = [name for name in dataset.classes if name not in classes]
        if unknown:
            raise BadData(
                "The data has classes that the model was not trained on: {unknown} (it knows {known}). "
                "Rename them as in training, or remove them. [classes-unknown]",
                unknown=shortened(unknown, 8),
                known=shortened(classes, 8),
            )
        indices = np.array([classes.index(name) for name in dataset.classes], np.int64)
        self._dataset, self._classes, self._indices = dataset, tuple(classes), indices

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes."""
        return self._classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w)."""
        return self._dataset.image_shape

    @property
    def labels(self) -> Labels:
        """Return all labels, in order."""
        return self._renumbered(self._dataset.labels)

    def __len__(self) -> int:
        return len(self._dataset)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the images at `indices` and their new labels."""
        x, labels = self._dataset.batch(indices)
        return x, self._renumbered(labels)

    def _renumbered(self, labels: Labels) -> Labels:
        renumbered: Labels = self._indices[labels]
        return renumbered


def relabel(source: Dataset, classes: Sequence[str]) -> Dataset:
    """Return a dataset whose labels index `classes`, the classes that a model was trained on."""
    return source if source.classes == tuple(classes) else RelabeledDataset(source, classes)


_Coordinates = NDArray[np.floating[Any]]


def shift(x: Images, pixels: float, generator: np.random.Generator) -> Images:
    """Shift each image by up to `pixels` pixels along each axis. Borders are filled with 0.

    Shapes:   x (n, c, h, w) → x
    """
    n, _, h, w = x.shape
    reach = int(pixels)
    down, right = (generator.integers(-reach, reach + 1, (n, 1)) for _ in range(2))
    padded = np.pad(x, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    rows = reach - down + np.arange(h)
    columns = reach - right + np.arange(w)
    moved = padded[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return np.ascontiguousarray(moved.transpose(0, 3, 1, 2))


def flip(x: Images, probability: float, generator: np.random.Generator) -> Images:
    """Flip each image horizontally with this probability.

    Shapes:   x (n, c, h, w) → x
    """
    mirrored = generator.random(len(x)) < probability
    return np.where(mirrored[:, None, None, None], x[..., ::-1], x)


def crop(x: Images, share: float, generator: np.random.Generator) -> Images:
    """Crop each image at random by up to the fraction `share` of its sides, and resize it to the old size.

    Shapes:   x (n, c, h, w) → x
    """
    n, _, h, w = x.shape
    kept = 1 - share * generator.random((n, 1), np.float32)
    first_row = generator.random((n, 1), np.float32) * (1 - kept)
    first_column = generator.random((n, 1), np.float32) * (1 - kept)
    # Pixel centers are at half-integers: the edges of the crop map to the edges of the image.
    rows = (first_row + kept * _centers(h)) * h - 0.5
    columns = (first_column + kept * _centers(w)) * w - 0.5
    rows, columns = np.clip(rows, 0, h - 1), np.clip(columns, 0, w - 1)
    return _sampled(x, rows[:, :, None], columns[:, None, :])


def rotate(x: Images, degrees: float, generator: np.random.Generator) -> Images:
    """Rotate each image about its center by up to `degrees` in either direction. Borders are filled with 0.

    Shapes:   x (n, c, h, w) → x
    """
    n, _, h, w = x.shape
    angles = np.deg2rad(np.float32(degrees) * (2 * generator.random((n, 1, 1), np.float32) - 1))
    down = (np.arange(h, dtype=np.float32) - (h - 1) / 2)[:, None]
    right = np.arange(w, dtype=np.float32) - (w - 1) / 2
    cosines, sines = np.cos(angles), np.sin(angles)
    rows = cosines * down + sines * right + (h - 1) / 2
    columns = cosines * right - sines * down + (w - 1) / 2
    return _sampled(x, rows, columns)


def _centers(size: int) -> _Coordinates:
    return (np.arange(size, dtype=np.float32) + 0.5) / size


def _sampled(x: Images, rows: _Coordinates, columns: _Coordinates) -> Images:
    """Sample each image at fractional (row, column) coordinates, bilinearly.

    Shapes:   rows, columns broadcast to (n, h, w)
    """
    n, _, h, w = x.shape
    rows, columns = np.broadcast_arrays(rows, columns)
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    below, beside = rows - top, columns - left
    images = np.arange(n)[:, None, None]
    result = np.zeros((n, *rows.shape[1:], x.shape[1]), np.float32)
    for row, column, weight in (
        (top, left, (1 - below) * (1 - beside)),
        (top, left + 1, (1 - below) * beside),
        (top + 1, left, below * (1 - beside)),
        (top + 1, left + 1, below * beside),
    ):
        inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
        pixels = x[images, :, np.clip(row, 0, h - 1), np.clip(column, 0, w - 1)]
        result += (weight * inside)[..., None].astype(np.float32) * pixels
    return np.ascontiguousarray(result.transpose(0, 3, 1, 2))


class _Kind(NamedTuple):
    apply: Callable[[Images, float, np.random.Generator], Images]
    usual: float
    least: float
    most: float
    is_integer: bool
    expected: Message


_KINDS = {
    "shift": _Kind(shift, 2, 1, 1000, True, Message("an integer from 1 to 1000 (pixels)")),
    "flip": _Kind(flip, 0.5, 0, 1, False, Message("a probability from 0 to 1")),
    "crop": _Kind(crop, 0.2, 0, 0.9, False, Message("a fraction of the side from 0 to 0.9")),
    "rotate": _Kind(rotate, 10, 0, 180, False, Message("a number from 0 to 180 (degrees)")),
}


@dataclass(frozen=True)
class Augmentation:
    """Random transformations of a batch, applied in order. `str()` is the inverse of `parse_augmentation`.

    The same generator state gives the same images.

    >>> batch = np.ones((2, 1, 4, 3), np.float32)
    >>> Augmentation((("flip", 1.0),))(batch, np.random.default_rng(0)).shape
    (2, 1, 4, 3)
    """

    steps: tuple[tuple[str, float], ...] = ()

    def __call__(self, x: Images, generator: np.random.Generator) -> Images:
        """Return an augmented copy of a batch.

        Shapes:   x (n, c, h, w) → x
        """
        for name, strength in self.steps:
            x = _KINDS[name].apply(x, strength, generator)
        return x

    def __str__(self) -> str:
        return ",".join(f"{name}={strength:g}" for name, strength in self.steps)


def parse_augmentation(text: str) -> Augmentation:
    """Parse transformations by name and strength.

    Units:    shift: pixels; flip: probability; crop: fraction of the side; rotate: degrees
    Raises:   BadSetting [augment-name], [augment-strength]

    >>> str(parse_augmentation("shift=2, rotate=10, flip"))
    'shift=2,rotate=10,flip=0.5'
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return Augmentation(tuple(_step(part) for part in parts))


def _step(part: str) -> tuple[str, float]:
    name, _, value = (piece.strip() for piece in part.partition("="))
    if name not in _KINDS:
        raise BadSetting(
            "{setting} has an unknown transformation (got {got!r}). {hint} [augment-name]",
            setting="fit.augment",
            got=name,
            hint=suggest(name, _KINDS),
        )
    kind = _KINDS[name]
    try:
        strength = float(value) if value else kind.usual
    except ValueError:
        strength = float("nan")
    if not kind.least <= strength <= kind.most or (kind.is_integer and strength != int(strength)):
        raise BadSetting(
            "{name} of {setting} must be {expected} (got {got!r}). Write for example {name}={usual:g}. "
            "[augment-strength]",
            name=name,
            setting="fit.augment",
            expected=kind.expected,
            got=part,
            usual=kind.usual,
        )
    return name, strength
