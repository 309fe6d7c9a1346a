"""Datasets in memory, from arrays or NumPy archives (.npz)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, NDArray

from ..errors import BadData, BadFile, ConvscopeError, reason_of
from ..files.regular import open_regular, refuse_bomb
from ..layers.base import show_shape
from ..text.language import Message
from ..text.lists import shortened
from .dataset import Dataset, Images, Indices, Labels

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


LARGEST_BYTES = 8 << 30
"""Arrays are loaded into memory as a whole. Larger datasets need a folder of images."""

_LONGEST_LENGTH = 60

_NAMES = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y"), ("images", "labels")),
    "validation": (("x_val", "y_val"), ("x_validation", "y_validation"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}


def load_npz_part(path: Path, part: str) -> Dataset | None:
    """Return the train, validation or test part of an archive, or None if it has no such part.

    Images are (n, c, h, w), (n, h, w, c) with 1 or 3 channels, or gray (n, h, w); labels are (n,) or (n, 1). An
    optional array `classes` has the class names. Object arrays are refused: reading them could run code.

    Raises:   BadFile [npz-file], [npz-names], [npz-size], [npz-objects], [unpacked-size]; BadData as ArrayDataset
    """
    try:
        with open_regular(path) as stored, zipfile.ZipFile(stored) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            pair = next((pair for pair in _NAMES[part] if set(pair) <= set(members)), None)
            if pair is None:
                if part == "train":
                    raise _without_names(path, sorted(members))
                return None
            wanted = [*pair, *(["classes"] if "classes" in members else [])]
            _refuse_large(path, [_head(archive, members[name], path) for name in wanted])
            x, labels, *classes = (_array(archive, members[name]) for name in wanted)
    except ConvscopeError:
        raise
    except Exception as error:  # readers of damaged archives raise anything
        reason = reason_of(error)
        raise BadFile(
            "{path!r} is not a readable NumPy archive (.npz) ({reason}). Write it with np.savez. [npz-file]",
            path=str(path),
            reason=reason if isinstance(reason, Message) else reason.partition("\n")[0],
        ) from None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    names = [str(name) for name in classes[0].ravel()] if classes else None
    return ArrayDataset(_channels_first(x), labels, names)


def _without_names(path: Path, found: Sequence[str]) -> BadFile:
    return BadFile(
        "{path!r} must contain arrays x and y, or x_train and y_train (and x_test, y_test) (got {names}). Write "
        "it with np.savez(path, x=images, y=labels). [npz-names]",
        path=str(path),
        names=shortened(found, 8) if found else Message("none"),
    )


class _Head(NamedTuple):
    """Header of an archive member."""

    name: str
    shape: tuple[int, ...]
    size: int
    packed: int


def _head(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> _Head:
    """Read and check a member's header."""
    name = info.filename
    with archive.open(info) as file:
        try:
            version = npy.read_magic(file)
            read_head = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read_head(file)
            start = file.tell()
        except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError):
            raise  # from the archive, not from the header
        except Exception:  # the header is a Python literal with arbitrary content
            raise BadFile(
                "{name!r} in {path!r} is not a NumPy array. Write it with np.savez. [npz-file]",
                name=name,
                path=str(path),
            ) from None
    if dtype.hasobject:
        raise BadFile(
            "{name!r} in {path!r} must contain numbers or text (got objects, which could run code). Write it with "
            "np.savez. [npz-objects]",
            name=name,
            path=str(path),
        )
    if any(not isinstance(side, int) or isinstance(side, bool) or side < 0 for side in shape):
        raise BadFile(
            "{name!r} in {path!r} has an impossible shape (got {shape}). Write it with np.savez. [npz-file]",
            name=name,
            path=str(path),
            shape=_shortened(repr(shape)),
        )
    size = prod(shape) * dtype.itemsize
    if max(size, prod(shape)) > LARGEST_BYTES:
        length = (
            Message("{size:,} bytes", size=size) if size else Message("{size:,} empty elements", size=prod(shape))
        )
        raise BadFile(
            "{name!r} in {path!r} must contain at most {limit} GiB (got {length}). Use a folder of images. "
            "[npz-size]",
            name=name,
            path=str(path),
            limit=LARGEST_BYTES >> 30,
            length=length if len(length) <= _LONGEST_LENGTH else Message("far more"),
        )
    if start + size != info.file_size:
        raise BadFile(
            "{name!r} in {path!r} has another length than its header says (got {got:,} bytes for {expected:,}). "
            "Write it with np.savez. [npz-file]",
            name=name,
            path=str(path),
            got=info.file_size,
            expected=size,
        )
    return _Head(name, tuple(shape), size, info.compress_size)


def _refuse_large(path: Path, heads: Sequence[_Head]) -> None:
    """Refuse members that would fill the memory together."""
    size, packed = sum(head.size for head in heads), sum(head.packed for head in heads)
    if size > LARGEST_BYTES:
        raise BadFile(
            "{path!r} must contain at most {limit} GiB (got {size:,} bytes). Use a folder of images. [npz-size]",
            path=str(path),
            limit=LARGEST_BYTES >> 30,
            size=size,
        )
    # A member cannot occupy more bytes than the whole file, whatever its header claims.
    refuse_bomb(path, min(packed, path.stat().st_size), size, Message("Write it with np.savez, uncompressed."))
    classes = next((prod(head.shape) for head in heads[2:]), 0)
    if classes > MOST_CLASSES:
        raise BadFile(
            "{name!r} in {path!r} must have at most {limit:,} class names (got {got:,}). Write it with np.savez. "
            "[npz-size]",
            name=heads[2].name,
            path=str(path),
            limit=MOST_CLASSES,
            got=classes,
        )


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_LENGTH else f"{text[:40]}…"


def _channels_first(x: NDArray[Any]) -> NDArray[Any]:
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] not in (1, 3):
        return x.transpose(0, 3, 1, 2)
    return x
