"""Find the files of a published dataset, or download them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadFile, MissingExtra, pip_install
from ..files.cache import cache_folder
from .datasets import PublishedDataset

VARIABLE = "CONVSCOPE_DATA"
"""The environment variable with the folder of datasets."""


def find_files(original: PublishedDataset, part: str, data_dir: Path | None) -> dict[str, Path]:
    """Return the paths of the files of the part "train" or "test". Missing ones are downloaded.

    The search path is `data_dir`, CONVSCOPE_DATA and the cache, in each the folder itself and its subfolder named
    like the dataset. Downloads go to the first of these that is set.
    """
    search_path = _search_path(data_dir)
    names = original.files(part)
    folders = [folder for parent in search_path for folder in (parent, parent / original.name)]
    found = {name: path for name in names if (path := _find(original, name, folders)) is not None}
    for name in names:
        if name not in found:
            found[name] = _download(original, name, search_path)
    return found


def _search_path(data_dir: Path | None) -> list[Path]:
    named = os.environ.get(VARIABLE)
    folders = [data_dir] if data_dir is not None else []
    cache = cache_folder()
    if named:
        folders.append(Path(named))
    if cache is not None:
        folders.append(cache)
    if not folders:
        raise BadFile(
            "there is no folder for datasets: the home directory is unknown. Pass --data-dir or set "
            "{variable}. [data-missing]",
            variable=VARIABLE,
        )
    return folders


def _find(original: PublishedDataset, name: str, folders: Sequence[Path]) -> Path | None:
    candidates = (name, *original.alternatives[name])
    paths = (folder / file for folder in folders for file in candidates)
    return next((path for path in paths if os.path.exists(path)), None)


def _download(original: PublishedDataset, name: str, search_path: Sequence[Path]) -> Path:
    try:
        import pooch
    except ImportError:
        message = _missing(original, name, search_path, f"to download it, {pip_install('pooch')}")
        raise MissingExtra(message) from None
    folder = search_path[0] / original.name
    was_there = os.path.exists(folder)
    failures = []
    for mirror in original.mirrors:
        try:
            path = pooch.retrieve(mirror + name, original.checksums[name], fname=name, path=folder)
        except (OSError, ValueError) as error:  # no network, a server error, or another checksum
            failures.append(f"{mirror} ({_reason(error)})")
        else:
            return Path(path)
    if not was_there and os.path.isdir(folder) and not any(folder.iterdir()):
        folder.rmdir()
    raise BadFile(_missing(original, name, search_path, f"downloading failed from {', '.join(failures)}"))


def _reason(error: Exception) -> str:
    """Return a short reason reason a mirror failed. The libraries' own messages take many lines."""
    if "hash" in str(error).lower():
        return "wrong checksum"
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    if isinstance(error, PermissionError):
        return f"{error.filename} cannot be written"
    return "no connection"


def _missing(original: PublishedDataset, name: str, search_path: Sequence[Path], reason: str) -> str:
    looked = ", ".join(str(folder) for folder in search_path)
    files = ", ".join(original.checksums)
    return (
        f"{original.name} needs its original files: no {name} in {looked}, and {reason}. Put {files} into "
        f"{search_path[0] / original.name}, or pass their folder as --data-dir or {VARIABLE}. [data-missing]"
    )
