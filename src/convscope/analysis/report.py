"""The report: what every layer outputs, costs and sees, and the sums."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UnknownLayer, nearest
from ..layers.connection import Shape
from ..layers.operations import Operations, Status
from ..network import Network
from .memory import FLOAT_BYTES, inference_peak_bytes, training_peak_bytes
from .receptive_field import ReceptiveField, receptive_fields, summary

if TYPE_CHECKING:
    from .counted_by import Recount

SCHEMA = 1


class Row(NamedTuple):
    """One layer of a report; numbers are per picture.

    `params` is 0 where parameters are shared, and `shares` then names the layer that counts them.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output_shape: Shape
    params: int
    macs: int
    multiplications: int
    additions: int
    comparisons: int
    divisions: int
    exponentials: int
    activation_bytes: int
    status: str
    receptive_field: ReceptiveField
    shares: str | None = None
    origin: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = self._asdict()
        document["inputs"] = list(self.inputs)
        document["output_shape"] = list(self.output_shape)
        document["receptive_field"] = self.receptive_field.to_dict()
        for name in ("shares", "origin"):
            if document[name] is None:
                del document[name]
        return document


class Totals(NamedTuple):
    """Sums over a network, per picture; peaks are by liveness (see `analysis.memory`)."""

    params: int
    macs: int
    multiplications: int
    additions: int
    comparisons: int
    divisions: int
    exponentials: int
    activation_bytes: int
    peak_activation_bytes: int
    peak_training_bytes: int
    parameter_bytes: int
    status: str


class Report:
    """Everything known of a network without running it.

    >>> from convscope import load
    >>> report = inspect(load("alexnet"))
    >>> report["conv1"].receptive_field.size
    (11, 11)
    """

    def __init__(self, network: Network, rows: list[Row]) -> None:
        self.network = network
        self.rows = rows

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> Row:
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownLayer(
                f"{self.network.name} has no layer {name!r}; {nearest(name, self._by_name)} [layer-name]"
            ) from None

    @cached_property
    def _by_name(self) -> dict[str, Row]:
        return {row.name: row for row in self.rows}

    @cached_property
    def totals(self) -> Totals:
        """Return the sums over all layers."""
        nodes = self.network.layers
        # Equal layers share their facts, so a plain sum by column is all that is left to do.
        counts = [sum(column) for column in zip(*(node.facts.operations for node in nodes), strict=True)]
        params = sum([row.params for row in self.rows])
        worst = max((node.facts.status for node in nodes), default=Status.COMPLETE)
        return Totals(
            params,
            *(counts or Operations()),
            FLOAT_BYTES * sum([node.facts.elements for node in nodes]),
            inference_peak_bytes(self.network),
            training_peak_bytes(self.network),
            FLOAT_BYTES * params,
            worst.word,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": SCHEMA,
            "model": self.network.name,
            "input_shape": list(self.network.input_shape),
            "layers": [row.to_dict() for row in self.rows],
            "totals": self.totals._asdict(),
        }

    def as_counted_by(self, tool: str) -> Recount:
        """Return what another tool would print for this network, and why it differs."""
        from .counted_by import recount

        return recount(self.network, tool)

    def __str__(self) -> str:
        from ..present.table import report_table

        return report_table(self)

    def _repr_html_(self) -> str:
        from ..present.table import report_html

        return report_html(self)


def inspect(model: Network | str) -> Report:
    """Report shape, parameters, operations, memory and receptive field of every layer, in one static pass.

    `model` is a Network or anything `load` takes.
    """
    if not isinstance(model, Network):
        from ..models import load

        model = load(model)
    views = receptive_fields(model)
    rows = []
    known: dict[int, ReceptiveField] = {}
    for node in model.nodes:
        if not node.inputs:
            continue
        facts = node.facts
        view = views[node.index]
        field = known.get(id(view))
        if field is None:
            field = known[id(view)] = summary(view)
        owned = node.parameters_of == node.name
        rows.append(
            Row(
                node.name,
                facts.kind,
                node.inputs,
                facts.output_shape,
                facts.params if owned else 0,
                *facts.operations,
                FLOAT_BYTES * facts.elements,
                facts.status.word,
                field,
                None if owned else node.parameters_of,
                node.origin,
            )
        )
    return Report(model, rows)
