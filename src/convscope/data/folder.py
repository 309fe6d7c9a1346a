"""Datasets of image files, one folder per class, which are checked once.

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
from typing import Any, NamedTuple

import numpy as np

from ..errors import BadData, BadFile, reason_of
from ..files.atomic import write_durably
from ..files.cache import cache_folder, is_cache_disabled
from ..files.json_kinds import COUNT, parse_json
from ..images import DamagedImage, ImageHeader, read_header, read_image
from ..layers.base import show_shape
from ..progress import StatusLine
from ..text.language import localize
from ..text.lists import listed, shortened
from .arrays import as_images
from .dataset import Images, Indices, Labels

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"})

SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"})
"""Folders that operating systems create. They are ignored."""

Size = tuple[int, int]


def image_files(folder: str | Path) -> list[Path]:
    """Return the image files in a folder and the folders in it, sorted. Hidden files are ignored.

    Raises:
        BadFile: [images-folder] if there are none.
    """
    files = sorted(
        path
        for path in Path(folder).rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not files:
        raise BadFile(
            "{folder!r} is not a folder with images (no file ending in {suffixes}). Name a folder of images. "
            "[images-folder]",
            folder=str(folder),
            suffixes=", ".join(sorted(SUFFIXES)),
        )
    return files


class FolderDataset:
    """Images in one folder per class, read from the disk batch by batch.

    Images are sorted by class, then by name. Subfolders of a class folder belong to the class. Every file is read
    once on creation, so that damaged images are found before training; unchanged files are not checked again (see
    `check_images`). Hidden files, system folders such as `__MACOSX` and folders without images are ignored.

    Args:
        folder: The folder with the class folders.
        classes: The classes of training, to give labels the same meaning. By default those of the folder.
        resize: The size (h, w) of all images. Required unless they have one size.
        channels: 1 or 3. By default 1 if all images are gray, else 3.
        skip_corrupt: Whether to leave out damaged images. They are listed in `skipped`.

    Raises:
        BadData: [folder-classes], [folder-empty], [folder-unknown], [image-sizes]
        BadFile: [image-file], [image-pixels]
    """

    def __init__(
        self,
        folder: Path,
        classes: Sequence[str] | None = None,
        resize: Size | None = None,
        channels: int | None = None,
        skip_corrupt: bool = False,
    ) -> None:
        found = _find_files(folder, classes)
        self._classes = found.classes
        self.left_out = found.left_out
        files, labels = found.files, found.labels
        self.skipped: tuple[str, ...] = ()
        checked = check_images(folder, files)
        headers = [header for header in checked if isinstance(header, ImageHeader)]
        broken = {at: error for at, error in enumerate(checked) if isinstance(error, BadFile)}
        if broken:
            if not skip_corrupt:
                _refuse_broken(files, broken)
            self.skipped = tuple(str(files[at]) for at in broken)
            files = [file for at, file in enumerate(files) if at not in broken]
            labels = np.delete(labels, sorted(broken))
            if not files:
                raise BadData(
                    "{folder!r} has no readable image (damaged: {damaged}). Download the images again. "
                    "[folder-empty]",
                    folder=str(folder),
                    damaged=len(broken),
                )
        self._files, self._labels = files, labels
        self._channels = channels or (1 if all(header.gray for header in headers) else 3)
        self._resize = resize
        self._size = resize or _one_size(files, headers)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the class folders, sorted."""
        return self._classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Return (c, h, w)."""
        return (self._channels, *self._size)

    @property
    def labels(self) -> Labels:
        """Return all labels, in order."""
        return self._labels

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the image files, in order."""
        return tuple(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def batch(self, indices: Indices) -> tuple[Images, Labels]:
        """Read the images at `indices` from the disk."""
        pixels = np.empty((len(indices), *self.image_shape), np.uint8)
        for row, at in enumerate(indices):
            image = read_image(self._files[at], self._channels, self._resize)
            if image.shape != self.image_shape:
                raise BadData(
                    "{path!r} has changed its size since the folder was loaded. Load the folder again. "
                    "[image-sizes]",
                    path=str(self._files[at]),
                )
            pixels[row] = image
        return as_images(pixels), self._labels[indices]


class _Found(NamedTuple):
    """Contents of a folder: classes, image files with their labels, and ignored folders."""

    classes: tuple[str, ...]
    files: list[Path]
    labels: Labels
    left_out: tuple[str, ...]


def _find_files(folder: Path, known: Sequence[str] | None) -> _Found:
    """Find the class folders and their images. `known` are the classes of training, if any."""
    names = sorted(entry.name for entry in _entries(folder) if entry.is_dir())
    own = {name: _images(folder / name) for name in names if name not in SYSTEM_FOLDERS}
    if not own:
        raise BadData(
            "{folder!r} has no subfolders. Create a folder of images for each class. [folder-classes]",
            folder=str(folder),
        )
    found = [name for name, images in own.items() if images]
    if not found:
        raise BadData(
            "{folder!r} has no images in its class folders (no file ending in {suffixes}). Add "
            "images. [folder-empty]",
            folder=str(folder),
            suffixes=listed(sorted(SUFFIXES)),
        )
    unknown = [name for name in found if known is not None and name not in known]
    if unknown:
        raise BadData(
            "{folder!r} has classes that the training part lacks: {unknown}. Name the folders as in "
            "training. [folder-unknown]",
            folder=str(folder),
            unknown=shortened(unknown, 8),
        )
    classes = tuple(found) if known is None else tuple(known)
    files = [file for name in classes for file in own.get(name, [])]
    labels = [label for label, name in enumerate(classes) for _ in own.get(name, [])]
    return _Found(classes, files, np.array(labels, np.int64), tuple(name for name in names if name not in found))


def _images(folder: Path) -> list[Path]:
    """Return the images in a class folder and its subfolders, sorted."""
    files: list[Path] = []
    waiting, seen = [folder], set()
    while waiting:
        inside = waiting.pop()
        real = os.path.realpath(inside)
        if real in seen:  # a link to a parent folder
            continue
        seen.add(real)
        entries = sorted(_entries(inside))
        files += [entry for entry in entries if entry.suffix.lower() in SUFFIXES and not entry.is_dir()]
        waiting += [entry for entry in reversed(entries) if entry.is_dir() and entry.name not in SYSTEM_FOLDERS]
    return files


def _entries(folder: Path) -> list[Path]:
    """Return the visible entries of a folder."""
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise BadFile(
            "{folder!r} is not a readable folder ({reason}). Check the path. [folder-missing]",
            folder=str(folder),
            reason=reason_of(error),
        ) from None


def _refuse_broken(files: Sequence[Path], broken: dict[int, BadFile]) -> None:
    """Raise BadFile with the first damaged file and the count of others."""
    at, error = next(iter(broken.items()))
    if not isinstance(error, DamagedImage):  # too large, or removed meanwhile
        raise error
    path, more = str(files[at]), len(broken) - 1
    if more:
        raise BadFile(
            "{path!r} is a damaged image file ({reason}), and {more} more cannot be read. Repair or remove them, "
            "or pass --skip-corrupt (in Python skip_corrupt=True). [image-file]",
            path=path,
            reason=error.reason,
            more=more,
        )
    raise BadFile(
        "{path!r} is a damaged image file ({reason}). Repair or remove it, or pass --skip-corrupt (in Python "
        "skip_corrupt=True). [image-file]",
        path=path,
        reason=error.reason,
    )


def _one_size(files: Sequence[Path], headers: Sequence[ImageHeader]) -> Size:
    first = headers[0]
    for file, header in zip(files, headers, strict=True):
        if header[:2] != first[:2]:
            raise other_size(first[:2], str(files[0]), header[:2], str(file))
    return first.height, first.width


def other_size(first: Size, first_path: str, other: Size, other_path: str) -> BadData:
    """Return the error for images of two sizes."""
    return BadData(
        "Images must be of one size (got {first} in {first_path!r} and {other} in {other_path!r}). Pass a size to "
        "resize them to. [image-sizes]",
        first=show_shape(first),
        first_path=first_path,
        other=show_shape(other),
        other_path=other_path,
    )


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
