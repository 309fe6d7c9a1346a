"""Safe access to files and folders that others may have tampered with.

Flags and functions that exist on POSIX only are looked up when used, so that this works on Windows, too.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from ..errors import BadFile
from ..text.language import Message

FREE_BYTES = 1 << 28
"""Uncompressed size that is accepted at any compression ratio."""

LARGEST_RATIO = 250
"""Maximum compression ratio of larger contents. Images do not compress so well, decompression bombs do."""


def open_regular(path: str | os.PathLike[str], follow: bool = True) -> BinaryIO:
    """Open a regular file for reading in binary.

    Pipes and devices are refused, since reading them may block. With `follow=False` symbolic links are refused,
    too.

    Raises:
        OSError: With `strerror` set.
    """
    flags = _flags("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", *(() if follow else ("O_NOFOLLOW",)))
    number = os.open(path, os.O_RDONLY | flags)
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, Message("not a regular file"), os.fspath(path))
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def make_private(folder: Path) -> None:
    """Create a folder that only its owner may enter, unless it exists."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def who_else_writes(place: Path | int) -> Message | None:
    """Describe who else may change a file or folder. None if only this user may.

    Args:
        place: A path or a file descriptor.

    Returns:
        The description; None on systems without file owners.

    Raises:
        OSError: If the file does not exist.
    """
    get_user = getattr(os, "geteuid", None)
    if get_user is None:
        return None
    found = os.stat(place)
    if found.st_uid != get_user():
        return Message("user {user}, who owns it", user=found.st_uid)
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Message("others, as its mode {mode:o} allows", mode=stat.S_IMODE(found.st_mode))
    return None


def _flags(*names: str) -> int:
    """Combine the flags of `os.open` that exist on this system."""
    joined = 0
    for name in names:
        joined |= getattr(os, name, 0)
    return joined


def refuse_bomb(path: Path, packed: int, unpacked: int, hint: Message) -> None:
    """Raise BadFile [unpacked-size] for a decompression bomb."""
    if unpacked > FREE_BYTES and unpacked > LARGEST_RATIO * packed:
        raise BadFile(
            "{path!r} must unpack to at most {ratio} times its size, or {limit} MiB (got {unpacked:,} bytes from "
            "{packed:,}). {hint} [unpacked-size]",
            path=str(path),
            ratio=LARGEST_RATIO,
            limit=FREE_BYTES >> 20,
            packed=packed,
            unpacked=unpacked,
            hint=hint,
        )
