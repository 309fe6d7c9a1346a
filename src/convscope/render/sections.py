"""The zoo and other tools' counts as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..layers.base import show_shape
from ..layers.connection import Shape
from ..layers.operations import Status
from ..text.table import Cell, Column, Number, Table

if TYPE_CHECKING:
    from ..analysis.counted_by import Recount
    from ..network import Network


class ZooEntry(NamedTuple):
    """One network of the zoo in a line."""

    name: str
    input_shape: Shape
    layers: int
    params: int
    macs: int

    @classmethod
    def of(cls, network: Network, name: str) -> ZooEntry:
        """Return a network's line."""
        nodes = network.layers
        return cls(
            name,
            network.input_shape,
            len(nodes),
            sum(node.facts.params for node in nodes if node.owns_parameters),
            sum(node.facts.operations.macs for node in nodes),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**self._asdict(), "input_shape": list(self.input_shape)}


def zoo_table(entries: Sequence[ZooEntry]) -> Table:
    """Return the zoo as a table."""
    columns = (
        Column("network", 0, right=False),
        Column("input", 1),
        Column("layers", 2),
        Column("params", 0),
        Column("MACs", 0),
    )
    rows: list[list[Cell]] = [[e.name, show_shape(e.input_shape), e.layers, e.params, e.macs] for e in entries]
    note = "convscope inspect NAME shows one of them; --input changes the size of its images."
    return Table(columns, rows, notes=(note,), core=2)


def recount_table(counted: Recount) -> Table:
    """Return another tool's numbers beside ours; a letter leads to the reason why a number differs."""
    columns = (
        Column("layer", 0, right=False, least=20),
        Column("kind", 1, right=False, least=12),
        Column("our MACs", 0),
        Column(f"{counted.tool} {counted.unit}", 0),
        Column("why", 0, right=False),
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
        ["total", "", counted.ours_total, Number(counted.total, mark), ""],
        f"{counted.model} as {counted.tool} {counted.version} counts it",
        (
            *(f"{sign}: {reason}" for reason, sign in letter.items()),
            f"parameters by {counted.tool}: {counted.params:,}",
            *counted.notes,
        ),
        core=1,
    )


def _letter(number: int) -> str:
    """Return a, b, … z, aa, ab, …"""
    more, last = divmod(number, 26)
    return (_letter(more - 1) if more else "") + chr(ord("a") + last)
