"""Read an ONNX file: its structure first, its tensors on demand.

Most of a file is weights. `read_structure` walks the protocol buffer's fields by their lengths and skips the data
of every large tensor. A skipped tensor records where its data is by ONNX's own external-data entries, which then
point into the same file. The rest is small and parsed by `onnx`.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import BadFile, missing_library, reason_of
from ...files.regular import open_regular
from ...layers.base import show_shape
from ...settings import LARGEST
from ...text.language import Message
from .values import REAL, Array, Constant

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

MAX_STRUCTURE_BYTES = 64 << 20
"""Size of a file without the data of its large tensors; a graph of 10,000 nodes has about 2 MiB."""

MAX_NODES = 200_000
"""Nodes of a graph, with subgraphs, and with functions counted at each use."""

MIN_OPSET = 9


@dataclass(frozen=True)
class OnnxFile:
    """A model's structure, its path, and the version of each operator set it uses."""

    path: Path
    model: ModelProto
    opsets: dict[str, int]


def read_structure(path: Path) -> OnnxFile:
    """Read a model without its weights.

    Errors:   MissingExtra [missing-onnx]; BadFile [file-missing], [file-kind], [onnx-damaged], [onnx-none],
              [onnx-size], [onnx-opset]
    """
    require_onnx()
    content = _read_without_weights(path)
    if len(content) > MAX_STRUCTURE_BYTES:
        raise BadFile(
            "{path!r} must contain at most {limit} MiB besides its tensors (got {size:,} bytes). Store weights as "
            "initializers. [onnx-size]",
            path=str(path),
            limit=MAX_STRUCTURE_BYTES >> 20,
            size=len(content),
        )
    model = _parse(path, content)
    if not model.graph.output or not model.opset_import:
        raise BadFile(
            "{path!r} is not an ONNX model (got no graph with outputs, or no operator set). Pass a model that "
            "onnx.checker accepts. [onnx-none]",
            path=str(path),
        )
    return OnnxFile(path, model, _opsets(path, model))


def require_onnx() -> None:
    """Import the `onnx` package.

    Errors:   MissingExtra [missing-onnx]
    """
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise missing_library(Message("ONNX models need the onnx package"), "onnx", "missing-onnx") from None


def _read_without_weights(path: Path) -> bytes:
    first_byte = b""
    try:
        if path.is_dir():
            raise BadFile(
                "{path!r} is not a file (got a folder). Pass the .onnx file in it. [file-kind]", path=str(path)
            )
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise BadFile(
                    "{path!r} is not an ONNX model (got an empty file). Save it again. [onnx-none]", path=str(path)
                )
            # Not closed here: the traceback of an error may still refer to it.
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            first_byte = bytes(data[:1])
            return structure(data)
    except (OSError, ValueError) as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(
            "{path!r} cannot be read (got {reason}). Check the path. [file-missing]",
            path=str(path),
            reason=str(getattr(error, "strerror", None) or error).lower(),
        ) from None
    except DamagedMessage as error:
        raise _unreadable(path, first_byte, error) from None


def _parse(path: Path, content: bytes) -> ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model: ModelProto = ModelProto.FromString(content)
        return model
    except (DecodeError, RecursionError) as error:
        raise _unreadable(path, content[:1], error) from None


def _unreadable(path: Path, first_byte: bytes, error: Exception) -> BadFile:
    # A model starts with its version, field 1: what does not is a file of another kind, not a damaged model.
    if first_byte == b"\x08":
        return BadFile(
            "{path!r} is damaged (got {reason}). Copy or download it again. [onnx-damaged]",
            path=str(path),
            reason=reason_of(error),
        )
    return BadFile(
        "{path!r} is not an ONNX model (got a file of another kind). Pass a .onnx file. [onnx-none]",
        path=str(path),
    )


def _opsets(path: Path, model: ModelProto) -> dict[str, int]:
    from onnx.defs import onnx_opset_version

    versions = {domain_of(item.domain): item.version for item in model.opset_import}
    version, newest = versions.get("", 0), onnx_opset_version()
    if not MIN_OPSET <= version <= newest:
        hint = Message("Install a newer onnx package.")
        if version < MIN_OPSET:
            hint = Message("Convert it with onnx.version_converter.")
        raise BadFile(
            "{path!r} must use operator set {oldest} to {newest} (got {got}). {hint} [onnx-opset]",
            path=str(path),
            oldest=MIN_OPSET,
            newest=newest,
            got=str(version) if "" in versions else Message("none of the ai.onnx domain"),
            hint=hint,
        )
    return versions


def domain_of(domain: str) -> str:
    """Return a domain's canonical name: ai.onnx is the empty one."""
    return "" if domain == "ai.onnx" else domain


def check_names(path: Path, *names: object) -> None:
    """Refuse names that are not UTF-8, which protobuf returns as bytes.

    Errors:   BadFile [onnx-damaged]
    """
    for name in names:
        if not isinstance(name, str):
            raise BadFile(
                "{path!r} must have names in UTF-8 (got the bytes {name!r}). Copy or download it again. "
                "[onnx-damaged]",
                path=str(path),
                name=name,
            )


