"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
import tempfile
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
