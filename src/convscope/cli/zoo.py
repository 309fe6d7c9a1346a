"""`convscope zoo`: the bundled networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..text.language import Message
from .group import COMMANDS
from .options import json_option, language_option
from .output import print_result

if TYPE_CHECKING:
    from ..layers.connection import Shape
    from ..network import Network
    from ..text.table import Table


@click.command("zoo", short_help=COMMANDS["zoo"])
@language_option
@json_option
def command(as_json: bool) -> None:
    """List the bundled networks with their input shape, parameters and MACs.

    \b
    Example:
      convscope zoo
    """
    from ..files.readable_json import to_json
    from ..loading import load, zoo_names
    from ..text.terminal import paint_for, terminal_width

    entries = [ZooEntry.of(load(name), name) for name in zoo_names()]
    if as_json:
        print_result(to_json([entry.to_dict() for entry in entries]))
    else:
        print_result(zoo_table(entries).text(terminal_width(), paint_for()))


class ZooEntry(NamedTuple):
    """Row of the table of bundled networks."""

    name: str
    input_shape: Shape
    layers: int
    params: int
    macs: int

    @classmethod
    def of(cls, network: Network, name: str) -> ZooEntry:
        """Return the row of a network."""
        from ..analysis.report import inspect

        report = inspect(network)
        return cls(name, network.input_shape, len(report), report.totals.params, report.totals.macs)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**self._asdict(), "input_shape": list(self.input_shape)}


def zoo_table(entries: Sequence[ZooEntry]) -> Table:
    """Return the bundled networks as a table."""
    from ..layers.base import show_shape
    from ..text.table import Cell, Column, Table

    columns = (
        Column(Message("network"), 0, right=False),
        Column(Message("input"), 1),
        Column(Message("layers"), 2),
        Column(Message("params"), 0),
        Column("MACs", 0),
    )
    rows: list[list[Cell]] = [[e.name, show_shape(e.input_shape), e.layers, e.params, e.macs] for e in entries]
    note = Message("Show a network with `convscope inspect NAME`; change its input shape with --input.")
    return Table(columns, rows, notes=(note,), core=2)
