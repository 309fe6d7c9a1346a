"""A report as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..analysis.grouping import Group, rows_at_depth
from ..layers.base import show_shape
from ..text.ansi import PLAIN, Paint
from ..text.numbers import memory
from ..text.table import Cell, Column, Note, Number, Table
from ..text.terminal import terminal_width
from .field_text import field_notes, field_text

if TYPE_CHECKING:
    from ..analysis.report import LayerRow, Report
    from ..network import Network

_FIELD = "receptive field"
_WORK = "operations"
_CORE = 3

_COLUMNS = (
    Column("layer", 0, right=False, least=20),
    Column("kind", 1, right=False, least=12),
    Column("from", 5, right=False, least=16),
    Column("output", 0),
    Column("params", 0),
    Column("MACs", 0),
    Column("additions", 6),
    Column("comparisons", 7),
    Column("divisions", 8),
    Column("exponentials", 9),
    Column("memory", 4, form=memory),
    Column("size", 0, group=_FIELD, alone="field"),
    Column("stride", 2, group=_FIELD),
    Column("start", 3, group=_FIELD),
)
_OPTIONAL = ("from", "comparisons", "divisions", "exponentials")
_MARKS = {"complete": "", "lower_bound": "≥", "unknown": "≥"}

_LEGEND = (
    Note((("MACs", "MACs: multiply-adds of convolutions, dense layers and matrix products, per image"),)),
    Note(
        (
            ("size", "receptive field: input pixels seen by one unit"),
            ("stride", "/n stride in input pixels"),
            ("start", "@c center of the first unit (the first pixel's center is 0.5)"),
        )
    ),
)


def report_table(report: Report, width: int | None = None, paint: Paint = PLAIN, depth: int | None = None) -> str:
    """Return a report as text that fits `width` cells, by default those of the terminal."""
    return report_grid(report, depth).text(terminal_width() if width is None else width, paint)


def report_markdown(report: Report, depth: int | None = None) -> str:
    """Return a report as a Markdown table."""
    return report_grid(report, depth).markdown()


def report_html(report: Report) -> str:
    """Return a report as an HTML table, for notebooks."""
    return report_grid(report).html()


def report_grid(report: Report, depth: int | None = None) -> Table:
    """Return a report as a table: columns in which every number is 0 and sources that are plain are left out.

    With `depth`, layers that share the first parts of their names are one row.
    """
    shown: Sequence[LayerRow | Group] = report.rows if depth is None else rows_at_depth(report, depth)
    totals = report.totals
    sums = {name: getattr(totals, name) for name in ("comparisons", "divisions", "exponentials")}
    kept = {name for name, total in sums.items() if total}
    if not _is_chain(report.network, shown):
        kept.add("from")
    places = [i for i, column in enumerate(_COLUMNS) if column.heading not in _OPTIONAL or column.heading in kept]
    rows = [_cells(row) for row in shown]
    mark = _MARKS[totals.status]
    counts = (totals.macs, totals.additions, totals.comparisons, totals.divisions, totals.exponentials)
    total: list[Cell] = ["total", "", "", "", Number(totals.params, mark)]
    total += [*(Number(value, mark) for value in counts), totals.activation_bytes, "", "", ""]
    network = report.network
    return Table(
        tuple(_COLUMNS[place] for place in places),
        [[row[place] for place in places] for row in rows],
        [total[place] for place in places],
        f"{network.name}: {network.shown_inputs}, {_number(len(report), 'layer')}",
        tuple(_notes(report, shown)),
        _CORE,
    )


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _is_chain(network: Network, rows: Sequence[LayerRow | Group]) -> bool:
    names = [network.inputs[0].name, *(row.name for row in rows)]
    return all(row.inputs == (before,) for row, before in zip(rows, names, strict=False))


def _cells(row: LayerRow | Group) -> list[Cell]:
    """Return one cell per column; what is not known is a question mark, never a zero."""
    done = row.operations
    counts = (done.macs, done.additions, done.comparisons, done.divisions, done.exponentials)
    mark = _MARKS[row.status]
    params: Cell = Number(row.params, mark)
    work: list[Cell] = [Number(value, mark) for value in counts]
    if row.status == "unknown":
        params = "?"
        work = ["?"] * len(counts)
    if row.shares is not None:
        params = "shared"
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


def _notes(report: Report, rows: Sequence[LayerRow | Group]) -> Iterable[str | Note]:
    totals = report.totals
    at_least = "" if totals.status == "complete" else "at least "
    yield (
        f"memory: {at_least}{memory(totals.parameter_bytes)} of parameters; activations at once at most "
        f"{memory(totals.peak_activation_bytes)} to run, {memory(totals.peak_training_bytes)} to train "
        "(float32, one image)."
    )
    if any(row.node.frozen for row in report):
        frozen = report.frozen_params
        yield f"parameters: {totals.params - frozen:,} trainable, {frozen:,} frozen."
    yield from _LEGEND
    if any(row.shares is not None for row in rows):
        yield "shared: the parameters of another layer, counted there."
    if totals.status != "complete":
        unknown = [row.name for row in report if row.status != "complete"]
        few = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
        yield f"≥ at least; ? not known: nobody knows what {few} computes, so it is missing from the totals."
    yield from (note + "." for note in field_notes((row.name, row.receptive_field) for row in rows))


_CSV_LAYER = ("name", "kind", "inputs", "output_shape")
_CSV_COUNTS = ("params", "macs", "multiplications", "additions", "comparisons", "divisions", "exponentials")
_CSV_FIELD = ("size", "stride", "start", "padding")


def report_csv(report: Report) -> str:
    """Return every number of every layer, one layer a line, for spreadsheets and scripts.

    Sizes are joined by x; what is not known is empty. There is no line of totals, so that columns can be summed.
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
