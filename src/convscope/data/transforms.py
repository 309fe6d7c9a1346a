"""Images of another source, brought to another size or number of channels as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData, BadSetting, nearest
from .dataset import Dataset, Images, Indices, Labels

EYE_WEIGHTS = (0.299, 0.587, 0.114)
"""How bright red, green and blue look: ITU-R BT.601, which image files are turned gray by, too."""

Matrix = NDArray[np.float32]


class ResizedDataset:
    """Another source's images, stretched to (h, w), in gray or color.

    Shapes:   image_shape (c, h, w); c is that of the source, or 1 from 3, or 3 from 1
    Errors:   BadData [fit-channels]

    >>> from convscope.data import ArrayDataset
    >>> whole = ArrayDataset(np.ones((2, 1, 4, 3), np.float32), [0, 1])
    >>> ResizedDataset(whole, (3, 6, 2)).batch(np.array([1]))[0].shape
    (1, 3, 6, 2)
    """

    def __init__(self, whole: Dataset, image_shape: tuple[int, int, int]) -> None:
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


def resize_dataset(source: Dataset, channels: int | None = None, size: tuple[int, int] | None = None) -> Dataset:
    """Return the source itself where it is of that shape already, else fitted to it; None keeps what is there."""
    c, h, w = source.image_shape
    wanted = (channels or c, *(size or (h, w)))
    return source if wanted == (c, h, w) else ResizedDataset(source, wanted)


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


class RelabeledDataset:
    """The same images in the same order, with labels that index other class names.

    Errors:   BadData [classes-unknown] for a class that the names lack
    """

    def __init__(self, whole: Dataset, classes: Sequence[str]) -> None:
        unknown = [name for name in whole.classes if name not in classes]
        if unknown:
            few = ", ".join(unknown[:8]) + (", …" if len(unknown) > 8 else "")
            known = ", ".join(classes[:8]) + (", …" if len(classes) > 8 else "")
            raise BadData(
                f"the data must have only classes that the model has learned; got {few} beside {known}; "
                "name them as in training, or leave them out. [classes-unknown]"
            )
        places = np.array([classes.index(name) for name in whole.classes], np.int64)
        self._whole, self._classes, self._places = whole, tuple(classes), places

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names that were given."""
        return self._classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w)."""
        return self._whole.image_shape

    @property
    def labels(self) -> Labels:
        """Return all labels, in order."""
        return self._renumbered(self._whole.labels)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._whole)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Return the images at `indices` and their new labels."""
        x, labels = self._whole.batch(indices)
        return x, self._renumbered(labels)

    def _renumbered(self, labels: Labels) -> Labels:
        renumbered: Labels = self._places[labels]
        return renumbered


def relabel(source: Dataset, classes: Sequence[str]) -> Dataset:
    """Return the source itself where its classes are these already, else with its labels renumbered."""
    return source if source.classes == tuple(classes) else RelabeledDataset(source, classes)


_Coordinates = NDArray[np.floating[Any]]


def shift(x: Images, pixels: float, generator: np.random.Generator) -> Images:
    """Move each image by up to `pixels` whole pixels, along each axis on its own.

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
    """Mirror each image left to right with this probability.

    Shapes:   x (n, c, h, w) → x
    """
    mirrored = generator.random(len(x)) < probability
    return np.where(mirrored[:, None, None, None], x[..., ::-1], x)


def crop(x: Images, share: float, generator: np.random.Generator) -> Images:
    """Cut up to `share` off each side's length, anywhere, and stretch the rest to the old size.

    Shapes:   x (n, c, h, w) → x
    """
    n, _, h, w = x.shape
    kept = 1 - share * generator.random((n, 1), np.float32)
    first_row = generator.random((n, 1), np.float32) * (1 - kept)
    first_column = generator.random((n, 1), np.float32) * (1 - kept)
    # A pixel's center lies half a pixel inside: the cut-out's edges, not its outer centers, meet the image's.
    rows = (first_row + kept * _centers(h)) * h - 0.5
    columns = (first_column + kept * _centers(w)) * w - 0.5
    rows, columns = np.clip(rows, 0, h - 1), np.clip(columns, 0, w - 1)
    return _sampled(x, rows[:, :, None], columns[:, None, :])


def rotate(x: Images, degrees: float, generator: np.random.Generator) -> Images:
    """Turn each image about its center by up to `degrees`, to either side.

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
    """Read each image at (row, column) between its pixels, bilinear.

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
    whole: bool
    unit: str


_KINDS = {
    "shift": _Kind(shift, 2, 1, 1000, True, "pixels"),
    "flip": _Kind(flip, 0.5, 0, 1, False, "as a probability"),
    "crop": _Kind(crop, 0.2, 0, 0.9, False, "as a share of the side"),
    "rotate": _Kind(rotate, 10, 0, 180, False, "degrees"),
}


@dataclass(frozen=True)
class Augmentation:
    """Steps applied to a batch, in order; `str()` writes what `parse_augmentation` reads.

    >>> batch = np.ones((2, 1, 4, 3), np.float32)
    >>> Augmentation((("flip", 1.0),))(batch, np.random.default_rng(0)).shape
    (2, 1, 4, 3)
    """

    steps: tuple[tuple[str, float], ...] = ()

    def __call__(self, x: Images, generator: np.random.Generator) -> Images:
        """Return the batch, augmented; the batch given is not written to.

        Shapes:   x (n, c, h, w) → x
        """
        for name, strength in self.steps:
            x = _KINDS[name].apply(x, strength, generator)
        return x

    def __str__(self) -> str:
        return ",".join(f"{name}={strength:g}" for name, strength in self.steps)


def parse_augmentation(text: str) -> Augmentation:
    """Read steps by name and strength.

    Units:    shift: pixels; flip: probability; crop: share of the side; rotate: degrees
    Errors:   BadSetting [augment-name], [augment-strength]

    >>> str(parse_augmentation("shift=2, rotate=10, flip"))
    'shift=2,rotate=10,flip=0.5'
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return Augmentation(tuple(_step(part) for part in parts))


def _step(part: str) -> tuple[str, float]:
    name, _, value = (piece.strip() for piece in part.partition("="))
    if name not in _KINDS:
        raise BadSetting(
            f"augment must name steps among {', '.join(_KINDS)}; got {name!r}; "
            f"{nearest(name, _KINDS)} [augment-name]"
        )
    kind = _KINDS[name]
    try:
        strength = float(value) if value else kind.usual
    except ValueError:
        strength = float("nan")
    if not kind.least <= strength <= kind.most or (kind.whole and strength != int(strength)):
        number = "a whole number" if kind.whole else "a number"
        raise BadSetting(
            f"augment.{name} must be {number} from {kind.least:g} to {kind.most:g}, {kind.unit}; "
            f"got {part!r}; write for example {name}={kind.usual:g}. [augment-strength]"
        )
    return name, strength
