"""Disk cache of compiled code and of measured choices: private, bounded, and never trusted blindly.

Files appear by renaming, so processes that write the same one at once do no harm. The folder belongs to the user
alone: what is read from it is run, and a digest tells damage from whole files, not one author from another. A
folder that others may write to is left alone, which one warning says. When files take more than the limit, those
not used for longest are removed, and with them what killed processes left half-written.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ....errors import BadSetting
from ....files.regular import make_private, open_regular, who_else_writes

LIMIT = 128 << 20
"""Bytes that compiled code may take where CONVSCOPE_CACHE_LIMIT names no other number."""
FILLED = 0.8
"""Share of the limit that a removal leaves, so that the next files do not cause another one."""
ABANDONED_SECONDS = 600
"""Age of a half-written file whose process is taken to be dead: writing takes milliseconds."""

_NEW = ".new-"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"([0-9]{1,15})\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)
_refused: set[Path] = set()


def cache_folder() -> Path | None:
    """Return where object files are kept: CONVSCOPE_CACHE, or the user's cache.

    None where it is set to "off", and where a user is meant who has no home.
    """
    try:
        return _wished_folder()
    except RuntimeError:
        return None


def _wished_folder() -> Path | None:
    named = os.environ.get("CONVSCOPE_CACHE")
    if named is not None:
        return None if named.lower() in ("off", "0", "") else Path(named).expanduser() / "objects"
    if sys.platform == "darwin":
        base = Path("~/Library/Caches").expanduser()
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser()
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return base / "convscope" / "objects"


def cache_limit() -> int:
    """Return the bytes that compiled code may take: CONVSCOPE_CACHE_LIMIT, or `LIMIT`.

    Raises:   BadSetting [cache-limit]
    """
    named = os.environ.get("CONVSCOPE_CACHE_LIMIT", "").strip()
    if not named:
        return LIMIT
    match = _SIZE.fullmatch(named)
    if match is None:
        raise BadSetting(
            f"CONVSCOPE_CACHE_LIMIT must be a size such as 500M or 2G; got {_short(named)!r}; "
            f"unset it for {LIMIT >> 20}M. [cache-limit]"
        )
    return int(match[1]) * _UNITS[match[2].upper()]


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


class CacheFolder:
    """One folder of cached files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes | None:
        """Return a file's content and note its use; None where there is no regular file of this user's own."""
        if not self._is_ours():
            return None
        with suppress(OSError), open_regular(self.path / name, follow=False) as file:
            if who_else_writes(file.fileno()) is None:
                content = file.read()
                with suppress(OSError):
                    os.utime(self.path / name)
                return content
        return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file; a folder that cannot be written costs speed and nothing else."""
        with suppress(OSError):
            make_private(self.path)
            if not self._is_ours():
                return
            handle, temporary = tempfile.mkstemp(dir=self.path, prefix=_NEW)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.replace(temporary, self.path / name)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def trim(self, limit: int, suffix: str) -> None:
        """Remove files not used for longest while those of a suffix take more than a limit, and leftovers."""
        if not self._is_ours():
            return
        with suppress(OSError):
            found = list(os.scandir(self.path))
            _remove(entry for entry in found if entry.name.startswith(_NEW) and _age(entry) > ABANDONED_SECONDS)
            sizes = [
                (state.st_mtime_ns, state.st_size, entry)
                for entry in found
                if entry.name.endswith(suffix) and (state := _state(entry)) is not None
            ]
            total = sum(size for _, size, _ in sizes)
            if total <= limit:
                return
            for _, size, entry in sorted(sizes, key=lambda one: one[:2]):
                if total <= FILLED * limit:
                    return
                _remove([entry])
                total -= size

    def _is_ours(self) -> bool:
        """Say whether nobody else may change the folder; one warning names who may."""
        try:
            other = who_else_writes(self.path)
        except OSError:
            return False
        if other is not None and self.path not in _refused:
            _refused.add(self.path)
            warnings.warn(
                f"compiled code is neither read from nor kept in {str(self.path)!r}, which can be changed by "
                f"{other}; make it yours alone (chmod 700), or name another folder by CONVSCOPE_CACHE",
                RuntimeWarning,
                stacklevel=2,
            )
        return other is None


def _state(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return what the system says of a regular file; None of another, or where another process has removed it."""
    try:
        return entry.stat(follow_symlinks=False) if entry.is_file(follow_symlinks=False) else None
    except OSError:
        return None


def _age(entry: os.DirEntry[str]) -> float:
    state = _state(entry)
    return 0 if state is None else time.time() - state.st_mtime


def _remove(entries: Iterable[os.DirEntry[str]]) -> None:
    for entry in entries:
        with suppress(OSError):
            os.unlink(entry.path)
