"""Files and folders opened with care, on POSIX systems and on Windows alike.

Flags and functions that only POSIX has are looked up when they are used, so that nothing here needs them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from ..errors import BadFile

FREE_BYTES = 1 << 28
"""So much may come out of a file however small it is."""

LARGEST_RATIO = 250
"""Above that, so many bytes may come out of one: images never pack so well, and what fills memory does."""


def open_regular(path: str | os.PathLike[str], follow: bool = True) -> BinaryIO:
    """Open a regular file for reading in binary.

    Opening a pipe waits for a writer, and reading a device may never end: both are refused at once. With
    `follow=False` a symbolic link is refused, too.

    Raises:   OSError, with `strerror` set, for what is not a regular file or cannot be opened
    """
    flags = _flags("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", *(() if follow else ("O_NOFOLLOW",)))
    number = os.open(path, os.O_RDONLY | flags)
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file", os.fspath(path))
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter; one that is there stays as it is.

    Raises:   OSError
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def who_else_writes(place: Path | int) -> str | None:
    """Return who besides this user may change a file or folder, in words; None for nobody.

    `place` is a path or the number of an open file. Where the system knows no owners, nobody is assumed.

    Raises:   OSError
    """
    get_user = getattr(os, "geteuid", None)
    if get_user is None:
        return None
    found = os.stat(place)
    if found.st_uid != get_user():
        return f"user {found.st_uid}, who owns it"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others, as its mode {stat.S_IMODE(found.st_mode):o} allows"
    return None


def _flags(*names: str) -> int:
    """Return flags of `os.open` joined, as far as this system has them."""
    joined = 0
    for name in names:
        joined |= getattr(os, name, 0)
    return joined


def refuse_bomb(name: str, packed: int, unpacked: int, way_out: str) -> None:
    """Raise BadFile [unpacked-size] for a file that would fill memory with what hardly holds anything."""
    if unpacked > FREE_BYTES and unpacked > LARGEST_RATIO * packed:
        raise BadFile(
            f"{name} must unpack to at most {LARGEST_RATIO} times its size, or {FREE_BYTES >> 20} MiB; got "
            f"{packed:,} bytes for {unpacked:,}; {way_out}. [unpacked-size]"
        )
