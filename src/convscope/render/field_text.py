"""Receptive fields in a few signs, and the footnotes that explain the signs that occur."""

from __future__ import annotations

from collections.abc import Iterable

from ..analysis.receptive_field import ReceptiveField
from ..layers.base import show_shape
from ..text.numbers import per_axis

_MARKS = {"union": "∪", "misaligned": "≠", "varying": "≤"}
_WORDS = {"global": "all", "unknown": "?", "none": "none"}
_NAMED = 3

FieldText = tuple[str, str, str]


def field_text(field: ReceptiveField) -> FieldText:
    """Return size, stride and start as the columns of a table show them.

    >>> from convscope import inspect
    >>> field_text(inspect("alexnet")["conv1"].receptive_field)
    ('11×11', '/4', '@5.5')
    """
    status, size, stride, start = field.status, field.size, field.stride, field.start
    if size is None:
        return _WORDS[status], "", ""
    extent = _MARKS.get(status, "") + show_shape(size) + ("+" if field.global_via else "")
    return extent, "/" + per_axis(stride) if stride else "", "@" + per_axis(start, ",") if start else ""


def field_notes(fields: Iterable[tuple[str, ReceptiveField]]) -> list[str]:
    """Explain each sign that occurs in the fields of named layers, once."""
    known = list(fields)
    by_status: dict[str, list[ReceptiveField]] = {}
    for _, field in known:
        by_status.setdefault(field.status, []).append(field)
    sides = _once(field.global_via for _, field in known)
    notes = []
    if "union" in by_status:
        notes.append("∪ union: paths of different extent meet; the size is that of all together")
    if "misaligned" in by_status:
        merges = {m.layer: m.offset for field in by_status["misaligned"] for m in field.merges}
        where = [f"{name} by {per_axis(offset)} px" for name, offset in merges.items()]
        notes.append(f"≠ misaligned: paths that look at different places meet in {_few(where)}")
    if "varying" in by_status:
        notes.append("≤ varying: units differ; size is the largest, stride the mean, start that of the first unit")
    if "global" in by_status:
        via = _once(field.via for field in by_status["global"])
        notes.append(f"all: every unit sees every pixel, through {_few(via)}")
    if sides:
        notes.append(f"+ a side path also sees every pixel, through {_few(sides)}")
    if "unknown" in by_status:
        lost = _once(field.via for field in by_status["unknown"])
        notes.append(f"? not known: positions cannot be followed through {_few(lost)}")
    if "none" in by_status:
        notes.append("none: nothing of the (first) input is seen")
    return notes


def _once(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
