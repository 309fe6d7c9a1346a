"""Readable JSON, with one line for each entry of a list."""

from __future__ import annotations

import json
from typing import Any

BROKEN_UP = 2
"""Levels of nesting with one line per entry. Deeper levels stay on one line."""


def to_json(document: Any) -> str:
    """Return a document as ASCII JSON, which every terminal can display.

    >>> print(to_json({"schema": 1, "layers": [{"name": "conv1", "shape": [96, 55]}]}))
    {
      "schema": 1,
      "layers": [
        {"name": "conv1", "shape": [96, 55]}
      ]
    }
    """
    return _written(document, 0)


def _written(value: Any, level: int) -> str:
    nested = any(isinstance(item, dict | list | tuple) for item in _items(value))
    if level >= BROKEN_UP or not (nested or (level == 0 and _items(value))):
        return json.dumps(value, allow_nan=False)
    indent = "  " * (level + 1)
    if isinstance(value, dict):
        entries = [f"{json.dumps(str(key))}: {_written(item, level + 1)}" for key, item in value.items()]
        opening, closing = "{", "}"
    else:
        entries = [_written(item, level + 1) for item in value]
        opening, closing = "[", "]"
    lines = ",\n".join(indent + entry for entry in entries)
    return f"{opening}\n{lines}\n{'  ' * level}{closing}"


def _items(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []
