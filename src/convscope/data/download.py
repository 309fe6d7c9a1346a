"""Find the files of a published data set: in the user's folders, else fetched once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadFile, MissingExtra, pip_install
from ..files.cache import cache_folder
from .datasets import PublishedDataset

VARIABLE = "CONVSCOPE_DATA"
"""The environment variable that names a folder of data sets."""


def find_files(original: PublishedDataset, part: str, data_dir: Path | None) -> dict[str, Path]:
    """Return where each file of the part "train" or "test" lies; missing ones are fetched.

    Looked through in turn: `data_dir`, the folder named by CONVSCOPE_DATA, the cache; each itself and its
    sub-folder named as the set. Fetched files are kept in the first of these that is given.
    """
    places = _places(data_dir)
    names = original.files(part)
    folders = [folder for place in places for folder in (place, place / original.name)]
    found = {name: path for name in names if (path := _lying(original, name, folders)) is not None}
    for name in names:
        if name not in found:
            found[name] = _fetched(original, name, places)
    return found


def _places(data_dir: Path | None) -> list[Path]:
    named = os.environ.get(VARIABLE)
    given = [data_dir] if data_dir is not None else []
    cache = cache_folder()
    if named:
        given.append(Path(named))
    return [*given, *([cache] if cache is not None else [])]


def _lying(original: PublishedDataset, name: str, folders: Sequence[Path]) -> Path | None:
    candidates = (name, *original.stand_ins[name])
    places = (folder / file for folder in folders for file in candidates)
    return next((place for place in places if os.path.exists(place)), None)  # False of a name no file can have


def _fetched(original: PublishedDataset, name: str, places: Sequence[Path]) -> Path:
    try:
        import pooch
    except ImportError:
        message = _missing(original, name, places, f"to fetch it, {pip_install('pooch')}")
        raise MissingExtra(message) from None
    folder = places[0] / original.name
    was_there = os.path.exists(folder)
    failures = []
    for mirror in original.mirrors:
        try:
            path = pooch.retrieve(mirror + name, original.checksums[name], fname=name, path=folder)
        except (OSError, ValueError) as error:  # no network, an error of the server, another checksum
            failures.append(f"{mirror} ({_reason(error)})")
        else:
            return Path(path)
    if not was_there and os.path.isdir(folder) and not any(folder.iterdir()):
        folder.rmdir()
    raise BadFile(_missing(original, name, places, f"fetching failed from {', '.join(failures)}"))


def _reason(error: Exception) -> str:
    """Say in a few words why a mirror failed; the libraries' own messages run over many lines."""
    if "hash" in str(error).lower():
        return "its checksum is another"
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answers {response.status_code}"
    if isinstance(error, PermissionError):
        return f"{error.filename} cannot be written"
    return "no connection"


def _missing(original: PublishedDataset, name: str, places: Sequence[Path], why: str) -> str:
    looked = ", ".join(str(place) for place in places)
    files = ", ".join(original.checksums)
    return (
        f"{original.name} must have its original files; got no {name} in {looked}, and {why}; put {files} into "
        f"{places[0] / original.name}, or name their folder by --data-dir or {VARIABLE}. [data-missing]"
    )
