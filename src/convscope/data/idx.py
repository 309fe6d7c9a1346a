"""The IDX files of MNIST and its kin: a short header, then bytes."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import BadFile
from ..files.regular import open_regular
from ..layers.base import show_shape
from .unpacking import refuse_bomb

LARGEST_BYTES = 1 << 31
"""No set in this format comes near it: a header that says more is damaged."""

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes, compressed by gzip or not.

    Shapes:   axes=3 → (n, h, w); axes=1 → (n,)
    Errors:   BadFile [idx-header], [idx-size], [file-damaged], [unpacked-size]
    """
    try:
        with open_regular(path) as stored, gzip.open(stored) if path.suffix == ".gz" else stored as file:
            zeros, kind, rank = struct.unpack(">HBB", _exactly(file.read(4), 4))
            if zeros or kind != _UNSIGNED_BYTE or rank != axes:
                raise BadFile(
                    f"{str(path)!r} must be an IDX file of bytes with {axes} axes; got another header; "
                    "put the original file there. [idx-header]"
                )
            shape = struct.unpack(f">{axes}I", _exactly(file.read(4 * axes), 4 * axes))
            size = prod(shape)
            if path.suffix == ".gz":
                packed = path.stat().st_size
                refuse_bomb(repr(str(path)), packed, min(size, LARGEST_BYTES), "put the original file there")
            # One byte more than wanted shows a file that goes on, and no more is ever read.
            content = file.read(min(size, LARGEST_BYTES) + 1)
    except (EOFError, OSError, zlib.error, struct.error) as error:
        reason = str(error) or type(error).__name__
        raise BadFile(
            f"{str(path)!r} must be a whole IDX file; got a damaged or truncated one ({reason}); "
            "fetch it again. [file-damaged]"
        ) from None
    if len(content) != size:
        got = f"only {len(content):,}" if len(content) < size else "more"
        raise BadFile(
            f"{str(path)!r} must hold {size:,} bytes for {show_shape(shape)}; got {got}; "
            "fetch it again. [idx-size]"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _exactly(data: bytes, count: int) -> bytes:
    if len(data) < count:
        raise EOFError(f"the header ends after {len(data)} bytes")
    return data


def read_images(paths: Mapping[str, Path], part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images (n, 1, h, w) and labels (n,) of the part "train" or "test", files given by their names."""
    prefix = "train" if part == "train" else "t10k"
    images = read_idx(paths[f"{prefix}-images-idx3-ubyte.gz"], 3)
    return images[:, None], read_idx(paths[f"{prefix}-labels-idx1-ubyte.gz"], 1)
