"""Read an ONNX file: its structure without the weights, and its tensors on demand."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import BadFile, missing_library
from ...files.regular import open_regular
from ...layers.base import show_shape
from ...settings import LARGEST
from .values import REAL, Array, Constant

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

MIN_SKIPPED_BYTES = 1024
"""Bytes of a tensor's data that are left in the file; smaller tensors are shapes and the like, and are read."""

MAX_MESSAGE_DEPTH = 64
"""Messages inside messages that are walked; protocol buffers' own reader stops at 100."""

SAME_FILE = ""
"""The location of data that lies in the model's own file."""

Bytes = memoryview


class Damaged(Exception):
    """What is no protocol buffer, or only the beginning of one."""


_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Which fields of a message are messages with tensors in them; the numbers are those of onnx.proto."""

_HOLDERS = frozenset({4, 9, 10})
"""A tensor's fields of data: float_data, raw_data, double_data, little-endian in all."""

Field = tuple[int, int, int, int, int]
"""One field: its number, wire type, where it starts, where its content starts and where it ends."""


def structure(data: Bytes) -> bytes:
    """Return the model's message with the data of large tensors left in the file.

    Errors:   Damaged for what is no protocol buffer, or ends early
    """
    return bytes(_without_data(data, 0, len(data), "model", 0))


def _without_data(data: Bytes, start: int, end: int, kind: str, depth: int) -> bytes | Bytes:
    """Return a message, shorter where there was something to leave out."""
    if depth > MAX_MESSAGE_DEPTH:
        raise Damaged(f"messages inside messages deeper than {MAX_MESSAGE_DEPTH}")
    inside = _INSIDE[kind]
    pieces: list[bytes | Bytes] = []
    kept = start
    for number, wire_type, begin, content, stop in _fields(data, start, end):
        if stop - content < MIN_SKIPPED_BYTES or number not in inside or wire_type != _LENGTH:
            continue
        inner = inside[number]
        if inner == "tensor":
            shorter = _tensor(data, content, stop)
        else:
            shorter = _without_data(data, content, stop, inner, depth + 1)
        size = len(shorter)
        if size < stop - content:
            pieces += (data[kept:begin], _varint(number << 3 | _LENGTH), _varint(size), shorter)
            kept = stop
    return b"".join((*pieces, data[kept:end])) if pieces else data[start:end]


def _tensor(data: Bytes, start: int, end: int) -> bytes | Bytes:
    found = _usual_data(data, start, end) or _only_data(data, start, end)
    if found is None:
        return data[start:end]
    begin, content, stop = found
    offset, length = b"%d" % content, b"%d" % (stop - content)
    place = (_OFFSET[len(offset)], offset, _SIZE[len(length)], length, _IS_EXTERNAL)
    return b"".join((data[start:begin], data[stop:end], *place))


_BEFORE_DATA = re.compile(rb"(?:\x08[\x80-\xff]{0,9}[\x00-\x7f]){0,8}\x10[\x00-\x7f]\x42([\x00-\x7f])").match
"""dims and data_type, whole, and the length of the name."""

_RAW_DATA = 9 << 3 | _LENGTH


def _usual_data(data: Bytes, start: int, end: int) -> tuple[int, int, int] | None:
    """Return where a tensor's data lies where the fields are those that exporters write: name, then raw_data."""
    begins = _BEFORE_DATA(data, start, end)
    if begins is None:
        return None
    begin = begins.end() + ord(begins[1])
    if begin + 1 >= end or data[begin] != _RAW_DATA:
        return None
    length, content = _read_varint(data, begin + 1, end)
    return (begin, content, end) if content + length == end and length >= MIN_SKIPPED_BYTES else None


def _only_data(data: Bytes, start: int, end: int) -> tuple[int, int, int] | None:
    """Return where a tensor's data lies, by a walk over its fields; None for none, several, and little of it."""
    held = [field for field in _fields(data, start, end) if field[0] in _HOLDERS]
    if len(held) != 1:
        return None
    ((_, wire_type, begin, content, stop),) = held
    return (begin, content, stop) if wire_type == _LENGTH and stop - content >= MIN_SKIPPED_BYTES else None


_IS_EXTERNAL = bytes([14 << 3 | _VARINT, 1])
"""data_location: EXTERNAL."""


