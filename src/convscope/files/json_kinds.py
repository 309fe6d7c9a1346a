"""Validation of JSON documents."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..text.language import Message

_LARGEST = 1 << 63


@dataclass(frozen=True)
class JsonKind:
    """Type of a JSON value: a description and a predicate. An `optional` value may be missing."""

    words: Message
    fits: Callable[[Any], bool]
    optional: bool = False

    def maybe(self) -> JsonKind:
        """Return this kind as optional."""
        return JsonKind(self.words, self.fits, True)

    def or_null(self) -> JsonKind:
        """Return this kind, or null."""
        words = Message("{kind} or null", kind=self.words)
        return JsonKind(words, lambda value: value is None or self.fits(value), self.optional)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


TEXT = JsonKind(Message("text"), lambda value: isinstance(value, str))
FLAG = JsonKind(Message("true or false"), lambda value: isinstance(value, bool))
INTEGER = JsonKind(Message("an integer"), _is_integer)
COUNT = JsonKind(Message("an integer from 0"), lambda value: _is_integer(value) and value >= 0)
POSITIVE = JsonKind(Message("an integer from 1"), lambda value: _is_integer(value) and value > 0)
NUMBER = JsonKind(Message("a number"), _is_number)
FLOAT = JsonKind(Message("a number"), lambda value: _is_integer(value) or isinstance(value, float))
"""NUMBER, NaN or infinity."""

OBJECT = JsonKind(Message("an object"), lambda value: isinstance(value, dict))


def list_of(kind: JsonKind, length: int | None = None) -> JsonKind:
    """Return the kind of lists with elements of one kind, and of a fixed length if given."""

    def fits(value: Any) -> bool:
        return isinstance(value, list) and length in (None, len(value)) and all(map(kind.fits, value))

    if length is None:
        return JsonKind(Message("a list of values, each {kind}", kind=kind.words), fits)
    return JsonKind(Message("a list of {length} values, each {kind}", length=length, kind=kind.words), fits)


def object_of(kind: JsonKind) -> JsonKind:
    """Return the kind of objects with values of one kind."""
    return JsonKind(
        Message("an object whose values are each {kind}", kind=kind.words),
        lambda value: isinstance(value, dict) and all(map(kind.fits, value.values())),
    )


def first_misfit(document: Any, kinds: Mapping[str, JsonKind]) -> Message | None:
    """Describe the first value of a document that is missing or of the wrong kind. None if all are valid.

    >>> first_misfit({"seed": "7"}, {"seed": COUNT})
    'seed as text, not an integer from 0'
    >>> first_misfit({}, {"seed": COUNT})
    'no seed'
    """
    if not isinstance(document, dict):
        return Message("{got}, not an object", got=name_of(document))
    for key, kind in kinds.items():
        if key not in document:
            if not kind.optional:
                return Message("no {key}", key=key)
        elif not kind.fits(document[key]):
            got = name_of(document[key])
            return Message("{key} as {got}, not {expected}", key=key, got=got, expected=kind.words)
    return None


def name_of(value: Any) -> str:
    """Describe a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        is_short = not isinstance(value, int) or abs(value) < _LARGEST
        return repr(value) if is_short else Message("a number of many digits")
    if isinstance(value, str):
        return Message("text")
    return Message("a list") if isinstance(value, list) else Message("an object")


def parse_json(text: str | bytes) -> Any:
    """Parse JSON. Text that is nested too deeply is a ValueError, too."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(Message("it is nested too deeply")) from None
