"""Benchmark and tuning results as tables and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..bench.peak import Peak
from ..bench.run import Measurement
from ..bench.tune import TILES, TileChoice
from ..engines.native.codegen.target import host_cpu
from ..text.language import Message
from ..text.numbers import percent, short_time
from ..text.table import Cell, Column, Table
from .plan import purpose_text, target_text

_COLUMNS = (
    Column(Message("work"), 0, right=False, least=24),
    Column(Message("ours"), 0),
    Column(Message("fastest peer"), 0),
    Column(Message("peer"), 3, right=False),
    Column(Message("ratio"), 0),
    Column("GFLOP/s", 1),
    Column(Message("of peak"), 2),
)


def bench_table(rows: Sequence[Measurement], peak: Peak) -> Table:
    """Return measurements as a table; ratios above 1 mean that the native engine is faster."""
    title = Message(
        "{cpu}; measured peak {peak:,.0f} GFLOP/s, memory bandwidth {bandwidth:,.0f} GB/s (copy)",
        cpu=target_text(host_cpu()),
        peak=peak.flops / 1e9,
        bandwidth=peak.bytes / 1e9,
    )
    ratios = [row.ratio for row in rows if row.ratio is not None]
    notes = [
        Message(
            "GFLOP/s are computed from the operation count of direct convolution, so Winograd convolutions can "
            "exceed 100 % of peak."
        )
    ]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        notes.insert(0, Message("geometric mean of the ratios: {mean:.2f}.", mean=mean))
    return Table(_COLUMNS, [_cells(row) for row in rows], title=title, notes=tuple(notes))


def _cells(row: Measurement) -> list[Cell]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    peer = "" if row.peer is None else short_time(row.peer)
    return [
        row.work,
        short_time(row.ours),
        peer,
        row.peer_name,
        ratio,
        f"{row.flops / 1e9:.0f}",
        percent(row.share),
    ]


def bench_document(rows: Sequence[Measurement], peak: Peak) -> dict[str, Any]:
    """Return measurements for JSON, in seconds and operations per second."""
    return {
        "schema": 1,
        "processor": str(host_cpu()),
        "peak_flops": peak.flops,
        "peak_bytes": peak.bytes,
        "rows": [{**row._asdict(), "ratio": row.ratio} for row in rows],
    }


NAMES = {0: "direct", 2: "F(2,3)", 4: "F(4,3)"}
"""Names of the algorithms by the size of Winograd's output tile; 0 is direct convolution."""


def tune_table(choices: Sequence[TileChoice]) -> Table:
    """Return measured choices as a table."""
    columns = (
        Column(Message("layer"), 0, right=False, least=16),
        Column(Message("pass"), 0, right=False),
        *(Column(NAMES[tile], 1) for tile in TILES),
        Column(Message("chosen"), 0, right=False),
        Column(Message("by heuristic"), 2, right=False),
    )
    rows: list[list[Cell]] = [
        [
            choice.layer,
            purpose_text(choice.purpose),
            *(f"{choice.seconds[tile] * 1e6:,.0f} µs" for tile in TILES),
            NAMES[choice.tile],
            NAMES[choice.by_rule],
        ]
        for choice in choices
    ]
    changed = sum(choice.tile != choice.by_rule for choice in choices)
    note = Message(
        "{changed} of {choices} choices differ from the heuristic's; all are cached.",
        changed=changed,
        choices=len(choices),
    )
    return Table(columns, rows, notes=(note,))


def tune_document(choices: Sequence[TileChoice]) -> dict[str, Any]:
    """Return measured choices for JSON, with times in seconds."""
    return {
        "schema": 1,
        "choices": [
            {
                "layer": choice.layer,
                "pass": choice.purpose,
                "chosen": NAMES[choice.tile],
                "by_rule": NAMES[choice.by_rule],
                "seconds": {NAMES[tile]: choice.seconds[tile] for tile in TILES},
            }
            for choice in choices
        ],
    }
