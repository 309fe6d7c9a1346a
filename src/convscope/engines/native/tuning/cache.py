"""Tuning results, cached on disk next to the compiled code.

Written only by `convscope tune`, so that a network computes the same bits in every run until it is tuned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from ..codegen.compiler import generator_hash
from ..codegen.object_cache import CacheFolder, object_folder
from ..codegen.target import host_cpu
from ..kernels.common.shapes import ConvolutionShape

MAX_BYTES = 16 << 20
"""Limit of all tuning results on disk."""

_forced_tile: ContextVar[int | None] = ContextVar("forced tile", default=None)


def measured_tile(shape: ConvolutionShape, batch_hint: int, purpose: str) -> int | None:
    """Return the tile that was measured to be the fastest, or None if the convolution was not tuned."""
    forced = _forced_tile.get()
    return _read(_name(shape, batch_hint, purpose)) if forced is None else forced


def keep(shape: ConvolutionShape, batch_hint: int, purpose: str, seconds: Mapping[int, float]) -> int:
    """Store the fastest tile, given the seconds of each, and return it."""
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
    folder.trim(MAX_BYTES, ".json")
    _read.cache_clear()
    return fastest


@contextmanager
def trying(tile: int) -> Iterator[None]:
    """Use a tile in every plan made in this context, to measure it."""
    token = _forced_tile.set(tile)
    try:
        yield
    finally:
        _forced_tile.reset(token)


def _name(shape: ConvolutionShape, batch_hint: int, purpose: str) -> str:
    text = f"{host_cpu().key}|{generator_hash()}|{shape!r}|{batch_hint}|{purpose}"
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


def _folder() -> CacheFolder | None:
    objects = object_folder()
    return None if objects is None else CacheFolder(objects.parent / "choices")


@lru_cache(maxsize=4096)
def _read(name: str) -> int | None:
    """Return a stored tile; None if there is none, or if the file is damaged."""
    folder = _folder()
    content = None if folder is None else folder.read(name)
    if content is None:
        return None
    try:
        tile = json.loads(content)["tile"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return tile if tile in (0, 2, 4) else None
