"""Open an ONNX file: what it must be before anything is read from it."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import BadFile, missing_library
from ...files.regular import open_regular

if TYPE_CHECKING:
    from onnx import ModelProto

LARGEST_STRUCTURE = 64 << 20
"""Bytes of a file's structure, the data of its large tensors left out: a graph of 10,000 nodes has about 2 MiB."""

MOST_NODES = 200_000
"""Nodes of a graph, its inner graphs and functions included each time they are used."""

FIRST_OPSET = 9


@dataclass(frozen=True)
class OnnxFile:
    """A model's structure, where it came from, and the version of each operator set it uses."""

    path: Path
    model: ModelProto
    opsets: dict[str, int]


def read_structure(path: Path) -> OnnxFile:
    """Read a model without its weights.

    Errors:   MissingExtra [missing-onnx]; BadFile [file-missing], [file-kind], [onnx-damaged], [onnx-none],
              [onnx-size], [onnx-opset]
    """
    require_onnx()
    structure = _without_weights(path)
    if len(structure) > LARGEST_STRUCTURE:
        raise refused(
            path,
            f"hold at most {LARGEST_STRUCTURE >> 20} MiB beside its tensors",
            f"{len(structure):,} bytes",
            "store weights as initializers",
            "onnx-size",
        )
    model = _parsed(path, structure)
    if not model.graph.output or not model.opset_import:
        raise refused(
            path,
            "be an ONNX model",
            "no graph with outputs, or no operator set, in it",
            "name a model that onnx.checker accepts",
            "onnx-none",
        )
    return OnnxFile(path, model, _opsets(path, model))


def require_onnx() -> None:
    """Import the `onnx` package, or say how to get it.

    Errors:   MissingExtra [missing-onnx]
    """
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise missing_library("ONNX models need the onnx package", "onnx", "missing-onnx") from None


def refused(path: Path, rule: str, got: str, way_out: str, code: str) -> BadFile:
    """Make the error for a file that breaks a rule."""
    return BadFile(f"{str(path)!r} must {rule}; got {got}; {way_out}. [{code}]")


def _without_weights(path: Path) -> bytes:
    from .wire import Damaged, structure

    try:
        if path.is_dir():
            raise refused(path, "be a file", "a folder", "name the .onnx file in it", "file-kind")
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise refused(path, "be an ONNX model", "an empty file", "save it again", "onnx-none")
            # Closed when nothing refers to it any more: an error's traceback may still do.
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            begins = bytes(data[:1])
            return structure(data)
    except (OSError, ValueError) as error:
        if isinstance(error, BadFile):
            raise
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise refused(path, "be readable", reason, "check the path", "file-missing") from None
    except Damaged as error:
        raise _not_read(path, begins, error) from None


def _parsed(path: Path, structure: bytes) -> ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model: ModelProto = ModelProto.FromString(structure)
        return model
    except (DecodeError, RecursionError) as error:
        raise _not_read(path, structure[:1], error) from None


def _not_read(path: Path, begins: bytes, error: Any) -> BadFile:
    """Tell a damaged model from a file of another kind: a model begins with its version, field 1."""
    if begins == b"\x08":
        return refused(
            path, "be whole", f"a damaged ONNX file ({error})", "copy or download it again", "onnx-damaged"
        )
    return refused(path, "be an ONNX model", "a file of another kind", "name a .onnx file", "onnx-none")


def _opsets(path: Path, model: ModelProto) -> dict[str, int]:
    from onnx.defs import onnx_opset_version

    versions = {domain_of(item.domain): item.version for item in model.opset_import}
    version, newest = versions.get("", 0), onnx_opset_version()
    if not FIRST_OPSET <= version <= newest:
        way_out = (
            "convert it with onnx.version_converter" if version < FIRST_OPSET else "install a newer onnx package"
        )
        got = f"opset {version}" if "" in versions else "none of ONNX's own operator set"
        raise refused(path, f"use operator set {FIRST_OPSET} to {newest}", got, way_out, "onnx-opset")
    return versions


def domain_of(domain: str) -> str:
    """Return the domain's one name: ai.onnx is the empty one."""
    return "" if domain == "ai.onnx" else domain


def check_text(path: Path, *names: object) -> None:
    """Refuse names that are no text: the reader hands those over as bytes.

    Errors:   BadFile [onnx-damaged]
    """
    for name in names:
        if not isinstance(name, str):
            got = f"the bytes {name!r}"
            raise refused(path, "have names in UTF-8", got, "copy or download it again", "onnx-damaged")
