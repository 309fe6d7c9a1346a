"""Layer-by-layer comparison of two networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..network import Network
from ..text.notebook import Preformatted
from .matching import matched_layers
from .report import LayerRow, Report, inspect

Change = Literal["same", "changed", "added", "removed"]

_COUNTS = ("params", "macs", "activation_bytes")
_TOTALS = (
    "params",
    "macs",
    "multiplications",
    "additions",
    "activation_bytes",
    "peak_activation_bytes",
    "peak_training_bytes",
    "parameter_bytes",
)


class Difference(NamedTuple):
    """A difference between two matched layers."""

    what: str
    a: Any
    b: Any


class ComparedLayer(NamedTuple):
    """A layer of either network, or of both. `differences` lists what differs."""

    change: Change
    a: LayerRow | None
    b: LayerRow | None
    differences: tuple[Difference, ...]

    @property
    def name(self) -> str:
        """Return the layer's name; `old → new` where it was renamed."""
        names = dict.fromkeys(row.name for row in (self.a, self.b) if row is not None)
        return " → ".join(names)

    @property
    def kind(self) -> str:
        """Return the layer's type; `old → new` where it was replaced."""
        return " → ".join(dict.fromkeys(row.kind for row in (self.a, self.b) if row is not None))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "change": self.change,
            "a": None if self.a is None else self.a.name,
            "b": None if self.b is None else self.b.name,
            "kind": self.kind,
            "differences": {one.what: {"a": one.a, "b": one.b} for one in self.differences},
        }


class ComparedTotal(NamedTuple):
    """A sum over both networks; `ratio` is b / a, None where a is 0."""

    what: str
    a: int
    b: int

    @property
    def difference(self) -> int:
        """Return b − a."""
        return self.b - self.a

    @property
    def ratio(self) -> float | None:
        """Return b / a."""
        return self.b / self.a if self.a else None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"a": self.a, "b": self.b, "difference": self.difference, "ratio": self.ratio}


@dataclass(frozen=True)
class Comparison(Preformatted):
    """Comparison of two networks. `rows` follow network a; added layers are at b's position."""

    a: Report
    b: Report
    rows: tuple[ComparedLayer, ...]
    totals: tuple[ComparedTotal, ...]
    status: tuple[str, str]

    @property
    def same(self) -> bool:
        """Return whether no layer differs in settings, shape, cost or field."""
        return all(row.change == "same" and row.a is not None for row in self.rows)

    def count(self, change: Change) -> int:
        """Return how many layers are the same, changed, added or removed."""
        return sum(row.change == change for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": 1,
            "a": self.a.network.name,
            "b": self.b.network.name,
            "same": self.same,
            "layers": [row.to_dict() for row in self.rows],
            "totals": {total.what: total.to_dict() for total in self.totals},
            "status": {"a": self.status[0], "b": self.status[1]},
        }

    def __str__(self) -> str:
        from ..render.comparison import comparison_text
        from ..text.terminal import terminal_width

        return comparison_text(self, terminal_width())


def compare(a: Network, b: Network) -> Comparison:
    """Compare two networks layer by layer and in sum.

    `analysis.matching` describes how layers are matched.
    """
    one, two = inspect(a), inspect(b)
    rows = tuple(_in_order(one, two, matched_layers(one.rows, two.rows)))
    sums_a, sums_b = one.totals, two.totals
    totals = tuple(ComparedTotal(name, getattr(sums_a, name), getattr(sums_b, name)) for name in _TOTALS)
    return Comparison(one, two, rows, totals, (sums_a.status, sums_b.status))


def _in_order(one: Report, two: Report, matched: dict[str, str]) -> Iterator[ComparedLayer]:
    """Yield the layers in a's order; an added layer follows its predecessor in b, after removed ones."""
    taken = set(matched.values())
    added_after: dict[str | None, list[LayerRow]] = {}
    anchor: str | None = None
    for row in two.rows:
        if row.name in taken:
            anchor = row.name
        else:
            added_after.setdefault(anchor, []).append(row)
    waiting = added_after.get(None, [])
    for row in one.rows:
        partner = matched.get(row.name)
        if partner is None:
            yield ComparedLayer("removed", row, None, ())
            continue
        yield from (ComparedLayer("added", None, late, ()) for late in waiting)
        waiting = added_after.get(partner, [])
        other = two[partner]
        differences = tuple(_differences(row, other, matched))
        yield ComparedLayer("changed" if differences else "same", row, other, differences)
    yield from (ComparedLayer("added", None, late, ()) for late in waiting)


def _differences(a: LayerRow, b: LayerRow, matched: dict[str, str]) -> Iterator[Difference]:
    """Yield the differences of two matched layers."""
    if a.kind != b.kind:
        yield Difference("kind", a.kind, b.kind)
    elif a.node.layer != b.node.layer:
        for name, form in a.node.layer.forms():
            old, new = getattr(a.node.layer, name), getattr(b.node.layer, name)
            if old != new:
                yield Difference(name, *(None if value is None else form.format(value) for value in (old, new)))
    if a.node.frozen != b.node.frozen:
        yield Difference("frozen", list(a.node.frozen) or None, list(b.node.frozen) or None)
    if _rewired(a.inputs, b.inputs, matched):
        yield Difference("inputs", list(a.inputs), list(b.inputs))
    if a.output_shape != b.output_shape:
        yield Difference("output_shape", list(a.output_shape), list(b.output_shape))
    for name in _COUNTS:
        if getattr(a, name) != getattr(b, name):
            yield Difference(name, getattr(a, name), getattr(b, name))
    if a.receptive_field != b.receptive_field:
        yield Difference("receptive_field", a.receptive_field.to_dict(), b.receptive_field.to_dict())


def _rewired(a: tuple[str, ...], b: tuple[str, ...], matched: dict[str, str]) -> bool:
    """Return whether inputs changed, apart from layers added or removed in between."""
    if len(a) != len(b):
        return True
    known = set(matched.values())
    return any(old in matched and new in known and matched[old] != new for old, new in zip(a, b, strict=True))
