"""Table of all tools' counts for one network."""

from __future__ import annotations

from ...layers.operations import Status
from ...network import Network
from .recount import TOOLS, Recount, recount


def tool_comparison(network: Network) -> str:
    """Write a Markdown table: a row per layer, a column for our MACs and one per tool."""
    recounts = [recount(network, tool) for tool in TOOLS]
    head = ["layer", "kind", "ours (MACs)", *(f"{one.tool} ({one.unit})" for one in recounts)]
    lines = [_line(head), _line(["---", "---", *["---:"] * (1 + len(recounts))])]
    for rows in zip(*(one.rows for one in recounts), strict=True):
        first = rows[0]
        theirs = ["?" if row.theirs is None else f"{row.theirs:,}" for row in rows]
        lines.append(_line([first.name, first.kind, f"{first.ours_macs:,}", *theirs]))
    lines.append(_line(["**total**", "", f"{recounts[0].ours_total:,}", *map(_total, recounts)]))
    own = sum(node.facts.params for node in network.layers if node.owns_parameters)
    lines.append(_line(["parameters", "", f"{own:,}", *(f"{one.params:,}" for one in recounts)]))
    return "\n".join(lines) + "\n"


def _total(one: Recount) -> str:
    return ("" if one.status is Status.COMPLETE else "≥ ") + f"{one.total:,}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
