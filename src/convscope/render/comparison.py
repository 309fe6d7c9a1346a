"""Comparisons as text: two networks side by side, and another tool's counts beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..analysis.compare import ComparedLayer, ComparedTotal, Comparison, Difference
from ..analysis.receptive_field import ReceptiveField
from ..layers.base import show_shape
from ..layers.operations import Status
from ..text.language import Message, localize, translate
from ..text.lists import listed
from ..text.numbers import count, memory, per_axis
from ..text.table import Cell, Column, MarkedNumber, Table, hang, pad, shorten, width_of
from ..text.terminal import PLAIN, Paint
from .field import field_text

if TYPE_CHECKING:
    from ..analysis.counted_by import Recount

_SIGNS = {"changed": "~", "added": "+", "removed": "-"}
_WORDS = {
    "kind": Message("kind"),
    "params": Message("parameters"),
    "macs": "MACs",
    "multiplications": Message("multiplications"),
    "additions": Message("additions"),
    "comparisons": Message("comparisons"),
    "divisions": Message("divisions"),
    "exponentials": Message("exponentials"),
    "activation_bytes": Message("activations of all layers"),
    "peak_activation_bytes": Message("peak activation memory (inference)"),
    "peak_training_bytes": Message("peak activation memory (training)"),
    "parameter_bytes": Message("parameter memory"),
    "output_shape": Message("output"),
    "receptive_field": Message("receptive field"),
}
_LONGEST = 28


def comparison_text(comparison: Comparison, width: int, paint: Paint = PLAIN) -> str:
    """Return the layers that differ, then the totals."""
    a, b = _names(comparison)
    title = localize(
        "{a} → {b}: layers: {same} same, {changed} changed, {added} added, {removed} removed",
        a=a,
        b=b,
        **{change: comparison.count(change) for change in ("same", "changed", "added", "removed")},
    )
    head = [paint.strong(line) for line in hang(title, width, 0, 2)]
    layers = list(_layers([row for row in comparison.rows if row.change != "same"], width, paint))
    return "\n".join([*head, "", *layers, *([""] if layers else []), _totals(comparison).text(width, paint)])


def _names(comparison: Comparison) -> tuple[str, str]:
    """Return the names of the two networks, distinct even if they are equal."""
    a, b = comparison.a.network.name, comparison.b.network.name
    return (f"{a} (A)", f"{b} (B)") if a == b else (a, b)


def _layers(rows: list[ComparedLayer], width: int, paint: Paint) -> Iterator[str]:
    longest = min(_LONGEST, max(20, width // 3))
    names = min(longest, max((width_of(row.name) for row in rows), default=0))
    kinds = max((width_of(_kind(row)) for row in rows), default=0)
    for row in rows:
        start = f"{_SIGNS[row.change]} {pad(shorten(row.name, names), names)}  {pad(_kind(row), kinds)}  "
        first, *rest = hang(_about(row), width, width_of(start))
        yield "\n".join([paint.strong(start) + first.lstrip(), *rest])


def _kind(row: ComparedLayer) -> str:
    """Return the layer's kind, the new one where it changed."""
    present = row.a if row.b is None else row.b
    assert present is not None
    return present.kind


def _about(row: ComparedLayer) -> str:
    if row.change == "changed":
        shape_changed = any(one.what == "output_shape" for one in row.differences)
        displayed = (one for one in row.differences if not (shape_changed and one.what == "activation_bytes"))
        return localize("; ").join(_difference(one, row) for one in displayed)
    present = row.b if row.a is None else row.a
    assert present is not None
    shape = show_shape(present.output_shape)
    if present.macs and not present.params:
        return localize("{shape}, {macs:,} MACs", shape=shape, macs=present.macs)
    if present.macs:
        return localize(
            "{shape}, {count:,} parameter(s), {macs:,} MACs", shape=shape, count=present.params, macs=present.macs
        )
    if present.params:
        return localize("{shape}, {count:,} parameter(s)", shape=shape, count=present.params)
    return shape


def _difference(one: Difference, row: ComparedLayer) -> str:
    word = translate(_WORDS.get(one.what, one.what))
    if one.what == "receptive_field":
        assert row.a is not None
        assert row.b is not None
        return f"{word} {_field_difference(row.a.receptive_field, row.b.receptive_field)}"
    return f"{word} {_value(one.what, one.a)} → {_value(one.what, one.b)}"


