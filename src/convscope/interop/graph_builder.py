"""Construction of a network, layer by layer, by an importer; its weights."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from ..engines.protocol import Array
from ..engines.reference.layers.graph import buffer_shapes, parameter_shapes
from ..layers.base import Layer
from ..layers.connection import Shape
from ..layers.facts import Facts, facts
from ..layers.rearrange import Flatten, Reshape
from ..layers.structural import Identity, Input, Opaque
from ..network import Entry, Network, is_name

Weight = TypeVar("Weight")


def reshape_layer(shape: Shape) -> Flatten | Reshape:
    """Return the layer that reshapes to this shape."""
    return Flatten() if len(shape) == 1 else Reshape(shape)


def opaque_layer(operator: str, shape: Shape) -> Opaque:
    """Return the layer of an unsupported operator, with a name that the notation can write.

    >>> opaque_layer("my op", ())
    Opaque(operator='my_op', shape=(1,))
    """
    legal = "".join(one if one.isprintable() and one not in " |\"'#{}" else "_" for one in operator)
    return Opaque(legal, shape or (1,))


class GraphBuilder(Generic[Weight]):
    """Layers in the order in which they are found, with unique names.

    `parameters` maps the name of each layer that owns parameters or buffers to these, by their names in the layer.
    A layer with the parameters of an earlier one shares them, as decided by `sharing_key`.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.parameters: dict[str, Mapping[str, Weight]] = {}
        self._names: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._owners: dict[Hashable, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def append(
        self,
        layer: Layer,
        inputs: tuple[str, ...],
        name: str,
        origin: str | None,
        parameters: Mapping[str, Weight],
        buffers: Mapping[str, Weight] | None = None,
        frozen: Sequence[str] = (),
    ) -> str:
        """Append a layer that fits its inputs, and return the name it got.

        `frozen` are the parameters that are not trained, or the running statistics of a layer without parameters.
        """
        name = self.unique_name(name)
        owner = self.share_parameters(name, parameters) if parameters else None
        if owner is None and (parameters or buffers):
            self.parameters[name] = {**parameters, **buffers} if buffers else parameters
        self._names.add(name)
        self.entries.append(Entry(name, layer, inputs, owner, origin, () if owner else tuple(frozen)))
        return name

    def share_parameters(self, name: str, parameters: Mapping[str, Weight]) -> str | None:
        """Return the layer whose parameters these are; None, and `name` becomes their owner, if there is none."""
        key = self.sharing_key(parameters)
        if key is None:
            return None
        owner = self._owners.setdefault(key, name)
        return None if owner == name else owner

    def sharing_key(self, parameters: Mapping[str, Weight]) -> Hashable | None:
        """Return a key that equal parameters have in common; None if they are never shared."""
        raise NotImplementedError

    def unique_name(self, wanted: str) -> str:
        """Return a legal name that no layer has: relu, relu_2, …"""
        legal = wanted if is_name(wanted) else "".join(one if is_name(one) else "_" for one in wanted) or "layer"
        if legal not in self._names:
            return legal
        number = self._numbers.get(legal, 2)
        while (name := f"{legal}_{number}") in self._names:
            number += 1
        self._numbers[legal] = number
        return name

    def rollback(self, count: int) -> None:
        """Remove all layers but the first `count`."""
        removed = {entry.name for entry in self.entries[count:]}
        if not removed:
            return
        del self.entries[count:]
        self._names -= removed
        self._numbers.clear()
        for name in removed:
            self.parameters.pop(name, None)
        self._owners = {key: owner for key, owner in self._owners.items() if owner not in removed}

    def select_needed(self, outputs: Iterable[str]) -> list[Entry]:
        """Return the layers that outputs depend on, the owners of shared parameters included."""
        names = set(outputs)
        for entry in reversed(self.entries):
            if entry.name in names:
                names.update(entry.inputs)
                names.update([entry.shares] if entry.shares else [])
        return [entry for entry in self.entries if entry.name in names]

    def build(self, outputs: Iterable[str], name: str) -> Network:
        """Return the network of all inputs and of the layers that outputs depend on.

        The first output becomes the last layer, which is the one whose output a Model returns.
        """
        names = [*outputs, *(entry.name for entry in self.entries if isinstance(entry.layer, Input))]
        last = names[0]
        entries = self.select_needed(names)
        if any(last in entry.inputs for entry in entries):
            last = self.append(Identity(), (last,), f"{last}.output", None, {})
            entries.append(self.entries[-1])
        entries.sort(key=lambda entry: entry.name == last)
        return Network(entries, name)

    def weights(self) -> dict[str, Weight]:
        """Return all parameters and buffers by their names in the network: `conv1.weight`."""
        return {
            f"{layer}.{name}": weight
            for layer, parameters in self.parameters.items()
            for name, weight in parameters.items()
        }


class ShapedGraphBuilder(GraphBuilder[Weight]):
    """A graph builder that infers, and keeps, the output shape of every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[str, Shape] = {}

    def add_input(self, shape: Shape, name: str, origin: str | None = None) -> str:
        """Add an input of the network."""
        return self.add(name, Input(shape), (), origin=origin)

    def add(
        self,
        name: str,
        layer: Layer,
        inputs: Sequence[str],
        parameters: Mapping[str, Weight] | None = None,
        buffers: Mapping[str, Weight] | None = None,
        origin: str | None = None,
        frozen: Sequence[str] = (),
    ) -> str:
        """Append a layer, and return the name it got.

        Raises:
            ConvscopeError: Where the layer cannot take its inputs.
        """
        inferred = facts(layer, tuple(self.shapes[one] for one in inputs))
        self.check_parameters(inferred, parameters or {})
        name = self.append(layer, tuple(inputs), name, origin, parameters or {}, buffers, frozen)
        self.shapes[name] = inferred.output_shape
        return name

    def add_opaque(self, name: str, operator: str, shape: Shape, inputs: Iterable[str], origin: str | None) -> str:
        """Append an Opaque layer for an unsupported operator; each input is connected once."""
        return self.add(name, opaque_layer(operator, shape), list(dict.fromkeys(inputs)), origin=origin)

    def check_parameters(self, inferred: Facts, parameters: Mapping[str, Weight]) -> None:
        """Refuse parameters that the layer cannot have; importers that can tell override it."""

    def rollback(self, count: int) -> None:
        for entry in self.entries[count:]:
            del self.shapes[entry.name]
        super().rollback(count)


class ImportedWeights(Mapping[str, Array]):
    """Parameters, running statistics and constants by name, read on demand.

    `read` returns the array of a name, in any shape of as many elements.
    """

    def __init__(self, network: Network, read: Callable[[str], Array]) -> None:
        self._network, self._read = network, read

    @cached_property
    def _shapes(self) -> Mapping[str, Shape]:
        return {**parameter_shapes(self._network), **buffer_shapes(self._network)}

    def __getitem__(self, name: str) -> Array:
        shape = self._shapes[name]
        return self._read(name).reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)
