"""The graph that a recording grows: entries with unique names, whose parameters, with which values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.facts import facts
from ...layers.structural import Input
from ...network import Entry, Network, is_name

if TYPE_CHECKING:
    from torch import Tensor


class Graph:
    """Entries in the order in which they were recorded."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.shapes: dict[str, Shape] = {}
        self.arrays: dict[str, Tensor] = {}
        self._owners: dict[tuple[int, ...], str] = {}
        self._shared: set[int] = set()
        self._used: dict[str, int] = {}

    def add_input(self, shape: Shape, name: str) -> str:
        """Add an input of the network."""
        return self._keep(Entry(self.unique(name), Input(shape)), shape)

    def add(
        self,
        name: str,
        layer: Layer,
        inputs: Sequence[str],
        parameters: Mapping[str, Tensor] | None = None,
        buffers: Mapping[str, Tensor] | None = None,
        origin: str | None = None,
        frozen: Sequence[str] = (),
    ) -> str:
        """Add a layer; one with parameters that another layer has already shares them. `frozen` are not trained.

        Errors:   ConvscopeError where the layer cannot take its inputs
        """
        shape = facts(layer, tuple(self.shapes[one] for one in inputs)).output_shape
        name = self.unique(name)
        identities = tuple(id(tensor) for tensor in (parameters or {}).values())
        owner = self._owners.setdefault(identities, name) if identities else name
        self._shared.update(identities)
        if owner == name:
            for kind, tensor in {**(parameters or {}), **(buffers or {})}.items():
                self.arrays[f"{name}.{kind}"] = tensor
        if owner != name:
            return self._keep(Entry(name, layer, tuple(inputs), owner, origin), shape)
        return self._keep(Entry(name, layer, tuple(inputs), None, origin, tuple(frozen)), shape)

    def forget(self, name: str) -> None:
        """Take back an entry that nothing uses."""
        del self.entries[name], self.shapes[name]
        self._owners = {key: owner for key, owner in self._owners.items() if owner != name}
        self._shared = {one for key in self._owners for one in key}
        for kind in [kind for kind in self.arrays if kind.rpartition(".")[0] == name]:
            del self.arrays[kind]

    def shares_part(self, parameters: Mapping[str, Tensor]) -> bool:
        """Tell whether some, but not all, of these parameters are another layer's."""
        identities = tuple(map(id, parameters.values()))
        return identities not in self._owners and not self._shared.isdisjoint(identities)

    def unique(self, wanted: str) -> str:
        """Return a legal name that nothing has yet: relu, relu_2, …"""
        name = wanted if is_name(wanted) else "".join(one if is_name(one) else "_" for one in wanted) or "layer"
        number = self._used.get(name, 0)
        self._used[name] = number + 1
        return name if not number else self.unique(f"{name}_{number + 1}")

    def network(self, outputs: Sequence[str], name: str) -> Network:
        """Return the network of everything that the outputs need."""
        needed = set(outputs)
        for one in reversed(self.entries.values()):
            if one.name in needed:
                needed.update(one.inputs)
                needed.update([one.shares] if one.shares else [])
        kept = [one for one in self.entries.values() if one.name in needed]
        return Network(kept, name)

    def _keep(self, entry: Entry, shape: Shape) -> str:
        self.entries[entry.name] = entry
        self.shapes[entry.name] = shape
        return entry.name
