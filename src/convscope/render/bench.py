"""Measurements of the engine as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..bench.peak import Peak
from ..bench.run import Row
from ..engines.native.codegen.target import host_cpu
from ..text.numbers import percent
from ..text.table import Cell, Column, Table

_COLUMNS = (
    Column("work", 0, right=False, least=24),
    Column("ours", 0),
    Column("fastest peer", 0),
    Column("peer", 3, right=False),
    Column("ratio", 0),
    Column("GFLOP/s", 1),
    Column("of peak", 2),
)


def bench_table(rows: Sequence[Row], peak: Peak) -> Table:
    """Return measurements for people: ratios above one are ours being faster."""
    title = (
        f"{host_cpu()}; measured peak {peak.flops / 1e9:,.0f} GFLOP/s, copying {peak.bytes / 1e9:,.0f} GB/s "
        "(read and written)"
    )
    ratios = [row.ratio for row in rows if row.ratio is not None]
    notes = ["GFLOP/s count the plain algorithm's operations; Winograd's does with fewer and may pass the peak."]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        notes.insert(0, f"geometric mean of the ratios: {mean:.2f}.")
    return Table(_COLUMNS, [_cells(row) for row in rows], title=title, notes=tuple(notes))


def _cells(row: Row) -> list[Cell]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    peer = "" if row.peer is None else _time(row.peer)
    return [
        row.work,
        _time(row.ours),
        peer,
        row.peer_name,
        ratio,
        f"{row.flops / 1e9:.0f}",
        percent(row.share),
    ]


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def bench_document(rows: Sequence[Row], peak: Peak) -> dict[str, Any]:
    """Return measurements for JSON; seconds, and operations per second."""
    return {
        "schema": 1,
        "processor": str(host_cpu()),
        "peak_flops": peak.flops,
        "peak_bytes": peak.bytes,
        "rows": [{**row._asdict(), "ratio": row.ratio} for row in rows],
    }
