"""The report of a network: output, cost and receptive field of every layer, and totals."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UnknownLayer, suggest
from ..layers.connection import Shape
from ..layers.operations import Operations
from ..network import Network, Node
from .memory import FLOAT_BYTES, peaks
from .receptive_field import ReceptiveField, receptive_fields

if TYPE_CHECKING:
    from .counted_by import Recount

SCHEMA = 1


class LayerRow(NamedTuple):
    """One layer of a report, with its receptive field. Counts are per image."""

    node: Node
    receptive_field: ReceptiveField

    @property
    def name(self) -> str:
        """Return the layer's name."""
        return self.node.name

    @property
    def kind(self) -> str:
        """Return the layer's type."""
        return self.node.facts.kind

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of its input layers."""
        return self.node.inputs

    @property
    def output_shape(self) -> Shape:
        """Return the output shape, without the batch axis."""
        return self.node.facts.output_shape

    @property
    def params(self) -> int:
        """Return the learned parameters; 0 where they are another layer's (see `shares`)."""
        return self.node.params

    @property
    def shares(self) -> str | None:
        """Return the layer that owns the shared parameters, None where it is this one."""
        return None if self.node.owns_parameters else self.node.parameters_of

    @property
    def macs(self) -> int:
        """Return the multiply-adds of convolutions, dense layers and matrix products."""
        return self.node.facts.operations.macs

    @property
    def operations(self) -> Operations:
        return self.node.facts.operations

    @property
    def multiplications(self) -> int:
        """Return all multiplications."""
        return self.node.facts.operations.multiplications

    @property
    def additions(self) -> int:
        """Return all additions and subtractions."""
        return self.node.facts.operations.additions

    @property
    def comparisons(self) -> int:
        """Return all comparisons."""
        return self.node.facts.operations.comparisons

    @property
    def divisions(self) -> int:
        """Return all divisions and roots."""
        return self.node.facts.operations.divisions

    @property
    def exponentials(self) -> int:
        """Return all exponentials, logarithms and powers."""
        return self.node.facts.operations.exponentials

    @property
    def activation_bytes(self) -> int:
        """Return the output's size in float32."""
        return FLOAT_BYTES * self.node.facts.elements

    @property
    def status(self) -> str:
        """Return complete, lower_bound or unknown."""
        return self.node.facts.status.word

    @property
    def origin(self) -> str | None:
        """Return the location of the layer in the imported model."""
        return self.node.origin

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "inputs": list(self.inputs),
            "output_shape": list(self.output_shape),
            "params": self.params,
            **self.operations._asdict(),
            "activation_bytes": self.activation_bytes,
            "status": self.status,
            "receptive_field": self.receptive_field.to_dict(),
        }
        if self.node.frozen and self.shares is None:
            frozen = self.node.frozen_params
            document |= {"trainable_params": self.params - frozen, "frozen_params": frozen}
            document["frozen"] = list(self.node.frozen)
        if self.shares is not None:
            document["shares"] = self.shares
        if self.origin is not None:
            document["origin"] = self.origin
        return document


class Totals(NamedTuple):
    """Sums over a network, per image; peaks are by liveness (see `analysis.memory`)."""

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
    """Static analysis of a network, without running it.

    >>> from convscope import load
    >>> report = inspect(load("alexnet"))
    >>> report["conv1"].receptive_field.size
    (11, 11)
    """

    def __init__(self, network: Network, rows: list[LayerRow]) -> None:
        self.network = network
        self.rows = rows

    def __iter__(self) -> Iterator[LayerRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> LayerRow:
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownLayer(
                "{network} has no layer {layer!r}. {hint} [layer-name]",
                network=self.network.name,
                layer=name,
                hint=suggest(name, self._by_name),
            ) from None

    @cached_property
    def _by_name(self) -> dict[str, LayerRow]:
        return {row.name: row for row in self.rows}

    @cached_property
    def totals(self) -> Totals:
        """Return the sums over all layers."""
        columns = self.network.columns
        counts = [sum(column) for column in zip(*columns.operations, strict=True)]
        params = self.network.parameter_count
        given = sum([node.facts.elements for node in self.network.inputs])
        peak = peaks(self.network)
        return Totals(
            params,
            *Operations(*counts),
            FLOAT_BYTES * (sum(columns.elements) - given),
            peak.inference_bytes,
            peak.training_bytes,
            FLOAT_BYTES * params,
            max(columns.status).word,
        )

    @cached_property
    def frozen_params(self) -> int:
        """Return the elements of all frozen parameters, which count among the totals' `params`."""
        return sum([node.frozen_params for node in self.network.nodes])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; the split of the parameters is in it where a layer is frozen."""
        inputs = self.network.inputs
        totals = self.totals._asdict()
        if any(node.frozen for node in self.network.nodes):
            totals |= {
                "trainable_params": totals["params"] - self.frozen_params,
                "frozen_params": self.frozen_params,
            }
        return {
            "schema": SCHEMA,
            "model": self.network.name,
            "input_shape": list(self.network.input_shape),
            **({} if len(inputs) == 1 else {"input_shapes": {n.name: list(n.output_shape) for n in inputs}}),
            "layers": [row.to_dict() for row in self.rows],
            "totals": totals,
        }

    def as_counted_by(self, tool: str) -> Recount:
        """Return what another tool reports for this network, and why it differs."""
        from .counted_by import recount

        return recount(self.network, tool)

    def __str__(self) -> str:
        from ..render.report import report_table

        return report_table(self)

    def _repr_html_(self) -> str:
        from ..render.report import report_html

        return report_html(self)


def inspect(network: Network) -> Report:
    """Report shape, parameters, operations, memory and receptive field of every layer, in one static pass."""
    fields = receptive_fields(network)
    return Report(network, [LayerRow(node, ReceptiveField(fields[node.index])) for node in network.layers])
