"""Receptive fields in a few signs, and the footnotes that explain the signs that occur."""

from __future__ import annotations

from collections.abc import Iterable

from ..analysis.receptive_field import ReceptiveField
from ..layers.base import show_shape
from .numbers import decimal, per_axis

_MARKS = {"union": "∪", "misaligned": "≠", "varying": "≤"}
_WORDS = {"global": "all", "unknown": "?", "none": "none"}
_NAMED = 3

FieldText = tuple[str, str, str]


def field_text(field: ReceptiveField) -> FieldText:
    """Return size, stride and start as the columns of a table show them.

    >>> field_text(ReceptiveField("exact", (11, 11), (4, 4), (5.5, 5.5), (0, 0)))
    ('11×11', '/4', '@5.5')
    """
    if field.size is None:
        return _WORDS[field.status], "", ""
    size = _MARKS.get(field.status, "") + show_shape(field.size) + ("+" if field.global_via else "")
    stride = "/" + per_axis(field.stride) if field.stride else ""
    return size, stride, "@" + per_axis(field.start, ",") if field.start else ""


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


def field_sentence(field: ReceptiveField) -> str:
    """Say in one line what the units of a layer see.

    >>> field_sentence(ReceptiveField("exact", (11, 7), (4, 2), (5.5, 3.5), (0, 0)))
    '11×7 pixels, one unit every 4×2, the first centred at 5.5,3.5'
    """
    if field.size is None:
        return {"global": f"every pixel, through {field.via}", "unknown": f"not known behind {field.via}"}.get(
            field.status, "nothing of it"
        )
    step = f", one unit every {per_axis(field.stride)}" if field.stride else ""
    centre = ",".join(map(decimal, field.start or ()))
    return f"{show_shape(field.size)} pixels{step}, the first centred at {centre}"
