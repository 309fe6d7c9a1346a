"""The layers of the network to be: entries with unique names, whose parameters, and where their numbers are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...errors import BadShape
from ...layers.base import Layer, ParamShapes, show_shape, size_of
from ...layers.connection import Shape
from ...layers.facts import facts
from ...layers.structural import Identity, Input
from ...network import Entry, Network, is_name
from .symbolic import Unmapped
from .weights import Weights, frozen_parameters


class Mark(NamedTuple):
    """How far the building had come."""

    entries: int
    owners: int
    weights: int


class Builder:
    """Entries in the order in which they were found."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.shapes: dict[str, Shape] = {}
        self.weights: dict[str, Weights] = {}
        self._owners: dict[object, str] = {}
        self._used: dict[str, int] = {}

    def add_input(self, shape: Shape, name: str, origin: str) -> str:
        """Add an input of the network."""
        return self._keep(Entry(self.unique(name), Input(shape), origin=origin), shape)

    def add(
        self,
        name: str,
        layer: Layer,
        inputs: Sequence[str],
        parameters: Mapping[str, Weights] | None = None,
        buffers: Mapping[str, Weights] | None = None,
        origin: str | None = None,
        frozen: Sequence[str] = (),
    ) -> str:
        """Add a layer; one with the same variables as another shares its parameters.

        `frozen` are the statistics that training leaves as they are, of a layer without parameters.

        Errors:   ConvscopeError where the layer cannot take its inputs
        """
        known = facts(layer, tuple(self.shapes[one] for one in inputs))
        for kind, weights in (parameters or {}).items():
            _check_size(f"{known.kind}.{kind}", weights, known.param_shapes[kind])
        name = self.unique(name)
        owner = name
        if parameters:
            key = tuple(sorted((kind, weights.key) for kind, weights in parameters.items()))
            owner = self._owners.setdefault(key, name)
        if owner == name:
            for kind, weights in {**(parameters or {}), **(buffers or {})}.items():
                self.weights[f"{name}.{kind}"] = weights
        else:
            self._check_same(owner, parameters or {}, known.param_shapes)
        shares = None if owner == name else owner
        fixed = () if shares else (*frozen_parameters(parameters or {}), *frozen)
        return self._keep(Entry(name, layer, tuple(inputs), shares, origin, fixed), known.output_shape)

    def _check_same(self, owner: str, parameters: Mapping[str, Weights], shapes: ParamShapes) -> None:
        """Refuse weights that another layer has in another form: they cannot be shared.

        Errors:   Unmapped
        """
        entry = self.entries[owner]
        here = facts(entry.layer, tuple(self.shapes[one] for one in entry.inputs)).param_shapes
        for kind, weights in parameters.items():
            other = self.weights[f"{owner}.{kind}"].form
            if here.get(kind) != shapes[kind] or (None not in (other, weights.form) and other != weights.form):
                raise Unmapped("a weight in two forms")

    def unique(self, wanted: str) -> str:
        """Return a legal name that nothing has yet: relu, relu_2, …"""
        legal = wanted if is_name(wanted) else "".join(one if is_name(one) else "_" for one in wanted) or "layer"
        name, number = legal, self._used.get(legal, 1)
        while name in self.entries:
            number += 1
            name = f"{legal}_{number}"
        self._used[legal] = number
        return name

    def mark(self) -> Mark:
        """Return the present state, to come back to."""
        return Mark(len(self.entries), len(self._owners), len(self.weights))

    def back_to(self, mark: Mark) -> None:
        """Forget what was added since."""
        for name in list(self.entries)[mark.entries :]:
            del self.entries[name], self.shapes[name]
        for key in list(self._owners)[mark.owners :]:
            del self._owners[key]
        for name in list(self.weights)[mark.weights :]:
            del self.weights[name]
        self._used.clear()

    def network(self, outputs: Iterable[str], name: str) -> Network:
        """Return the network of everything that the outputs need, inputs always included.

        The first output is the network's last layer: the one that a Model gives out.
        """
        wanted = list(dict.fromkeys(outputs))
        last = wanted[0]
        if any(last in one.inputs for one in self._needed(wanted)):
            last = self.add(f"{last}.output", Identity(), [last])
            wanted.append(last)
        kept = [one for one in self._needed(wanted) if one.name != last]
        return Network([*kept, self.entries[last]], name)

    def _needed(self, outputs: Iterable[str]) -> list[Entry]:
        needed = set(outputs)
        for one in reversed(self.entries.values()):
            if one.name in needed:
                needed.update(one.inputs)
                needed.update([one.shares] if one.shares else [])
        return [one for one in self.entries.values() if one.name in needed or not one.inputs]

    def _keep(self, entry: Entry, shape: Shape) -> str:
        self.entries[entry.name] = entry
        self.shapes[entry.name] = shape
        return entry.name


def _check_size(what: str, weights: Weights, shape: Shape) -> None:
    """Hold a parameter against the variables that it is made from, which are not read for it."""
    if weights.size != size_of(shape):
        raise BadShape(
            f"{what} must have the model's {weights.size:,} numbers; got {show_shape(shape)}; "
            "give the image's shape that the model was made for, channels first. [keras-weights]"
        )
