"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from ..errors import BadFile


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file at once: a temporary file in its folder takes its place when complete.

    Errors:   BadFile [save] when the folder is missing, or nothing may be written there
    """
    target = Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        if target.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        number, temporary = tempfile.mkstemp(prefix=f".{target.name[:32]}.", dir=target.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            os.chmod(temporary, _mode(target))
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadFile(
            f"the file to save must be one that can be written; got {str(path)!r} ({reason}); "
            "choose a folder that exists and that you may write to. [save]"
        ) from None


def _mode(target: Path) -> int:
    """Return the permissions of the file that is replaced, or those that a new file gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


_SHOWN_BYTES = 40
_ENDING = ".new"


def write_durably(path: Path, content: bytes | Iterable[bytes | memoryview], keep_as: Path | None = None) -> None:
    """Write beside the file, bring it to the disk, then put it in the file's place in one step.

    The file that was there is kept under the name `keep_as`, where that is given.

    Errors:   BadFile [write-failed]; the file that was there is intact
    """
    temporary = path.with_name(_temporary_name(path.name))
    try:
        try:
            with open(temporary, "wb") as file:
                file.writelines([content] if isinstance(content, bytes) else content)
                file.flush()
                os.fsync(file.fileno())
            if keep_as is not None and path.exists():
                os.replace(path, keep_as)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadFile(
            f"{str(path)!r} must be a file that can be written; got an error ({reason}); what was saved before is "
            "intact: make room or choose another folder, then resume. [write-failed]"
        ) from None


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed have left of the files they were writing into a folder."""
    for path in folder.glob(f".*{_ENDING}"):
        with contextlib.suppress(OSError):
            path.unlink()


def _temporary_name(name: str) -> str:
    """Return a hidden name that is no longer than a file's name may be, whatever the length of `name`."""
    encoded = os.fsencode(name)
    shown = encoded[:_SHOWN_BYTES].decode("utf-8", "ignore")
    return f".{shown}.{zlib.crc32(encoded):08x}{_ENDING}"


def _sync_folder(folder: Path) -> None:
    """Bring the folder's entries to the disk too; where folders cannot be opened (Windows) nothing is needed."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
