"""An ONNX file's structure without its weights.

A file of weights is mostly weights. Its protocol-buffer fields are walked by their lengths, and the data of
every large tensor is left where it is: the tensor then says where in the file its numbers lie, in the words that
ONNX has for external data, with this file itself as the place. What remains is small and read by `onnx`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

SMALLEST_LEFT_OUT = 1024
"""Bytes of a tensor's data that are left in the file; smaller tensors are shapes and the like, and are read."""

DEEPEST = 64
"""Messages inside messages that are walked; protocol buffers' own reader stops at 100."""

OWN_FILE = ""
"""The location of data that lies in the model's own file."""

Bytes = memoryview


class Damaged(Exception):
    """What is no protocol buffer, or only the beginning of one."""


_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


class Message(NamedTuple):
    """Which fields of a message are messages with tensors in them; a tensor names its fields of data instead."""

    inside: Mapping[int, str] = {}
    data: frozenset[int] = frozenset()


_MESSAGES = {
    "model": Message({7: "graph", 25: "function"}),
    "graph": Message({1: "node", 5: "tensor", 15: "sparse"}),
    "function": Message({7: "node"}),
    "node": Message({5: "attribute"}),
    "attribute": Message({5: "tensor", 6: "graph", 10: "tensor", 11: "graph"}),
    "sparse": Message({1: "tensor", 2: "tensor"}),
    "tensor": Message(data=frozenset({4, 9, 10})),  # float_data, raw_data, double_data: little-endian in all
}
"""The numbers are those of onnx.proto."""


class Field(NamedTuple):
    """One field: its number, wire type, where it starts, where its content starts and where it ends."""

    number: int
    kind: int
    start: int
    content: int
    end: int


def structure(data: Bytes) -> bytes:
    """Return the model's message with the data of large tensors left in the file.

    Errors:   Damaged for what is no protocol buffer, or ends early
    """
    return b"".join(_without_data(data, 0, len(data), "model", 0))


def _without_data(data: Bytes, start: int, end: int, kind: str, depth: int) -> list[bytes | Bytes]:
    """Return the pieces of a message."""
    if depth > DEEPEST:
        raise Damaged(f"messages inside messages deeper than {DEEPEST}")
    message = _MESSAGES[kind]
    if message.data:
        return _tensor(data, start, end, message.data)
    pieces: list[bytes | Bytes] = []
    kept = start
    for field in _fields(data, start, end):
        inner = message.inside.get(field.number)
        if inner is None or field.kind != _LENGTH or field.end - field.content < SMALLEST_LEFT_OUT:
            continue
        shorter = _without_data(data, field.content, field.end, inner, depth + 1)
        size = sum(map(len, shorter))
        if size < field.end - field.content:
            pieces += [data[kept : field.start], _varint(field.number << 3 | _LENGTH), _varint(size), *shorter]
            kept = field.end
    return [*pieces, data[kept:end]]


def _tensor(data: Bytes, start: int, end: int, holders: frozenset[int]) -> list[bytes | Bytes]:
    held = [field for field in _fields(data, start, end) if field.number in holders]
    if len(held) != 1 or held[0].kind != _LENGTH or held[0].end - held[0].content < SMALLEST_LEFT_OUT:
        return [data[start:end]]
    (field,) = held
    place = _entry(b"offset", field.content) + _entry(b"length", field.end - field.content)
    return [data[start : field.start], data[field.end : end], place, _IS_EXTERNAL]


_IS_EXTERNAL = bytes([14 << 3 | _VARINT, 1])
"""data_location: EXTERNAL."""


def _entry(key: bytes, number: int) -> bytes:
    """Return an entry of external_data: key and value, both short texts."""
    value = b"%d" % number
    pair = bytes([1 << 3 | _LENGTH, len(key)]) + key + bytes([2 << 3 | _LENGTH, len(value)]) + value
    return bytes([13 << 3 | _LENGTH, len(pair)]) + pair


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _fields(data: Bytes, position: int, end: int) -> Iterator[Field]:
    while position < end:
        start = position
        tag = data[position]  # of one byte, as nearly all are
        position += 1
        if tag > 0x7F:
            tag, position = _read_varint(data, start, end)
        kind = tag & 7
        length = 0
        if kind == _LENGTH:
            length, position = _read_varint(data, position, end)
        content = position
        if kind == _VARINT:
            _, position = _read_varint(data, position, end)
        elif kind in (_LENGTH, _FIXED32, _FIXED64):
            position += {_LENGTH: length, _FIXED32: 4, _FIXED64: 8}[kind]
        else:
            raise Damaged(f"wire type {kind} at byte {start:,}")
        if tag >> 3 == 0:
            raise Damaged(f"field number 0 at byte {start:,}")
        if position > end:
            raise Damaged(f"it ends {position - end:,} bytes early, in a field that starts at byte {start:,}")
        yield Field(tag >> 3, kind, start, content, position)


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
