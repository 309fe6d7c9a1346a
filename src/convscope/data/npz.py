"""Datasets in NumPy archives (.npz)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import BadFile, ConvscopeError
from ..files.atomic import reason_of
from ..files.regular import open_regular, refuse_bomb
from ..text.language import Message
from ..text.lists import shortened
from .arrays import MOST_CLASSES, ArrayDataset
from .dataset import Dataset

LARGEST_BYTES = 8 << 30
"""Arrays are loaded into memory as a whole. Larger datasets need a folder of images."""

_LONGEST_LENGTH = 60

_NAMES = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y"), ("images", "labels")),
    "validation": (("x_val", "y_val"), ("x_validation", "y_validation"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}


def load_part(path: Path, part: str) -> Dataset | None:
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
