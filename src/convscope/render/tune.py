"""Measured choices as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..bench.tune import TILES, Choice
from ..text.table import Cell, Column, Table

NAMES = {0: "direct", 2: "F(2,3)", 4: "F(4,3)"}
"""What a tile of Winograd's algorithm is called."""


def tune_table(choices: Sequence[Choice]) -> Table:
    """Return measured choices for people."""
    columns = (
        Column("layer", 0, right=False, least=16),
        Column("pass", 0, right=False),
        *(Column(NAMES[tile], 1) for tile in TILES),
        Column("chosen", 0, right=False),
        Column("by rule", 2, right=False),
    )
    rows: list[list[Cell]] = [
        [
            choice.layer,
            choice.purpose,
            *(f"{choice.seconds[tile] * 1e6:,.0f} µs" for tile in TILES),
            NAMES[choice.tile],
            NAMES[choice.by_rule],
        ]
        for choice in choices
    ]
    changed = sum(choice.tile != choice.by_rule for choice in choices)
    return Table(
        columns, rows, notes=(f"{changed} of {len(choices)} choices differ from the rule's; all are kept.",)
    )


def tune_document(choices: Sequence[Choice]) -> dict[str, Any]:
    """Return measured choices for JSON; times are seconds."""
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
