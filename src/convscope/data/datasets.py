"""Published datasets: their files, formats and download."""

from __future__ import annotations

import gzip
import os
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from importlib.resources import files
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFile, MissingExtra, reason_of
from ..files.cache import cache_folder
from ..files.regular import open_regular, refuse_bomb
from ..layers.base import show_shape
from ..text.language import Message
from ..text.lists import listed
from .arrays import ArrayDataset
from .dataset import Dataset, Subset, holdout_mask

LARGEST_IDX_BYTES = 1 << 31
"""Larger sizes in a header are taken for damage: no dataset in this format has so many bytes."""

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes, compressed by gzip or not.

    Shapes:   axes=3 → (n, h, w); axes=1 → (n,)
    Raises:   BadFile [idx-header], [idx-size], [file-damaged], [unpacked-size]
    """
    try:
        with open_regular(path) as stored, gzip.open(stored) if path.suffix == ".gz" else stored as file:
            zeros, kind, rank = struct.unpack(">HBB", _exactly(file.read(4), 4))
            if zeros or kind != _UNSIGNED_BYTE or rank != axes:
                raise BadFile(
                    "{path!r} is not an IDX file of bytes with {axes} axes, by its header. Restore the original "
                    "file. [idx-header]",
                    path=str(path),
                    axes=axes,
                )
            shape = struct.unpack(f">{axes}I", _exactly(file.read(4 * axes), 4 * axes))
            size = prod(shape)
            if path.suffix == ".gz":
                packed = path.stat().st_size
                hint = Message("Put the original file there.")
                refuse_bomb(path, packed, min(size, LARGEST_IDX_BYTES), hint)
            # One extra byte is enough to detect a file that is too long.
            content = file.read(min(size, LARGEST_IDX_BYTES) + 1)
    except (EOFError, OSError, zlib.error, struct.error) as error:
        raise BadFile(
            "{path!r} is a damaged or truncated IDX file ({reason}). Download it again. [file-damaged]",
            path=str(path),
            reason=reason_of(error),
        ) from None
    if len(content) != size:
        length = len(content)
        raise BadFile(
            "{path!r} must contain {size:,} bytes for {shape} (got {got}). Download it again. [idx-size]",
            path=str(path),
            size=size,
            shape=show_shape(shape),
            got=Message("only {length:,}", length=length) if length < size else Message("more"),
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _exactly(data: bytes, count: int) -> bytes:
    if len(data) < count:
        raise EOFError(Message("the header ends after {length} bytes", length=len(data)))
    return data


def read_idx_images(paths: Mapping[str, Path], part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images (n, 1, h, w) and labels (n,) of the part "train" or "test"."""
    prefix = "train" if part == "train" else "t10k"
    images = read_idx(paths[f"{prefix}-images-idx3-ubyte.gz"], 3)
    return images[:, None], read_idx(paths[f"{prefix}-labels-idx1-ubyte.gz"], 1)


CIFAR_ARCHIVE = "cifar-10-binary.tar.gz"
CIFAR_FOLDER = "cifar-10-batches-bin"

_CIFAR_SHAPE = (3, 32, 32)
_CIFAR_RECORD = 1 + 3 * 32 * 32
_LARGEST_CIFAR_BYTES = 10_000 * _CIFAR_RECORD
_CIFAR_MEMBERS = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}


