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
from ..files.regular import open_regular, refuse_bomb
from .arrays import MOST_CLASSES, ArrayDataset
from .dataset import Dataset

LARGEST_BYTES = 8 << 30
"""Arrays are loaded into memory as a whole. Larger datasets need a folder of images."""

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
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        raise BadFile(
            "{path!r} must be a NumPy archive (.npz); got an unreadable file ({reason}); write it "
            "with np.savez. [npz-file]",
            path=str(path),
            reason=reason,
        ) from None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    names = [str(name) for name in classes[0].ravel()] if classes else None
    return ArrayDataset(_channels_first(x), labels, names)


def _without_names(path: Path, found: Sequence[str]) -> BadFile:
    few = ", ".join(found[:8]) + (", …" if len(found) > 8 else "")
    return BadFile(
        "{path!r} must hold arrays x and y, or x_train and y_train (and x_test, y_test); got "
        "{value}; write it with np.savez(path, x=images, y=labels). [npz-names]",
        path=str(path),
        value=few or "none",
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
            raise _member(path, name, "be a NumPy array", "other content", "npz-file") from None
    if dtype.hasobject:
        raise _member(path, name, "contain numbers or text", "objects, which could run code", "npz-objects")
    if any(not isinstance(side, int) or isinstance(side, bool) or side < 0 for side in shape):
        raise _member(path, name, "have sizes from 0", f"shape={shape!r}", "npz-file")
    size = prod(shape) * dtype.itemsize
    if max(size, prod(shape)) > LARGEST_BYTES:
        limit = f"hold at most {LARGEST_BYTES >> 30} GiB"
        got = f"{size:,} bytes" if size else f"{prod(shape):,} empty elements"
        raise _member(path, name, limit, _shortened(got), "npz-size")
    if start + size != info.file_size:
        got = f"{info.file_size:,} bytes for {size:,}"
        raise _member(path, name, "have the length in its header", got, "npz-file")
    return _Head(name, tuple(shape), size, info.compress_size)


def _refuse_large(path: Path, heads: Sequence[_Head]) -> None:
    """Refuse members that would fill the memory together."""
    size, packed = sum(head.size for head in heads), sum(head.packed for head in heads)
    if size > LARGEST_BYTES:
        raise BadFile(
            "{path!r} must hold at most {largest_bytes} GiB; got {size:,} bytes; use a folder of "
            "images. [npz-size]",
            path=str(path),
            largest_bytes=LARGEST_BYTES >> 30,
            size=size,
        )
    # A member cannot occupy more bytes than the whole file, whatever its header claims.
    refuse_bomb(repr(str(path)), min(packed, path.stat().st_size), size, "write it with np.savez, uncompressed")
    classes = next((prod(head.shape) for head in heads[2:]), 0)
    if classes > MOST_CLASSES:
        got = f"{classes:,} class names"
        raise _member(path, heads[2].name, f"have at most {MOST_CLASSES:,} elements", got, "npz-size")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}… ({len(text)} characters)"


def _member(path: Path, name: str, rule: str, got: str, code: str) -> BadFile:
    return BadFile(
        "{name!r} in {path!r} must {rule}; got {got}; write it with np.savez. [{code}]",
        name=name,
        path=str(path),
        rule=rule,
        got=got,
        code=code,
    )


def _channels_first(x: NDArray[Any]) -> NDArray[Any]:
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] not in (1, 3):
        return x.transpose(0, 3, 1, 2)
    return x