def _entries(key: bytes) -> list[bytes]:
    """Return how an entry of external_data begins, up to its value, for values of 0, 1, … digits."""
    named = bytes([1 << 3 | _LENGTH, len(key)]) + key
    return [
        bytes([13 << 3 | _LENGTH, len(named) + 2 + digits]) + named + bytes([2 << 3 | _LENGTH, digits])
        for digits in range(20)
    ]


_OFFSET, _SIZE = _entries(b"offset"), _entries(b"length")


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _fields(data: Bytes, position: int, end: int) -> Iterator[Field]:
    """Walk a message's fields. A model has thousands: numbers of one and two bytes are read in place."""
    whole = len(data) - 2
    while position < end:
        start = position
        tag = data[position]
        position += 1
        if tag > 0x7F:
            tag, position = _read_varint(data, start, end)
        kind = tag & 7
        if kind == _LENGTH:
            length = data[position] if position < end else 0x80
            if length < 0x80:
                position += 1
            elif position <= whole and (more := data[position + 1]) < 0x80:
                length += (more << 7) - 0x80
                position += 2
            else:
                length, position = _read_varint(data, position, end)
            content = position
            position += length
        elif kind == _VARINT:
            content = position
            _, position = _read_varint(data, position, end)
        elif kind in (_FIXED32, _FIXED64):
            content = position
            position += 4 if kind == _FIXED32 else 8
        else:
            raise Damaged(f"wire type {kind} at byte {start:,}")
        if tag < 8:
            raise Damaged(f"field number 0 at byte {start:,}")
        if position > end:
            raise Damaged(f"it ends {position - end:,} bytes early, in a field that starts at byte {start:,}")
        yield tag >> 3, kind, start, content, position