def read_cifar_images(paths: Mapping[str, Path], part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images (n, 3, 32, 32) and labels (n,) from the CIFAR-10 archive or its unpacked folder."""
    source = paths[CIFAR_ARCHIVE]
    contents = _from_folder(source, part) if source.is_dir() else _from_archive(source, part)
    records = np.concatenate([_cifar_records(content, f"{source}/{name}") for name, content in contents.items()])
    return records[:, 1:].reshape(-1, *_CIFAR_SHAPE), records[:, 0]


def _from_folder(folder: Path, part: str) -> dict[str, bytes]:
    contents = {}
    for name in _CIFAR_MEMBERS[part]:
        try:
            with open_regular(folder / name) as file:
                contents[name] = file.read(_LARGEST_CIFAR_BYTES + 1)
        except OSError as error:
            raise _damaged_cifar(f"{folder}/{name}", reason_of(error)) from None
    return contents


def _from_archive(path: Path, part: str) -> dict[str, bytes]:
    """Read a part's files from the archive, without unpacking it to the disk."""
    wanted = set(_CIFAR_MEMBERS[part])
    found: dict[str, bytes] = {}
    try:
        with open_regular(path) as stored, tarfile.open(fileobj=stored, mode="r:gz") as archive:
            for member in archive:
                if member.size > _LARGEST_CIFAR_BYTES:  # moving on to the next member would unpack it
                    found_instead = Message(
                        "{name!r} with {size:,} bytes", name=member.name[:60], size=member.size
                    )
                    raise _damaged_cifar(str(path), found_instead)
                name = Path(member.name).name
                if name in wanted and member.isfile():
                    unpacked = archive.extractfile(member)
                    assert unpacked is not None  # it is a file
                    found[name] = unpacked.read(_LARGEST_CIFAR_BYTES + 1)
                if len(found) == len(wanted):
                    break
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise _damaged_cifar(str(path), reason_of(error)) from None
    missing = sorted(wanted - set(found))
    if missing:
        raise _damaged_cifar(str(path), Message("no {names}", names=listed(missing)))
    return {name: found[name] for name in _CIFAR_MEMBERS[part]}


def _cifar_records(content: bytes, name: str) -> NDArray[np.uint8]:
    if not content or len(content) % _CIFAR_RECORD or len(content) > _LARGEST_CIFAR_BYTES:
        reason = Message(
            "{length:,} bytes, not 1 to 10,000 records of {record:,} bytes",
            length=len(content),
            record=_CIFAR_RECORD,
        )
        raise _damaged_cifar(name, reason)
    return np.frombuffer(content, np.uint8).reshape(-1, _CIFAR_RECORD)


def _damaged_cifar(name: str, reason: str) -> BadFile:
    return BadFile(
        "{path!r} is not an intact file of the binary version of CIFAR-10 ({reason}). Download {archive} again. "
        "[file-damaged]",
        path=name,
        reason=reason,
        archive=CIFAR_ARCHIVE,
    )


ReadImages = Callable[[Mapping[str, Path], str], tuple[NDArray[Any], NDArray[Any]]]


@dataclass(frozen=True)
class PublishedDataset:
    """A published dataset.

    `checksums` are those of the published files, by name. They are checked after a download only: a file that the
    user provides may have been recompressed. `alternatives` are other names that each file may have. `mirrors` are
    tried in turn.
    """

    name: str
    classes: tuple[str, ...]
    checksums: Mapping[str, str]
    mirrors: tuple[str, ...]
    read: ReadImages
    alternatives: Mapping[str, tuple[str, ...]]

    def files(self, part: str) -> tuple[str, ...]:
        """Return the names of the files that the part "train" or "test" is read from."""
        own = {"train": "train", "test": "t10k"}[part]
        return tuple(name for name in self.checksums if name.startswith(own)) or tuple(self.checksums)


_IDX = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_UNPACKED = {name: (name.removesuffix(".gz"),) for name in _IDX}

MNIST = PublishedDataset(
    name="mnist",
    classes=tuple("0123456789"),
    checksums=dict(
        zip(
            _IDX,
            (
                "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "md5:d53e105ee54ea40749a09fcbcd1e9432",
                "md5:9fb629c4189551a2d022fa330f9573f3",
                "md5:ec29112dd5afa0611ce80d1b7f02629c",
            ),
            strict=True,
        )
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    read=read_idx_images,
    alternatives=_UNPACKED,
)

FASHION_MNIST = PublishedDataset(
    name="fashion-mnist",
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    checksums=dict(
        zip(
            _IDX,
            (
                "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "md5:25c81989df183df01b3e8a0aad5dffbe",
                "md5:bef4ecab320f06d8554ea6380940ec79",
                "md5:bb300cfdad3c16e7a12a480ee83cd310",
            ),
            strict=True,
        )
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    read=read_idx_images,
    alternatives=_UNPACKED,
)

CIFAR10 = PublishedDataset(
    name="cifar10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    checksums={CIFAR_ARCHIVE: "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
    mirrors=(
        "https://www.cs.toronto.edu/~kriz/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ),
    read=read_cifar_images,
    alternatives={CIFAR_ARCHIVE: (CIFAR_FOLDER,)},
)

KNOWN_DATASETS = {original.name: original for original in (MNIST, FASHION_MNIST, CIFAR10)}


TEST_SHARE = 0.2
_LARGEST_PIXEL = 16


def digits(part: str) -> Dataset | None:
    """Return the training part, or a fifth of each class as test part. There is no validation part.

    The data are the bundled handwritten digits: 1,797 images of 8×8 pixels, written by 13 people.

    Source:   E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository
              1998, https://doi.org/10.24432/C50P49, license CC BY 4.0. The file has the complete test part of that
              dataset, in its order, as distributed with scikit-learn. Pixels are counts from 0 to 16.
    """
    if part == "validation":
        return None
    x, labels = _arrays()
    dataset = ArrayDataset(x, labels)
    test = holdout_mask(dataset.labels, TEST_SHARE)
    return Subset(dataset, np.flatnonzero(test if part == "test" else ~test))


@cache
def _arrays() -> tuple[NDArray[np.float32], NDArray[Any]]:
    with files(__package__).joinpath("digits.npz").open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        return archive["x"][:, None].astype(np.float32) / np.float32(_LARGEST_PIXEL), archive["y"]


VARIABLE = "CONVSCOPE_DATA"
"""The environment variable with the folder of datasets."""


def find_files(original: PublishedDataset, part: str, data_dir: Path | None) -> dict[str, Path]:
    """Return the paths of the files of the part "train" or "test". Missing ones are downloaded.

    The search path is `data_dir`, CONVSCOPE_DATA and the cache, in each the folder itself and its subfolder named
    like the dataset. Downloads go to the first of these that is set.
    """
    search_path = _search_path(data_dir)
    names = original.files(part)
    folders = [folder for parent in search_path for folder in (parent, parent / original.name)]
    found = {name: path for name in names if (path := _find(original, name, folders)) is not None}
    for name in names:
        if name not in found:
            found[name] = _download(original, name, search_path)
    return found


def _search_path(data_dir: Path | None) -> list[Path]:
    named = os.environ.get(VARIABLE)
    folders = [data_dir] if data_dir is not None else []
    cache = cache_folder()
    if named:
        folders.append(Path(named))
    if cache is not None:
        folders.append(cache)
    if not folders:
        raise BadFile(
            "There is no folder for datasets (the home directory is unknown). Pass --data-dir or set {variable}. "
            "[data-missing]",
            variable=VARIABLE,
        )
    return folders


def _find(original: PublishedDataset, name: str, folders: Sequence[Path]) -> Path | None:
    candidates = (name, *original.alternatives[name])
    paths = (folder / file for folder in folders for file in candidates)
    return next((path for path in paths if os.path.exists(path)), None)


def _download(original: PublishedDataset, name: str, search_path: Sequence[Path]) -> Path:
    try:
        import pooch
    except ImportError:
        raise MissingExtra(
            "{dataset} needs its original files (no {name} in {folders}). Run `pip install pooch` to download "
            "them, put {files} into {target}, or pass their folder as --data-dir or {variable}. [data-missing]",
            **_search(original, name, search_path),
        ) from None
    folder = search_path[0] / original.name
    was_there = os.path.exists(folder)
    failures: list[Message] = []
    for mirror in original.mirrors:
        try:
            path = pooch.retrieve(mirror + name, original.checksums[name], fname=name, path=folder)
        except (OSError, ValueError) as error:  # no network, a server error, or another checksum
            failures.append(Message("{mirror} ({reason})", mirror=mirror, reason=_reason(error)))
        else:
            return Path(path)
    if not was_there and os.path.isdir(folder) and not any(folder.iterdir()):
        folder.rmdir()
    raise BadFile(
        "{dataset} needs its original files (no {name} in {folders}), and downloading failed from {failures}. "
        "Put {files} into {target}, or pass their folder as --data-dir or {variable}. [data-missing]",
        **_search(original, name, search_path),
        failures=reduce(lambda one, two: Message("{one}, {two}", one=one, two=two), failures),
    )


def _reason(error: Exception) -> Message:
    """Return a short reason why a mirror failed. The libraries' own messages take many lines."""
    if "hash" in str(error).lower():
        return Message("wrong checksum")
    response = getattr(error, "response", None)
    if response is not None:
        return Message("HTTP status {status}", status=response.status_code)
    if isinstance(error, PermissionError):
        return Message("{path} cannot be written", path=error.filename)
    return Message("no connection")


def _search(original: PublishedDataset, name: str, search_path: Sequence[Path]) -> dict[str, str]:
    """Return the values of a message about a missing file."""
    return {
        "dataset": original.name,
        "name": name,
        "folders": listed(str(folder) for folder in search_path),
        "files": listed(original.checksums),
        "target": str(search_path[0] / original.name),
        "variable": VARIABLE,
    }
