"""Cached check of image files.

Each file is read once; unchanged size and modification time count as unchanged content. The cache has one file per
image folder, so that a resumed run checks nothing twice. CONVSCOPE_CACHE=off disables it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadFile
from ..files.atomic import write_durably
from ..files.cache import cache_folder, is_cache_disabled
from ..files.json_kinds import COUNT, parse_json
from ..images import ImageHeader, read_header, read_image
from ..progress import StatusLine
from ..text.language import localize

SETTLED_SECONDS = 2.0
"""Files modified more recently are not cached: they may change again within the resolution of the time stamp."""

MOST_FOLDERS = 100
"""Number of folders in the cache. The least recently used ones are removed."""

_SECONDS_BEFORE_PROGRESS = 1.0
_SECONDS_BETWEEN = 0.1

Known = dict[str, list[int]]
"""By relative path: size, modification time, height, width, and 1 for a gray image."""


def check_images(folder: Path, files: Sequence[Path]) -> list[ImageHeader | BadFile]:
    """Return the header of each file, or the error of reading it.

    Raises:
        MissingExtra: [data-extra]
    """
    store = _store(folder)
    known = _remembered(store)
    current: Known = {}
    results: list[ImageHeader | BadFile] = []
    try:
        for file in _with_progress(files):
            name = os.path.relpath(file, folder)
            stamp = _stamp(file)
            entry = known.get(name)
            if stamp is not None and entry is not None and tuple(entry[:2]) == stamp:
                header = ImageHeader(entry[2], entry[3], bool(entry[4]))
            else:
                try:
                    header = read_header(file)
                    read_image(file, 1)
                except BadFile as error:
                    results.append(error)
                    continue
            results.append(header)
            if stamp is not None and time.time() - stamp[1] / 1e9 > SETTLED_SECONDS:
                current[name] = [*stamp, header.height, header.width, int(header.gray)]
    finally:  # also after a Ctrl-C during a long check
        if store is not None and not current.items() <= known.items():
            _remember(store, {**known, **current})
    return results


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _store(folder: Path) -> Path | None:
    """Return the cache file of a folder; None if the cache is disabled or there is no home directory."""
    store = None if is_cache_disabled() else cache_folder("images")
    if store is None:
        return None
    return store / f"{hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]}.json"


def _remembered(store: Path | None) -> Known:
    if store is None or not os.path.isfile(store):
        return {}
    try:
        document: Any = parse_json(store.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict) or document.get("reader") != _reader():
        return {}
    files = document.get("files")
    return {name: entry for name, entry in files.items() if _is_entry(entry)} if isinstance(files, dict) else {}


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) == 5 and all(map(COUNT.fits, entry)) and min(entry[2:4]) > 0


def _remember(store: Path, known: Known) -> None:
    with contextlib.suppress(OSError, BadFile):  # the cache is optional
        store.parent.mkdir(parents=True, exist_ok=True)
        write_durably(store, json.dumps({"reader": _reader(), "files": known}).encode())
        by_age = sorted(store.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-MOST_FOLDERS]:
            old.unlink()


def _reader() -> str:
    """Return the version of Pillow: another one may accept other files."""
    try:
        import PIL
    except ImportError:
        return ""
    return f"Pillow {PIL.__version__}"


def _with_progress(files: Sequence[Path]) -> Iterator[Path]:
    """Yield the files. On a terminal a line shows progress after a second."""
    start = drawn = time.monotonic()
    line = StatusLine()
    is_shown = False
    for number, file in enumerate(files):
        now = time.monotonic()
        if line.is_live and now - start > _SECONDS_BEFORE_PROGRESS and now - drawn > _SECONDS_BETWEEN:
            line.show(localize("checking images: {number:,} of {total:,}", number=number, total=len(files)))
            is_shown, drawn = True, now
        yield file
    if is_shown:
        line.clear()
