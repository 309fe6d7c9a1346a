"""Find the files of a published dataset, or download them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from ..errors import BadFile, MissingExtra
from ..files.cache import cache_folder
from ..text.language import Message
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
            "There is no folder for datasets (the home directory is unknown). Pass --data-dir or set {variable}. "
            "[data-missing]",
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
        raise MissingExtra(
            "{dataset} needs its original files (no {name} in {folders}). Run `pip install pooch` to download "
            "them, put {files} into {target}, or pass their folder as --data-dir or {variable}. [data-missing]",
            **_search(original, name, search_path),
        ) from None
    folder = search_path[0] / original.name
    was_there = os.path.exists(folder)
    failures: list[Message] = []
    for mirror in original.mirrors:
        try:
            path = pooch.retrieve(mirror + name, original.checksums[name], fname=name, path=folder)
        except (OSError, ValueError) as error:  # no network, a server error, or another checksum
            failures.append(Message("{mirror} ({reason})", mirror=mirror, reason=_reason(error)))
        else:
            return Path(path)
    if not was_there and os.path.isdir(folder) and not any(folder.iterdir()):
        folder.rmdir()
    raise BadFile(
        "{dataset} needs its original files (no {name} in {folders}), and downloading failed from {failures}. "
        "Put {files} into {target}, or pass their folder as --data-dir or {variable}. [data-missing]",
        **_search(original, name, search_path),
        failures=reduce(lambda one, two: Message("{one}, {two}", one=one, two=two), failures),
    )


def _reason(error: Exception) -> Message:
    """Return a short reason why a mirror failed. The libraries' own messages take many lines."""
    if "hash" in str(error).lower():
        return Message("wrong checksum")
    response = getattr(error, "response", None)
    if response is not None:
        return Message("HTTP status {status}", status=response.status_code)
    if isinstance(error, PermissionError):
        return Message("{path} cannot be written", path=error.filename)
    return Message("no connection")


def _search(original: PublishedDataset, name: str, search_path: Sequence[Path]) -> dict[str, str]:
    """Return the values of a message about a missing file."""
    return {
        "dataset": original.name,
        "name": name,
        "folders": ", ".join(str(folder) for folder in search_path),
        "files": ", ".join(original.checksums),
        "target": str(search_path[0] / original.name),
        "variable": VARIABLE,
    }
