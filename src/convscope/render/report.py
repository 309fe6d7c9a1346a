"""Reports as text, Markdown, CSV and HTML tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..analysis.grouping import LayerGroup, rows_at_depth
from ..layers.base import show_shape
from ..text.language import Message
from ..text.lists import shortened_with_count
from ..text.numbers import memory
from ..text.table import Cell, Column, MarkedNumber, Note, Table
from ..text.terminal import PLAIN, Paint, terminal_width
from .field import field_notes, field_text

if TYPE_CHECKING:
    from ..analysis.report import LayerRow, Report
    from ..network import Network

_FIELD = Message("receptive field")
_CORE = 3

_COLUMNS = (
    Column(Message("layer"), 0, right=False, least=20),
    Column(Message("kind"), 1, right=False, least=12),
    Column(Message("from"), 5, right=False, least=16),
    Column(Message("output"), 0),
    Column(Message("params"), 0),
    Column("MACs", 0),
    Column(Message("additions"), 6),
    Column(Message("comparisons"), 7),
    Column(Message("divisions"), 8),
    Column(Message("exponentials"), 9),
    Column(Message("memory"), 4, form=memory),
    Column(Message("size"), 0, group=_FIELD, alone=Message("field")),
    Column(Message("stride"), 2, group=_FIELD),
    Column(Message("start"), 3, group=_FIELD),
)
_OPTIONAL = ("from", "comparisons", "divisions", "exponentials")
_MARKS = {"complete": "", "lower_bound": "≥", "unknown": "≥"}

_LEGEND = (
    Note((("MACs", Message("MACs: multiply-adds of convolutions, dense layers and matrix products, per image")),)),
    Note(
        (
            ("size", Message("receptive field: input pixels seen by one unit")),
            ("stride", Message("/n stride in input pixels")),
            ("start", Message("@c center of the first unit (the first pixel's center is 0.5)")),
        )
    ),
)


def report_table(report: Report, width: int | None = None, paint: Paint = PLAIN, depth: int | None = None) -> str:
    """Return a report as text that fits `width` cells, by default the terminal's."""
    return report_grid(report, depth).text(terminal_width() if width is None else width, paint)


def report_markdown(report: Report, depth: int | None = None) -> str:
    """Return a report as a Markdown table."""
    return report_grid(report, depth).markdown()


def report_html(report: Report) -> str:
    """Return a report as an HTML table, for notebooks."""
    return report_grid(report).html()


def report_grid(report: Report, depth: int | None = None) -> Table:
    """Return a report as a table, without columns of zeros and without the inputs of a plain chain.

    With `depth`, layers that share the first parts of their names are one row.
    """
    shown: Sequence[LayerRow | LayerGroup] = report.rows if depth is None else rows_at_depth(report, depth)
    totals = report.totals
    sums = {name: getattr(totals, name) for name in ("comparisons", "divisions", "exponentials")}
    displayed = {name for name, total in sums.items() if total}
    if not _is_chain(report.network, shown):
        displayed.add("from")
    indices = [
        i for i, column in enumerate(_COLUMNS) if column.heading not in _OPTIONAL or column.heading in displayed
    ]
    rows = [_cells(row) for row in shown]
    mark = _MARKS[totals.status]
    counts = (totals.macs, totals.additions, totals.comparisons, totals.divisions, totals.exponentials)
    total: list[Cell] = [Message("total"), "", "", "", MarkedNumber(totals.params, mark)]
    total += [*(MarkedNumber(value, mark) for value in counts), totals.activation_bytes, "", "", ""]
    network = report.network
    return Table(
        tuple(_COLUMNS[index] for index in indices),
        [[row[index] for index in indices] for row in rows],
        [total[index] for index in indices],
        Message(
            "{network}: {inputs}, {count:,} layer(s)",
            network=network.name,
            inputs=network.shown_inputs,
            count=len(report),
        ),
        tuple(_notes(report, shown)),
        _CORE,
    )


