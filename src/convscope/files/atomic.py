"""Atomic file writes: a reader sees the old file or the new one, never a part of either."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from ..errors import BadFile, reason_of
from ..text.language import Message

Content = bytes | Iterable[bytes | memoryview]

_SHOWN_BYTES = 40
_SUFFIX = ".new"


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file that the user asked for, atomically.

    Raises:
        BadFile: [save]
    """
    target = Path(path)
    try:
        if target.is_dir():
            raise IsADirectoryError(0, Message("it is a folder"))
        write_atomically(target, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise BadFile(
            "Cannot write {path!r} ({reason}). Choose an existing folder that you may write to. [save]",
            path=str(path),
            reason=reason_of(error),
        ) from None


def write_durably(path: Path, content: Content, keep_as: Path | None = None, flush: bool = True) -> None:
    """Write a file atomically and flush it to the disk, so that it survives a crash of the system.

    Args:
        path: The file to write.
        content: Its bytes, at once or in chunks.
        keep_as: Where to move the file that is replaced. It is deleted by default.
        flush: Whether to flush. Without, the file survives the end of the process, not a crash of the system.

    Raises:
        BadFile: [write-failed]. The old file is unchanged.
    """
    try:
        write_atomically(path, content, durable=flush, keep_as=keep_as)
    except OSError as error:
        raise BadFile(
            "Cannot write {path!r} ({reason}). Files saved earlier are intact. Free disk space or "
            "choose another folder, then resume. [write-failed]",
            path=str(path),
            reason=reason_of(error),
        ) from None


def write_atomically(
    path: Path, content: Content, *, mode: int | None = None, durable: bool = False, keep_as: Path | None = None
) -> None:
    """Write a temporary file in the same folder, then rename it.

    Args:
        path: The file to write.
        content: Its bytes, at once or in chunks.
        mode: Permissions, before the umask. By default those of the file that is replaced, or 0o666.
        durable: Whether to flush the file and its folder to the disk.
        keep_as: Where to move the file that is replaced. It is deleted by default.

    Raises:
        OSError: The old file is unchanged, and no temporary file is left.
    """
    temporary = path.with_name(_temporary_name(path.name))
    number = os.open(
        temporary,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
        0o666 if mode is None else mode,
    )
    try:
        with os.fdopen(number, "wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if path.exists():
            if mode is None:
                os.chmod(temporary, path.stat().st_mode & 0o777)
            if keep_as is not None:
                os.replace(path, keep_as)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def is_temporary(name: str) -> bool:
    """Return whether a file name is that of a temporary file of an atomic write."""
    return name.startswith(".") and name.endswith(_SUFFIX)


def remove_unfinished(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder."""
    for path in folder.glob(f".*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            path.unlink()


def _temporary_name(name: str) -> str:
    """Return a hidden name of bounded length, whatever the length of `name`."""
    shown = os.fsencode(name)[:_SHOWN_BYTES].decode("utf-8", "ignore")
    return f".{shown}.{secrets.token_hex(4)}{_SUFFIX}"


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries. Windows cannot open folders and needs no flush."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
