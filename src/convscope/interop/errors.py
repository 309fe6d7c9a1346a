"""Errors inside an importer; none of them reaches a user."""

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
