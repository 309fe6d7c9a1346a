"""Choices of an algorithm that were measured on this machine, kept on disk beside the compiled code.

They are made when a user asks for them (`convscope bench --tune MODEL`), never by the way: so the same network
computes the same bits from run to run, until somebody tunes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

from ..codegen.compiler import generator_hash
from ..codegen.object_cache import CacheFolder, cache_folder
from ..codegen.target import host_cpu
from ..kernels.common.shapes import ConvolutionShape

MOST_BYTES = 16 << 20
"""What all measured choices may take on disk."""

_TRIED: list[int] = []


def measured_tile(shape: ConvolutionShape, batch_hint: int, purpose: str) -> int | None:
    """Return the tile that was measured to be the fastest, or None where nobody measured."""
    return _TRIED[-1] if _TRIED else _read(_name(shape, batch_hint, purpose))


def keep(shape: ConvolutionShape, batch_hint: int, purpose: str, seconds: Mapping[int, float]) -> int:
    """Keep the fastest of several tiles, by their seconds, and return it."""
    fastest = min(seconds, key=lambda tile: seconds[tile])
    folder = _folder()
    if folder is None:
        return fastest
    document = {
        "shape": repr(shape),
        "batch": batch_hint,
        "purpose": purpose,
        "tile": fastest,
        "seconds": {str(tile): time for tile, time in seconds.items()},
    }
    folder.write(_name(shape, batch_hint, purpose), json.dumps(document, indent=1).encode())
    folder.trim(MOST_BYTES, ".json")
    _read.cache_clear()
    return fastest


@contextmanager
def trying(tile: int) -> Iterator[None]:
    """Let every plan that is made meanwhile use a tile, to measure it."""
    _TRIED.append(tile)
    try:
        yield
    finally:
        _TRIED.pop()


def _name(shape: ConvolutionShape, batch_hint: int, purpose: str) -> str:
    text = f"{host_cpu().key}|{generator_hash()}|{shape!r}|{batch_hint}|{purpose}"
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


def _folder() -> CacheFolder | None:
    objects = cache_folder()
    return None if objects is None else CacheFolder(objects.parent / "choices")


@lru_cache(maxsize=4096)
def _read(name: str) -> int | None:
    """Return a kept choice; a file that is damaged counts as none."""
    folder = _folder()
    content = None if folder is None else folder.read(name)
    if content is None:
        return None
    try:
        tile = json.loads(content)["tile"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return tile if tile in (0, 2, 4) else None
