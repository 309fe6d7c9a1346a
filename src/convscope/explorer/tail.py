"""Following the log of a run that another process writes.

A position in the log is its offset in bytes, with the length and the CRC-32 of the line that ends there. As each
line has a checksum of all lines before, the position tells whether the log was replaced since: a run that is
resumed first shortens its log to what the checkpoint knows.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..files.json_kinds import parse_json
from ..files.regular import open_regular

LARGEST_PART = 1 << 18
"""Bytes of the log in one part, or one line if that is longer."""

LONGEST_LINE = 1 << 24
_POSITION = re.compile(r"([0-9]{1,15})-([0-9]{1,9})-([0-9]{1,10})")


class Position(NamedTuple):
    """A position in the log; the start is that of a log of any content."""

    offset: int = 0
    length: int = 0
    crc: int = 0

    def __str__(self) -> str:
        return "-".join(map(str, self))


def read_position(text: str) -> Position:
    """Return the position in a text, or the start for any other text."""
    found = _POSITION.fullmatch(text)
    return Position(*map(int, found.groups())) if found else Position()


@dataclass(frozen=True)
class LogPart:
    """Complete lines of the log between two positions; `start` is the start of the log if it was replaced."""

    start: Position
    end: Position
    events: list[dict[str, Any]]
    has_more: bool


def read_part(path: Path, position: Position) -> LogPart:
    """Return the next lines after a position. Lines that are not JSON objects are left out."""
    try:
        with open_regular(path) as file:
            if position.offset:
                file.seek(max(0, position.offset - position.length))
                line = file.read(position.length)
                if len(line) != position.length or zlib.crc32(line) != position.crc:
                    position = Position()
                    file.seek(0)
            content = file.read(LARGEST_PART)
            if len(content) == LARGEST_PART and b"\n" not in content:
                content += file.readline(LONGEST_LINE)
            whole = content.rfind(b"\n") + 1
            has_more = len(content) >= LARGEST_PART
    except OSError:
        return LogPart(position, position, [], False)
    lines = content[:whole].splitlines(keepends=True)
    if not lines:
        return LogPart(position, position, [], False)
    end = Position(position.offset + whole, len(lines[-1]), zlib.crc32(lines[-1]))
    return LogPart(position, end, [event for line in lines if (event := _event(line)) is not None], has_more)


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = parse_json(line)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    event.pop("checksum", None)
    return event
