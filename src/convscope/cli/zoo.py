"""`convscope zoo`: the networks that come with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .group import VERBS
from .options import json_option
from .output import print_result

if TYPE_CHECKING:
    from ..layers.connection import Shape
    from ..network import Network
    from ..text.table import Table


@click.command("zoo", short_help=VERBS["zoo"])
@json_option
def command(as_json: bool) -> None:
    """List the networks that come with convscope, with their input, parameters and MACs.

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
    from ..layers.base import show_shape
    from ..text.table import Cell, Column, Table

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