def _read_varint(data: Bytes, position: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if position >= end:
            raise Damaged(f"it ends early, in a number at byte {position:,}")
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
        if shift > 63:
            raise Damaged(f"a number of more than 64 bits at byte {position:,}")


MAX_STRUCTURE_BYTES = 64 << 20
"""Bytes of a file's structure, the data of its large tensors left out: a graph of 10,000 nodes has about 2 MiB."""

MAX_NODES = 200_000
"""Nodes of a graph, its inner graphs and functions included each time they are used."""

MIN_OPSET = 9


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
    if len(structure) > MAX_STRUCTURE_BYTES:
        raise bad_file(
            path,
            f"hold at most {MAX_STRUCTURE_BYTES >> 20} MiB beside its tensors",
            f"{len(structure):,} bytes",
            "store weights as initializers",
            "onnx-size",
        )
    model = _parsed(path, structure)
    if not model.graph.output or not model.opset_import:
        raise bad_file(
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


def bad_file(path: Path, rule: str, got: str, way_out: str, code: str) -> BadFile:
    """Make the error for a file that breaks a rule."""
    return BadFile(f"{str(path)!r} must {rule}; got {got}; {way_out}. [{code}]")


def _without_weights(path: Path) -> bytes:

    try:
        if path.is_dir():
            raise bad_file(path, "be a file", "a folder", "name the .onnx file in it", "file-kind")
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise bad_file(path, "be an ONNX model", "an empty file", "save it again", "onnx-none")
            # Closed when nothing refers to it any more: an error's traceback may still do.
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            begins = bytes(data[:1])
            return structure(data)
    except (OSError, ValueError) as error:
        if isinstance(error, BadFile):
            raise
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise bad_file(path, "be readable", reason, "check the path", "file-missing") from None
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
        return bad_file(
            path, "be whole", f"a damaged ONNX file ({error})", "copy or download it again", "onnx-damaged"
        )
    return bad_file(path, "be an ONNX model", "a file of another kind", "name a .onnx file", "onnx-none")


def _opsets(path: Path, model: ModelProto) -> dict[str, int]:
    from onnx.defs import onnx_opset_version

    versions = {domain_of(item.domain): item.version for item in model.opset_import}
    version, newest = versions.get("", 0), onnx_opset_version()
    if not MIN_OPSET <= version <= newest:
        way_out = (
            "convert it with onnx.version_converter" if version < MIN_OPSET else "install a newer onnx package"
        )
        got = f"opset {version}" if "" in versions else "none of ONNX's own operator set"
        raise bad_file(path, f"use operator set {MIN_OPSET} to {newest}", got, way_out, "onnx-opset")
    return versions


def domain_of(domain: str) -> str:
    """Return the domain's one name: ai.onnx is the empty one."""
    return "" if domain == "ai.onnx" else domain


def check_names(path: Path, *names: object) -> None:
    """Refuse names that are no text: the reader hands those over as bytes.

    Errors:   BadFile [onnx-damaged]
    """
    for name in names:
        if not isinstance(name, str):
            got = f"the bytes {name!r}"
            raise bad_file(path, "have names in UTF-8", got, "copy or download it again", "onnx-damaged")


def tensor_constant(tensor: TensorProto, path: Path, learned: bool, key: str | None = None) -> Constant:
    """Return a tensor of the model at `path`; nothing is read yet. Of `learned` ones, real numbers are weights.

    Errors:   BadFile [onnx-tensor] for a shape or type that no tensor has
    """
    shape = tuple(tensor.dims[:])
    size, dtype = prod(shape), tensor.data_type
    if (shape and min(shape) < 0) or size > LARGEST or len(shape) > 64:
        name = tensor.name or "without a name"
        raise _bad_tensor(path, name, f"have at most {LARGEST:,} elements", f"shape {show_shape(shape)}")
    weights = size if learned and dtype in REAL else 0
    return Constant(shape, dtype, partial(_numbers, tensor, path, shape), key, weights)


def _numbers(tensor: TensorProto, path: Path, shape: tuple[int, ...]) -> Array:
    """Return a tensor's numbers.

    Errors:   BadFile [onnx-tensor], [onnx-external]
    """
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        whole = TensorProto(data_type=tensor.data_type, dims=shape, raw_data=_external(tensor, path))
    else:
        whole = tensor
    try:
        array: Array = numpy_helper.to_array(whole)
        if array.shape != shape:
            raise ValueError(f"shape {array.shape}")
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        text = str(error).partition("\n")[0]
        raise _bad_tensor(path, tensor.name, f"hold the numbers of shape {show_shape(shape)}", text) from None
    return array


def _external(tensor: TensorProto, path: Path) -> bytes:
    """Return the bytes that lie in another file, or were left in this one."""
    place = {entry.key: entry.value for entry in tensor.external_data}
    file = _external_file(place.get("location", SAME_FILE), tensor.name, path)
    try:
        offset, length = int(place.get("offset", 0)), int(place.get("length", -1))
        if offset < 0:
            raise ValueError(f"offset {offset}")
        whole = _nbytes(tensor)
        if length > whole:
            raise ValueError(f"{length:,} bytes, where {whole:,} are enough")
        with open_regular(file) as opened:
            if length > opened.seek(0, 2) - offset:
                raise ValueError(
                    f"only {max(opened.tell() - offset, 0):,} bytes at offset {offset:,} of {file.name}"
                )
            opened.seek(offset)
            return opened.read(length if length >= 0 else whole)
    except OSError as error:
        raise bad_file(
            path,
            f"have the data of tensor {tensor.name!r} beside it",
            f"{str(file)!r}: {(error.strerror or type(error).__name__).lower()}",
            "copy that file into the model's folder too",
            "onnx-external",
        ) from None
    except ValueError as error:
        raise _bad_tensor(path, tensor.name, "have its data where it says", str(error)) from None


def _external_file(location: str, tensor: str, path: Path) -> Path:
    """Return the file with a tensor's data; it must lie in the model's folder."""
    if location == SAME_FILE:
        return path
    folder = path.parent.resolve()
    file = Path(location)
    if "\0" in location or not (folder / file).resolve().is_relative_to(folder):
        raise bad_file(
            path,
            f"keep the data of tensor {tensor!r} in its own folder",
            f"location={location!r}",
            "do not use this file unless you trust it",
            "onnx-external",
        )
    return folder / file


def _nbytes(tensor: TensorProto) -> int:
    from onnx.helper import tensor_dtype_to_np_dtype

    itemsize = np.dtype(tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    return int(prod(tensor.dims) * itemsize)


def _bad_tensor(path: Path, name: str, rule: str, got: Any) -> BadFile:
    return BadFile(
        f"tensor {name!r} of {str(path)!r} must {rule}; got {got}; "
        "export or download the model again. [onnx-tensor]"
    )