# Protocol buffer fields

MIN_SKIPPED_BYTES = 1024
"""Data of smaller tensors is read with the structure: those are shapes and the like."""

MAX_MESSAGE_DEPTH = 64
"""Nesting of messages that is followed; protobuf's own parser stops at 100."""

SAME_FILE = ""
"""External-data location of tensors whose data is in the model's own file."""

Bytes = memoryview


class DamagedMessage(Exception):
    """Bytes that are not a protocol buffer, or end too early."""


_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

_NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Fields of a message that may contain tensors, by their numbers in onnx.proto."""

_DATA_FIELDS = frozenset({4, 9, 10})
"""A tensor's float_data, raw_data and double_data; all are little-endian."""

Field = tuple[int, int, int, int, int]
"""A field's number, wire type, start, start of its content, and end."""


def structure(data: Bytes) -> bytes:
    """Return a model's message without the data of its large tensors.

    Errors:   DamagedMessage
    """
    return bytes(_without_data(data, 0, len(data), "model", 0))


def _without_data(data: Bytes, start: int, end: int, kind: str, depth: int) -> bytes | Bytes:
    if depth > MAX_MESSAGE_DEPTH:
        raise DamagedMessage(Message("messages nested deeper than {limit}", limit=MAX_MESSAGE_DEPTH))
    nested = _NESTED[kind]
    pieces: list[bytes | Bytes] = []
    copied = start
    for number, wire_type, begin, content, stop in _fields(data, start, end):
        if stop - content < MIN_SKIPPED_BYTES or number not in nested or wire_type != _LENGTH:
            continue
        inner = nested[number]
        if inner == "tensor":
            shorter = _tensor_without_data(data, content, stop)
        else:
            shorter = _without_data(data, content, stop, inner, depth + 1)
        size = len(shorter)
        if size < stop - content:
            pieces += (data[copied:begin], _varint(number << 3 | _LENGTH), _varint(size), shorter)
            copied = stop
    return b"".join((*pieces, data[copied:end])) if pieces else data[start:end]


def _tensor_without_data(data: Bytes, start: int, end: int) -> bytes | Bytes:
    found = _find_trailing_data(data, start, end) or _find_only_data(data, start, end)
    if found is None:
        return data[start:end]
    begin, content, stop = found
    offset, length = b"%d" % content, b"%d" % (stop - content)
    location = (_OFFSET[len(offset)], offset, _SIZE[len(length)], length, _IS_EXTERNAL)
    return b"".join((data[start:begin], data[stop:end], *location))


_BEFORE_DATA = re.compile(rb"(?:\x08[\x80-\xff]{0,9}[\x00-\x7f]){0,8}\x10[\x00-\x7f]\x42([\x00-\x7f])").match
"""A tensor's dims and data_type, and the length of its name."""

_RAW_DATA = 9 << 3 | _LENGTH


def _find_trailing_data(data: Bytes, start: int, end: int) -> tuple[int, int, int] | None:
    """Return where raw_data is in a tensor whose last fields are name and raw_data, as exporters write them."""
    match = _BEFORE_DATA(data, start, end)
    if match is None:
        return None
    begin = match.end() + ord(match[1])
    if begin + 1 >= end or data[begin] != _RAW_DATA:
        return None
    length, content = _read_varint(data, begin + 1, end)
    return (begin, content, end) if content + length == end and length >= MIN_SKIPPED_BYTES else None


def _find_only_data(data: Bytes, start: int, end: int) -> tuple[int, int, int] | None:
    """Return where a tensor's data is; None if it has no data field, several, or a short one."""
    found = [field for field in _fields(data, start, end) if field[0] in _DATA_FIELDS]
    if len(found) != 1:
        return None
    ((_, wire_type, begin, content, stop),) = found
    return (begin, content, stop) if wire_type == _LENGTH and stop - content >= MIN_SKIPPED_BYTES else None


_IS_EXTERNAL = bytes([14 << 3 | _VARINT, 1])
"""data_location: EXTERNAL."""


def _external_data_entries(key: bytes) -> list[bytes]:
    """Return the bytes of an external_data entry up to its value, for values of 0, 1, … digits."""
    named = bytes([1 << 3 | _LENGTH, len(key)]) + key
    return [
        bytes([13 << 3 | _LENGTH, len(named) + 2 + digits]) + named + bytes([2 << 3 | _LENGTH, digits])
        for digits in range(20)
    ]


