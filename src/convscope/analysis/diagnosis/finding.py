"""Findings of a diagnosis."""

from __future__ import annotations

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
