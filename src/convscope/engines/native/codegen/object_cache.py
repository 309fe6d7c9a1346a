"""Disk cache of compiled code and tuning results: private to the user and limited in size.

Files are written atomically, so several processes may write the same one. Cached code is executed, and a digest
detects damage but not another author, so a folder that other users can change is not used, with one warning. When
the files exceed the limit, the least recently used ones are removed, together with the temporary files of killed
processes.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ....errors import BadSetting
from ....files.atomic import is_temporary, write_atomically
from ....files.cache import cache_folder, is_cache_disabled
from ....files.regular import make_private, open_regular, who_else_writes
from ....text.language import Message

LIMIT = 128 << 20
"""Default limit in bytes; CONVSCOPE_CACHE_LIMIT overrides it."""
FILLED = 0.8
"""Fraction of the limit that a removal leaves, so that the next file does not cause another one."""
ABANDONED_SECONDS = 600
"""Age at which a temporary file counts as left by a killed process. Writing takes milliseconds."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"([0-9]{1,15})\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)
_refused: set[Path] = set()


def object_folder() -> Path | None:
    """Return the folder of object files: below CONVSCOPE_CACHE, or below the user's cache directory.

    None if CONVSCOPE_CACHE is "off", or if the home directory cannot be determined.
    """
    named = os.environ.get("CONVSCOPE_CACHE")
    if named is None:
        return cache_folder("objects")
    if is_cache_disabled():
        return None
    try:
        return Path(named).expanduser() / "objects"
    except RuntimeError:
        return None


def cache_limit() -> int:
    """Return the limit of the cache in bytes: CONVSCOPE_CACHE_LIMIT, or `LIMIT`.

    Raises:   BadSetting [cache-limit]
    """
    named = os.environ.get("CONVSCOPE_CACHE_LIMIT", "").strip()
    if not named:
        return LIMIT
    match = _SIZE.fullmatch(named)
    if match is None:
        raise BadSetting(
            "CONVSCOPE_CACHE_LIMIT must be a size such as 500M or 2G (got {value!r}). Unset it for {default}M. "
            "[cache-limit]",
            value=_short(named),
            default=LIMIT >> 20,
        )
    return int(match[1]) * _UNITS[match[2].upper()]


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


class CacheFolder:
    """One folder of cached files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes | None:
        """Return a file's content and mark it as used; None unless it is a regular file of this user."""
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
        """Write a file. Nothing happens if the folder is not writable."""
        with suppress(OSError):
            make_private(self.path)
            if not self._is_ours():
                return
            write_atomically(self.path / name, content, mode=0o600)

    def trim(self, limit: int, suffix: str) -> None:
        """Remove the least recently used files with a suffix while they exceed a limit, and abandoned files."""
        if not self._is_ours():
            return
        with suppress(OSError):
            found = list(os.scandir(self.path))
            unfinished = [entry for entry in found if is_temporary(entry.name)]
            _remove(entry for entry in unfinished if _age(entry) > ABANDONED_SECONDS)
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
        """Say whether only this user can change the folder. Otherwise warn once."""
        try:
            other = who_else_writes(self.path)
        except OSError:
            return False
        if other is not None and self.path not in _refused:
            _refused.add(self.path)
            warnings.warn(
                Message(
                    "The cache of compiled code in {path!r} is not used, as it can be changed by {who}. Make the "
                    "folder private (chmod 700), or set CONVSCOPE_CACHE to another one.",
                    path=str(self.path),
                    who=other,
                ),
                RuntimeWarning,
                stacklevel=2,
            )
        return other is None


def _state(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return the status of a regular file; None for others, or if another process has removed it."""
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
