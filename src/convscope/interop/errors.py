"""Errors inside an importer, and texts of other libraries' errors."""

from __future__ import annotations


class UnsupportedOperator(Exception):
    """An operator, or a use of one, that no layer computes: it becomes an Opaque layer.

    `part` names the attribute, input or element type that is the reason, where there is one.
    """

    def __init__(self, reason: str, part: str = "") -> None:
        super().__init__(reason)
        self.part = part


class RandomAtInference(UnsupportedOperator):
    """An operator that draws random numbers in evaluation mode too, as F.dropout(x, 0.5) does."""


def first_line(error: BaseException) -> str:
    """Return an exception's type and the first line of its message."""
    line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
