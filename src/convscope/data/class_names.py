"""Files with the names of classes."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import BadFile, reason_of
from ..files.json_kinds import TEXT, list_of, parse_json
from ..files.regular import open_regular
from ..text.language import Message

LARGEST_FILE = 16 << 20
"""Maximum size of a file with names, in bytes."""


def read_class_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names in a file: one per line, or a JSON list of texts in a .json file.

    The name of class 0 comes first. Empty lines at the end are left out.

    Raises:
        BadFile: [classes-file]
    """
    reason: str
    try:
        with open_regular(Path(path)) as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError(Message("more than 16 MiB"))
        text = content.decode("utf-8-sig")
        names = _names(text, Path(path).suffix.lower() == ".json" or text.lstrip().startswith("["))
        if names:
            return names
        reason = Message("no names")
    except UnicodeDecodeError:
        reason = Message("no UTF-8 text")
    except (OSError, ValueError) as error:
        reason = reason_of(error)
    raise BadFile(
        "{path!r} must have the name of every class, one per line or as a JSON list (got {reason}). "
        "[classes-file]",
        path=os.fspath(path),
        reason=reason,
    )


def _names(text: str, is_json: bool) -> tuple[str, ...]:
    if not is_json:
        return tuple(line.strip() for line in text.rstrip().splitlines())
    names = parse_json(text)
    if not list_of(TEXT).fits(names):
        raise ValueError(Message("no JSON list of texts"))
    return tuple(names)
