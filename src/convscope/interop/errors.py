"""Errors inside an importer, and texts of other libraries' errors."""

from __future__ import annotations

from ..errors import reason_of
from ..text.language import Message


class UnsupportedOperator(Exception):
    """An operator, or a use of one, that becomes an Opaque layer.

    The reason is for developers, and stays English; users see the Opaque layer. `part` names the attribute, input
    or element type that is the reason, where there is one: it is in the layer's name.
    """

    def __init__(self, reason: str, part: str = "") -> None:
        super().__init__(reason)
        self.part = part


class RandomAtInference(UnsupportedOperator):
    """An operator that is random in evaluation mode too, as F.dropout(x, 0.5) is."""


def first_line(error: BaseException) -> str:
    """Return the type and first line of a library's exception, or our own Message."""
    reason = reason_of(error)
    if isinstance(reason, Message):
        return reason
    name = type(error).__name__
    return name if reason == name else f"{name}: {reason}"
