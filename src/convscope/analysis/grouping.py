"""Groups of layers by the prefixes of their dotted names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..layers.connection import Shape
from ..layers.operations import NO_OPERATIONS, Operations
from ..text.lists import counted

if TYPE_CHECKING:
    from .receptive_field import ReceptiveField
    from .report import LayerRow

_STATUSES = ("complete", "lower_bound", "unknown")


@dataclass(frozen=True)
class LayerGroup:
    """Several layers as one row: totals, and the output and receptive field of the last.

    It has the attributes of a report's LayerRow that tables show.
    """

    name: str
    members: tuple[LayerRow, ...]
    inputs: tuple[str, ...]

    shares: None = None

    @property
    def kind(self) -> str:
        """Return how many layers there are."""
        return counted(len(self.members), "layer")

    @property
    def output_shape(self) -> Shape:
        return self.members[-1].output_shape

    @property
    def receptive_field(self) -> ReceptiveField:
        """Return the last layer's receptive field."""
        return self.members[-1].receptive_field

    @property
    def params(self) -> int:
        """Return the sum of the parameters."""
        return sum(row.params for row in self.members)

    @property
    def operations(self) -> Operations:
        total = NO_OPERATIONS
        for row in self.members:
            total = total.plus(row.operations)
        return total

    @property
    def activation_bytes(self) -> int:
        """Return the size of all outputs in float32."""
        return sum(row.activation_bytes for row in self.members)

    @property
    def status(self) -> str:
        """Return the worst status of the layers; a sum with an unknown part is a lower bound."""
        worst = max((row.status for row in self.members), key=_STATUSES.index)
        return worst if worst == "complete" else "lower_bound"


def rows_at_depth(rows: Iterable[LayerRow], depth: int) -> list[LayerRow | LayerGroup]:
    """Return rows in which layers with the same first `depth` parts of their dotted names are one.

    A group is placed where its first layer is; it lists the inputs that come from outside.
    """
    groups: dict[str, list[LayerRow]] = {}
    for row in rows:
        groups.setdefault(group_name(row.name, depth), []).append(row)
    shown: list[LayerRow | LayerGroup] = []
    for name, members in groups.items():
        if len(members) == 1 and members[0].name == name:
            shown.append(members[0])
            continue
        own = {row.name for row in members}
        outside = (group_name(source, depth) for row in members for source in row.inputs if source not in own)
        shown.append(LayerGroup(name, tuple(members), tuple(dict.fromkeys(outside))))
    return shown


def group_name(name: str, depth: int) -> str:
    """Return the first `depth` parts of a dotted name.

    >>> group_name("layer1.0.conv1", 2)
    'layer1.0'
    """
    return ".".join(name.split(".")[:depth])