_OFFSET, _SIZE = _external_data_entries(b"offset"), _external_data_entries(b"length")


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
    """Yield a message's fields. A model has thousands, so varints of one and two bytes are decoded inline."""
    last = len(data) - 2
    while position < end:
        start = position
        tag = data[position]
        position += 1
        if tag > 0x7F:
            tag, position = _read_varint(data, start, end)
        wire_type = tag & 7
        if wire_type == _LENGTH:
            length = data[position] if position < end else 0x80
            if length < 0x80:
                position += 1
            elif position <= last and (more := data[position + 1]) < 0x80:
                length += (more << 7) - 0x80
                position += 2
            else:
                length, position = _read_varint(data, position, end)
            content = position
            position += length
        elif wire_type == _VARINT:
            content = position
            _, position = _read_varint(data, position, end)
        elif wire_type in (_FIXED32, _FIXED64):
            content = position
            position += 4 if wire_type == _FIXED32 else 8
        else:
            raise DamagedMessage(Message("wire type {kind} at byte {start:,}", kind=wire_type, start=start))
        if tag < 8:
            raise DamagedMessage(Message("field number 0 at byte {start:,}", start=start))
        if position > end:
            raise DamagedMessage(
                Message(
                    "{missing:,} bytes too few, in a field that starts at byte {start:,}",
                    missing=position - end,
                    start=start,
                )
            )
        yield tag >> 3, wire_type, start, content, position


def _read_varint(data: Bytes, position: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if position >= end:
            raise DamagedMessage(
                Message("the end of the file in a varint at byte {position:,}", position=position)
            )
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
        if shift > 63:
            raise DamagedMessage(Message("a varint of more than 64 bits at byte {position:,}", position=position))


# Tensors


def tensor_constant(tensor: TensorProto, path: Path, is_initializer: bool, key: str | None = None) -> Constant:
    """Return a tensor of the model at `path`, still unread. An initializer's real values count as weights.

    Errors:   BadFile [onnx-tensor] for an impossible shape
    """
    shape = tuple(tensor.dims[:])
    size, dtype = prod(shape), tensor.data_type
    if (shape and min(shape) < 0) or size > LARGEST or len(shape) > 64:
        raise BadFile(
            "Tensor {name!r} of {path!r} must have at most {limit:,} elements (got shape {shape}). Export or "
            "download the model again. [onnx-tensor]",
            name=tensor.name,
            path=str(path),
            limit=LARGEST,
            shape=show_shape(shape),
        )
    weights = size if is_initializer and dtype in REAL else 0
    return Constant(shape, dtype, partial(_read_tensor, tensor, path, shape), key, weights)


def _read_tensor(tensor: TensorProto, path: Path, shape: tuple[int, ...]) -> Array:
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL:
        tensor = TensorProto(
            name=tensor.name, data_type=tensor.data_type, dims=shape, raw_data=_read_external(tensor, path)
        )
    try:
        array: Array = numpy_helper.to_array(tensor)
        if array.shape != shape:
            raise ValueError(f"shape {array.shape}")
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise BadFile(
            "Tensor {name!r} of {path!r} must contain the elements of shape {shape} (got {reason}). Export or "
            "download the model again. [onnx-tensor]",
            name=tensor.name,
            path=str(path),
            shape=show_shape(shape),
            reason=reason_of(error),
        ) from None
    return array


def _read_external(tensor: TensorProto, path: Path) -> bytes:
    """Return the bytes of a tensor's data in another file, or in the model's own."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    file = _external_file(entries.get("location", SAME_FILE), tensor.name, path)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
        if offset < 0:
            raise _wrong_data(tensor, path, Message("offset {offset}", offset=offset))
        needed = _byte_count(tensor)
        if length > needed:
            got = Message("{length:,} bytes instead of {needed:,}", length=length, needed=needed)
            raise _wrong_data(tensor, path, got)
        with open_regular(file) as opened:
            available = opened.seek(0, 2) - offset
            if length > available:
                got = Message(
                    "only {available:,} bytes at offset {offset:,} of {file}",
                    available=max(available, 0),
                    offset=offset,
                    file=file.name,
                )
                raise _wrong_data(tensor, path, got)
            opened.seek(offset)
            return opened.read(length if length >= 0 else needed)
    except OSError as error:
        raise BadFile(
            "The data of tensor {name!r} of {path!r} cannot be read (got {file!r}: {reason}). Copy that file into "
            "the model's folder too. [onnx-external]",
            name=tensor.name,
            path=str(path),
            file=str(file),
            reason=(error.strerror or type(error).__name__).lower(),
        ) from None
    except ValueError as error:
        if isinstance(error, BadFile):
            raise
        raise _wrong_data(tensor, path, reason_of(error)) from None


def _wrong_data(tensor: TensorProto, path: Path, got: str) -> BadFile:
    return BadFile(
        "Tensor {name!r} of {path!r} has wrong external data (got {got}). Export or download the model again. "
        "[onnx-tensor]",
        name=tensor.name,
        path=str(path),
        got=got,
    )


def _external_file(location: str, tensor: str, path: Path) -> Path:
    """Return the file of a tensor's data, which must be in the model's folder."""
    if location == SAME_FILE:
        return path
    folder = path.parent.resolve()
    file = Path(location)
    if "\0" in location or not (folder / file).resolve().is_relative_to(folder):
        raise BadFile(
            "{path!r} must have the data of tensor {name!r} in its own folder (got location={location!r}). Do not "
            "use this file unless you trust it. [onnx-external]",
            path=str(path),
            name=tensor,
            location=location,
        )
    return folder / file


def _byte_count(tensor: TensorProto) -> int:
    from onnx.helper import tensor_dtype_to_np_dtype

    itemsize = np.dtype(tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    return int(prod(tensor.dims) * itemsize)