def _is_chain(network: Network, rows: Sequence[LayerRow | LayerGroup]) -> bool:
    names = [network.inputs[0].name, *(row.name for row in rows)]
    return all(row.inputs == (before,) for row, before in zip(rows, names, strict=False))


def _cells(row: LayerRow | LayerGroup) -> list[Cell]:
    """Return one cell per column; unknown values are question marks, never zeros."""
    done = row.operations
    counts = (done.macs, done.additions, done.comparisons, done.divisions, done.exponentials)
    mark = _MARKS[row.status]
    params: Cell = MarkedNumber(row.params, mark)
    work: list[Cell] = [MarkedNumber(value, mark) for value in counts]
    if row.status == "unknown":
        params = "?"
        work = ["?"] * len(counts)
    if row.shares is not None:
        params = Message("shared")
    shape = show_shape(row.output_shape)
    return [
        row.name,
        row.kind,
        ", ".join(row.inputs),
        shape,
        params,
        *work,
        row.activation_bytes,
        *field_text(row.receptive_field),
    ]


def _notes(report: Report, rows: Sequence[LayerRow | LayerGroup]) -> Iterable[str | Note]:
    totals = report.totals
    sizes = {
        "parameters": memory(totals.parameter_bytes),
        "inference": memory(totals.peak_activation_bytes),
        "training": memory(totals.peak_training_bytes),
    }
    if totals.status == "complete":
        yield Message(
            "memory: {parameters} of parameters; peak activation memory: {inference} (inference), {training} "
            "(training); float32, per image.",
            **sizes,
        )
    else:
        yield Message(
            "memory: at least {parameters} of parameters; peak activation memory: {inference} (inference), "
            "{training} (training); float32, per image.",
            **sizes,
        )
    if any(row.node.frozen for row in report):
        frozen = report.frozen_params
        yield Message(
            "parameters: {trainable:,} trainable, {frozen:,} frozen.",
            trainable=totals.params - frozen,
            frozen=frozen,
        )
    yield from _LEGEND
    if any(row.shares is not None for row in rows):
        yield Message("shared: the parameters of another layer, counted there.")
    if totals.status != "complete":
        unknown = [row.name for row in report if row.status != "complete"]
        yield Message(
            "≥ lower bound; ? unknown: the totals exclude unsupported operators ({layers}).",
            layers=shortened_with_count(unknown, 3),
        )
    yield from field_notes((row.name, row.receptive_field) for row in rows)


_CSV_LAYER = ("name", "kind", "inputs", "output_shape")
_CSV_COUNTS = ("params", "macs", "multiplications", "additions", "comparisons", "divisions", "exponentials")
_CSV_FIELD = ("size", "stride", "start", "padding")


def report_csv(report: Report) -> str:
    """Return all values of every layer as CSV, one layer per line.

    Sizes are joined by x; unknown values are empty. There is no line of totals, so that columns can be summed.
    """
    import csv
    import io

    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    field_names = ("field_status", *(f"field_{name}" for name in _CSV_FIELD), "field_via", "field_global_via")
    writer.writerow([*_CSV_LAYER, *_CSV_COUNTS, "activation_bytes", "status", "shares", *field_names])
    for row in report:
        known = row.status != "unknown"
        field = row.receptive_field
        writer.writerow(
            [
                *(row.name, row.kind, " ".join(row.inputs), _joined(row.output_shape)),
                *(getattr(row, name) if known else "" for name in _CSV_COUNTS),
                *(row.activation_bytes, row.status, row.shares or "", field.status),
                *(_joined(getattr(field, name) or ()) for name in _CSV_FIELD),
                *(field.via or "", field.global_via or ""),
            ]
        )
    return sheet.getvalue().rstrip("\n")


def _joined(sizes: Iterable[float]) -> str:
    return "x".join(map(str, sizes))
