"""A folder of pictures, one sub-folder per class, read from the disk batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import BadData, BadFile
from ...pictures import PictureHeader, read_header, read_picture
from .arrays import as_pictures
from .source import Indices, Labels, Pictures

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"})

Size = tuple[int, int]


class FolderSource:
    """Pictures in one folder per class; only those of a batch are in memory.

    The order is that of the names, classes first. At the start every file's head is read, so that sizes and kinds
    are known; pixels are read when asked for. With `skip_corrupt`, every picture is read once at the start, and
    those that cannot be are left out and listed in `skipped`.

    Shapes:   resize (h, w), where pictures are not of one size
    Units:    channels 1 or 3; left out, 1 if all pictures are grey, else 3
    Errors:   BadData [folder-classes], [folder-empty], [folder-unknown], [picture-sizes];
              BadFile [picture-file], [picture-pixels]
    """

    def __init__(
        self,
        folder: Path,
        classes: Sequence[str] | None = None,
        resize: Size | None = None,
        channels: int | None = None,
        skip_corrupt: bool = False,
    ) -> None:
        self._classes = _class_folders(folder, classes)
        files, labels = _pictures(folder, self._classes)
        self.skipped: tuple[str, ...] = ()
        headers, broken = _headers(files, skip_corrupt)
        if broken:
            self.skipped = tuple(str(files[at]) for at in broken)
            files = [file for at, file in enumerate(files) if at not in broken]
            labels = np.delete(labels, sorted(broken))
            if not files:
                raise BadData(
                    f"{str(folder)!r} must have a picture that can be read; got {len(broken)} damaged files; "
                    "fetch the pictures again. [folder-empty]"
                )
        self._files, self._labels = files, labels
        self._channels = channels or (1 if all(header.grey for header in headers) else 3)
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
        """Return the picture files, in order."""
        return tuple(self._files)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._files)

    def batch(self, indices: Indices) -> tuple[Pictures, Labels]:
        """Read the pictures at `indices` from the disk."""
        pixels = np.empty((len(indices), *self.image_shape), np.uint8)
        for place, at in enumerate(indices):
            picture = read_picture(self._files[at], self._channels, self._resize)
            if picture.shape != self.image_shape:
                raise BadData(
                    f"{str(self._files[at])!r} must keep its size while it is in use; got another than at the "
                    "start; load the folder again. [picture-sizes]"
                )
            pixels[place] = picture
        return as_pictures(pixels), self._labels[indices]


def _class_folders(folder: Path, classes: Sequence[str] | None) -> tuple[str, ...]:
    found = sorted(entry.name for entry in _entries(folder) if entry.is_dir())
    if not found:
        raise BadData(
            f"{str(folder)!r} must have one sub-folder of pictures per class; got none; "
            "make a folder for each class and put its pictures there. [folder-classes]"
        )
    if classes is None:
        return tuple(found)
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise BadData(
            f"{str(folder)!r} must have no class that training lacks; got {', '.join(unknown[:8])}; "
            "name the folders as in training. [folder-unknown]"
        )
    return tuple(classes)


def _entries(folder: Path) -> list[Path]:
    """Return what is visible in a folder."""
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadFile(
            f"{str(folder)!r} must be a folder that can be read; got {reason}; check the path. [folder-missing]"
        ) from None


def _pictures(folder: Path, classes: Sequence[str]) -> tuple[list[Path], Labels]:
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        inside = _entries(folder / name) if (folder / name).is_dir() else []
        own = sorted(entry for entry in inside if entry.suffix.lower() in SUFFIXES)
        files += own
        labels += [label] * len(own)
    if not files:
        raise BadData(
            f"{str(folder)!r} must have pictures in its class folders; got no file ending in "
            f"{', '.join(sorted(SUFFIXES))}; put them there. [folder-empty]"
        )
    return files, np.array(labels, np.int64)


def _headers(files: Sequence[Path], skip_corrupt: bool) -> tuple[list[PictureHeader], set[int]]:
    """Return the heads of all whole files, and which are broken: only looked for if they may be skipped."""
    headers: list[PictureHeader] = []
    broken: set[int] = set()
    for at, file in enumerate(files):
        try:
            header = read_header(file)
            if skip_corrupt:
                read_picture(file, 1)
        except BadFile:
            if not skip_corrupt:
                raise
            broken.add(at)
        else:
            headers.append(header)
    return headers, broken


def _one_size(files: Sequence[Path], headers: Sequence[PictureHeader]) -> Size:
    first = headers[0]
    for file, header in zip(files, headers, strict=True):
        if header[:2] != first[:2]:
            raise BadData(
                f"pictures must be of one size; got {first.height}×{first.width} in {str(files[0])!r} and "
                f"{header.height}×{header.width} in {str(file)!r}; give a size to resize them to. [picture-sizes]"
            )
    return first.height, first.width
