"""How much a packed file may unpack to, decided before anything is."""

from __future__ import annotations

from ..errors import BadFile

FREE_BYTES = 1 << 28
"""So much may come out of a file however small it is."""

LARGEST_RATIO = 250
"""Above that, so many bytes may come out of one: images never pack so well, and what fills memory does."""


def refuse_bomb(name: str, packed: int, unpacked: int, way_out: str) -> None:
    """Raise BadFile [unpacked-size] for a file that would fill memory with what hardly holds anything."""
    if unpacked > FREE_BYTES and unpacked > LARGEST_RATIO * packed:
        raise BadFile(
            f"{name} must unpack to at most {LARGEST_RATIO} times its size, or {FREE_BYTES >> 20} MiB; got "
            f"{packed:,} bytes for {unpacked:,}; {way_out}. [unpacked-size]"
        )
