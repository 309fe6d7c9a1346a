"""The binary version of CIFAR-10: records of one label and 3,072 pixels."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFile
from ..files.regular import open_regular

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"

_SHAPE = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
_LARGEST_BYTES = 10_000 * _RECORD
_MEMBERS = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}


def read_images(paths: Mapping[str, Path], part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images (n, 3, 32, 32) and labels (n,) out of the archive, or out of the folder it unpacks to."""
    place = paths[ARCHIVE]
    contents = _from_folder(place, part) if place.is_dir() else _from_archive(place, part)
    records = np.concatenate([_records(content, f"{place}/{name}") for name, content in contents.items()])
    return records[:, 1:].reshape(-1, *_SHAPE), records[:, 0]


def _from_folder(folder: Path, part: str) -> dict[str, bytes]:
    contents = {}
    for name in _MEMBERS[part]:
        try:
            with open_regular(folder / name) as file:
                contents[name] = file.read(_LARGEST_BYTES + 1)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise _damaged(f"{folder}/{name}", reason) from None
    return contents


def _from_archive(path: Path, part: str) -> dict[str, bytes]:
    """Read the members wanted, by name; nothing is unpacked to the disk."""
    wanted = set(_MEMBERS[part])
    found: dict[str, bytes] = {}
    try:
        with open_regular(path) as stored, tarfile.open(fileobj=stored, mode="r:gz") as archive:
            for member in archive:
                if member.size > _LARGEST_BYTES:  # it would be unpacked to find the next
                    raise _damaged(str(path), f"{member.name[:60]!r} with {member.size:,} bytes")
                name = Path(member.name).name
                if name in wanted and member.isfile():
                    unpacked = archive.extractfile(member)
                    assert unpacked is not None  # it is a file
                    found[name] = unpacked.read(_LARGEST_BYTES + 1)
                if len(found) == len(wanted):
                    break
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise _damaged(str(path), str(error) or type(error).__name__) from None
    missing = sorted(wanted - set(found))
    if missing:
        raise _damaged(str(path), f"no {', '.join(missing)}")
    return {name: found[name] for name in _MEMBERS[part]}


def _records(content: bytes, name: str) -> NDArray[np.uint8]:
    if not content or len(content) % _RECORD or len(content) > _LARGEST_BYTES:
        raise _damaged(name, f"{len(content):,} bytes, no number of records of {_RECORD:,} up to 10,000")
    return np.frombuffer(content, np.uint8).reshape(-1, _RECORD)


def _damaged(name: str, reason: str) -> BadFile:
    return BadFile(
        f"{name!r} must be a whole file of the binary version of CIFAR-10; got a damaged one ({reason}); "
        f"fetch {ARCHIVE} again. [file-damaged]"
    )
