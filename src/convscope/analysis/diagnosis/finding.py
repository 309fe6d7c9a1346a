"""Findings of a diagnosis, and the numbers in their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["risk", "waste", "note"]

SEVERITIES: tuple[Severity, ...] = ("risk", "waste", "note")
"""From the most to the least severe: a risk may make results wrong, waste costs without use, a note informs."""


@dataclass(frozen=True)
class Finding:
    """A risk, a waste or a note about a network's structure.

    `code` is stable, `layers` names the layers concerned in order, `numbers` has every number of the message.
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


AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
LINE_NAMES = {1: ("position",), 2: ("row", "column"), 3: ("slice", "row", "column")}


def count(number: int, noun: str) -> str:
    """Write `1 row`, `2 rows`, `1,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def decimal(number: float) -> str:
    """Write a number with a true minus sign and no needless zeros."""
    return f"{number:.6g}".replace("-", "−")


def extent(sizes: Sequence[float]) -> str:
    """Write sizes per axis: 44×44."""
    return "×".join(map(decimal, sizes))


def percent(part: int, whole: int) -> str:
    """Write a share in whole percent."""
    return f"{100 * part / whole:.0f} %"


def last_lines(numbers: Sequence[int]) -> str:
    """Write lines at the end per axis, those that are none left out: `the last row and the last 2 columns`."""
    names = LINE_NAMES[len(numbers)]
    return " and ".join(
        f"the last {name if number == 1 else count(number, name)}"
        for number, name in zip(numbers, names, strict=True)
        if number
    )


def listed(names: Sequence[str], most: int = 6) -> str:
    """Write names with commas, the rest as a number."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
