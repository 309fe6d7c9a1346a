"""Arrays and what describes them in one .safetensors file, with a checksum over both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..engines.engine import Array
from ..errors import BadFile
from ..layers.base import show_shape
from ..layers.connection import Shape
from .atomic import write_durably

FORMAT = "convscope 1"
"""The value of "format" in the metadata of files written here."""

FILES_OF_A_FOLDER = ("model.safetensors", "best.safetensors", "last.safetensors", "previous.safetensors")
"""Where a folder has its arrays: a saved model's, or a run's best, last and the one before."""


class ModelFile(NamedTuple):
    """What a file holds; `metadata` is empty for a file written by another program."""

    arrays: dict[str, Array]
    metadata: dict[str, Any]


def write_model_file(
    path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, Any], keep_as: Path | None = None
) -> None:
    """Write arrays and metadata (anything JSON can say), durably.

    Errors:   BadFile [write-failed]
    """
    from safetensors.numpy import save

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    words = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
    described = {"format": FORMAT, "convscope": words, "checksum": _checksum(whole, words)}
    write_durably(path, save(whole, described), keep_as)


def read_model_file(path: Path) -> ModelFile:
    """Read a .safetensors file; one written here is checked against its checksum.

    Errors:   BadFile [file-missing], [file-damaged]
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadFile(
            f"{str(path)!r} must be a .safetensors file; got no such file; check the path. [file-missing]"
        )
    try:
        with safe_open(path, framework="np") as file:
            described = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise _damaged(path, str(error).splitlines()[0]) from None
    if described.get("format") != FORMAT:
        return ModelFile(arrays, {})
    words = described.get("convscope", "")
    if _checksum(arrays, words) != described.get("checksum"):
        raise _damaged(path, "its checksum does not fit its contents")
    return ModelFile(arrays, json.loads(words))


def differences(expected: Mapping[str, Shape], got: Mapping[str, Array], most: int = 12) -> list[str]:
    """Say line by line how arrays differ from the names and shapes a network has; empty where they fit."""
    lines = [f"{name}: missing, {show_shape(shape)} here" for name, shape in expected.items() if name not in got]
    lines += [
        f"{name}: {show_shape(got[name].shape)}, {show_shape(shape)} here"
        for name, shape in expected.items()
        if name in got and got[name].shape != shape
    ]
    lines += [f"{name}: {show_shape(a.shape)}, not known here" for name, a in got.items() if name not in expected]
    return lines if len(lines) <= most else [*lines[:most], f"… and {len(lines) - most} more"]


def _checksum(arrays: Mapping[str, Array], words: str) -> str:
    digest = hashlib.sha256(words.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _damaged(path: Path, reason: str) -> BadFile:
    return BadFile(
        f"{str(path)!r} must be a whole .safetensors file; got a damaged one ({reason}); "
        "use another copy of it. [file-damaged]"
    )
