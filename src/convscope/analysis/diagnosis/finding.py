"""Findings of a diagnosis, and the numbers in their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ...text.language import Message
from ...text.lists import shortened_with_count

Severity = Literal["risk", "waste", "note"]

SEVERITIES: tuple[Severity, ...] = ("risk", "waste", "note")
"""From the most to the least severe: a risk may make results wrong, waste costs without use, a note informs."""


@dataclass(frozen=True)
class Finding:
    """A risk, a waste or a note about a network's structure.

    `code` is stable, `layers` names the layers concerned in order, `numbers` has every number of the message.
    `message` and `suggestion` are sentences, as messages that can be translated.
    """

    code: str
    severity: Severity
    layers: tuple[str, ...]
    message: str
    suggestion: str
    numbers: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.severity}: {self.message} [{self.code}]\n  → {self.suggestion}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "code": self.code,
            "severity": self.severity,
            "layers": list(self.layers),
            "message": self.message,
            "suggestion": self.suggestion,
            "numbers": dict(self.numbers),
        }


AXIS_NAMES = {
    1: (Message("length"),),
    2: (Message("height"), Message("width")),
    3: (Message("depth"), Message("height"), Message("width")),
}


def last_lines(numbers: Sequence[int]) -> str:
    """Write lines at the end per axis, without axes that have none: `the last row and the last 2 columns`."""
    axes = ("slice", "row", "column")[-len(numbers) :] if len(numbers) > 1 else ("position",)
    return conjunction(*[_last(axis, number) for axis, number in zip(axes, numbers, strict=True) if number])


def _last(axis: str, count: int) -> Message:
    match axis:
        case "row":
            return Message("the last row") if count == 1 else Message("the last {count:,} rows", count=count)
        case "column":
            return Message("the last column") if count == 1 else Message("the last {count:,} columns", count=count)
        case "slice":
            return Message("the last slice") if count == 1 else Message("the last {count:,} slices", count=count)
        case _:
            if count == 1:
                return Message("the last position")
            return Message("the last {count:,} positions", count=count)


def listed(names: Sequence[str]) -> str:
    """Write up to six names, and how many more there are."""
    return shortened_with_count(names, 6)


def sentences(first: str, *rest: str) -> str:
    """Join sentences."""
    return Message("{first} {rest}", first=first, rest=sentences(*rest)) if rest else first


def conjunction(first: str, *rest: str) -> str:
    """Join messages by `and`, each translated on its own."""
    return Message("{first} and {rest}", first=first, rest=conjunction(*rest)) if rest else first


def alternatives(first: str, *rest: str) -> str:
    """Join clauses by semicolons."""
    return Message("{first}; {rest}", first=first, rest=alternatives(*rest)) if rest else first
