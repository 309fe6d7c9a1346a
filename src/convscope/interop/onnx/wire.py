"""An ONNX file's structure without its weights.

A file of weights is mostly weights. Its protocol-buffer fields are walked by their lengths, and the data of
every large tensor is left where it is: the tensor then says where in the file its numbers lie, in the words that
ONNX has for external data, with this file itself as the place. What remains is small and read by `onnx`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    if depth > DEEPEST:
        raise Damaged(f"messages inside messages deeper than {DEEPEST}")
    inside = _INSIDE[kind]
    pieces: list[bytes | Bytes] = []
    kept = start
    for number, wire_type, begin, content, stop in _fields(data, start, end):
        if stop - content < SMALLEST_LEFT_OUT or number not in inside or wire_type != _LENGTH:
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
    return (begin, content, end) if content + length == end and length >= SMALLEST_LEFT_OUT else None


def _only_data(data: Bytes, start: int, end: int) -> tuple[int, int, int] | None:
    """Return where a tensor's data lies, by a walk over its fields; None for none, several, and little of it."""
    held = [field for field in _fields(data, start, end) if field[0] in _HOLDERS]
    if len(held) != 1:
        return None
    ((_, wire_type, begin, content, stop),) = held
    return (begin, content, stop) if wire_type == _LENGTH and stop - content >= SMALLEST_LEFT_OUT else None


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