def _field_difference(a: ReceptiveField, b: ReceptiveField) -> str:
    """Return the sizes; where they agree, what else differs."""
    (size, *old), (new_size, *new) = field_text(a), field_text(b)
    if size != new_size:
        return f"{translate(size)} → {translate(new_size)}"
    pairs = [
        (Message("stride"), old[0], new[0]),
        (Message("start"), old[1], new[1]),
        (Message("padding"), _axes(a.padding), _axes(b.padding)),
        ("≠", _merges(a), _merges(b)),
        (Message("through"), a.via or "", b.via or ""),
        (Message("through"), a.global_via or "", b.global_via or ""),
    ]
    differing = [pair for pair in pairs if pair[1] != pair[2]]
    if old != new:  # the padding follows from size and start
        differing = [pair for pair in differing if pair[0] != "padding"]
    return localize(", ").join(f"{translate(what)} {before} → {after}" for what, before, after in differing)


def _axes(values: Sequence[float] | None) -> str:
    return per_axis(values) if values else ""


def _merges(field: ReceptiveField) -> str:
    offsets = (
        Message("{layer} by {offset} px", layer=merge.layer, offset=per_axis(merge.offset))
        for merge in field.merges
    )
    return translate(listed(offsets))


def _value(what: str, value: Any) -> str:
    if value is None:
        return localize("none")
    if what == "output_shape":
        return show_shape(tuple(value))
    if what == "activation_bytes":
        return memory(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return count(value) if isinstance(value, int) else str(value)


def _totals(comparison: Comparison) -> Table:
    a, b = _names(comparison)
    columns = (
        Column(Message("total"), 0, right=False),
        Column(a, 0),
        Column(b, 0),
        Column(Message("difference"), 1),
        Column(Message("ratio"), 0),
    )
    notes = [
        Message("≥ the totals of {network} are lower bounds: it has unsupported operators.", network=name)
        for name, status in zip((a, b), comparison.status, strict=True)
        if status != "complete"
    ]
    marks = ["" if status == "complete" else "≥" for status in comparison.status]
    return Table(columns, [_total(total, marks) for total in comparison.totals], notes=tuple(notes), core=1)


def _total(total: ComparedTotal, marks: list[str]) -> list[str]:
    write = memory if total.what.endswith("bytes") else count
    sign = "−" if total.difference < 0 else "+" if total.difference else ""
    return [
        _WORDS.get(total.what, total.what),
        marks[0] + write(total.a),
        marks[1] + write(total.b),
        "?" if any(marks) else sign + write(abs(total.difference)),
        "" if total.ratio is None or any(marks) else f"{total.ratio:.4g}",
    ]


def recount_table(counted: Recount) -> Table:
    """Return another tool's counts next to ours, with letters for the reasons of differences."""
    columns = (
        Column(Message("layer"), 0, right=False, least=20),
        Column(Message("kind"), 1, right=False, least=12),
        Column(Message("our MACs"), 0),
        Column(f"{counted.tool} {counted.unit}", 0),
        Column(Message("why"), 0, right=False),
    )
    reasons = dict.fromkeys(row.reason for row in counted.rows if row.reason)
    letter = {reason: _letter(number) for number, reason in enumerate(reasons)}
    rows: list[list[Cell]] = [
        [row.name, row.kind, row.ours_macs, "?" if row.theirs is None else row.theirs, letter.get(row.reason, "")]
        for row in counted.rows
    ]
    mark = "" if counted.status is Status.COMPLETE else "≥"
    return Table(
        columns,
        rows,
        [Message("total"), "", counted.ours_total, MarkedNumber(counted.total, mark), ""],
        Message(
            "{network}, counted by {tool} {version}",
            network=counted.model,
            tool=counted.tool,
            version=counted.version,
        ),
        (
            *(Message("{letter}: {reason}", letter=mark, reason=reason) for reason, mark in letter.items()),
            Message("parameters counted by {tool}: {params:,}", tool=counted.tool, params=counted.params),
            *counted.notes,
        ),
        core=1,
    )


def _letter(number: int) -> str:
    """Return a, b, … z, aa, ab, …"""
    more, last = divmod(number, 26)
    return (_letter(more - 1) if more else "") + chr(ord("a") + last)
