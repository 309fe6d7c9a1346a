"""Layers as they are found in a graph, with their names and where their parameters lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.facts import facts
from ...layers.rearrange import Flatten, Reshape
from ...network import Entry, is_name
from .values import Constant, Flow, with_axis


class Mark(NamedTuple):
    """How far the building had come."""

    entries: int
    parameters: int
    owners: int


class Builder:
    """The entries of the network to be, and the constants that are their parameters."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.parameters: dict[str, Constant] = {}
        self._names: set[str] = set()
        self._owners: dict[tuple[tuple[str, str], ...], str] = {}

    def add(
        self,
        layer: Layer,
        inputs: Sequence[Flow],
        name: str,
        origin: str | None,
        parameters: Mapping[str, Constant] | None = None,
    ) -> Flow:
        """Append a layer; a second use of the same initializers shares the first one's parameters.

        The output's batch stands where the first input has it. Errors of the layer come through as they are.
        """
        flows = [self.settle(flow) for flow in inputs]
        output = facts(layer, tuple(flow.picture for flow in flows)).output_shape
        name = self.free_name(name)
        owner = self._owner(name, parameters or {})
        self._append(Entry(name, layer, tuple(flow.layer for flow in flows), owner, origin))
        if not flows:
            return Flow(name, output, None, output, 0)
        first = flows[0]
        size = 1 if first.batch is None else first.shape[first.batch]
        batch = first.batch if first.batch is None else min(first.batch, len(output))
        return Flow(name, with_axis(output, batch, size), batch, output, first.dtype)

    def settle(self, flow: Flow) -> Flow:
        """Return the flow with a layer whose output has its very shape."""
        if flow.settled:
            return flow
        name = self.free_name(f"{flow.layer}.shape")
        layer = reshaping(flow.picture)
        facts(layer, (flow.held,))
        self._append(Entry(name, layer, (flow.layer,)))
        return Flow(name, flow.shape, flow.batch, flow.picture, flow.dtype)

    def free_name(self, wanted: str) -> str:
        """Return the name without the signs that the notation needs, and with a number where it is taken."""
        legal = wanted if is_name(wanted) else "".join(sign if is_name(sign) else "_" for sign in wanted)
        if legal not in self._names:
            return legal
        return next(name for name in (f"{legal}_{n}" for n in count(2)) if name not in self._names)

    def mark(self) -> Mark:
        """Return the present state, to come back to."""
        return Mark(len(self.entries), len(self.parameters), len(self._owners))

    def back_to(self, mark: Mark) -> None:
        """Forget what was added since."""
        for entry in self.entries[mark.entries :]:
            self._names.discard(entry.name)
        del self.entries[mark.entries :]
        for name in list(self.parameters)[mark.parameters :]:
            del self.parameters[name]
        for keys in list(self._owners)[mark.owners :]:
            del self._owners[keys]

    def _append(self, entry: Entry) -> None:
        self._names.add(entry.name)
        self.entries.append(entry)

    def _owner(self, name: str, parameters: Mapping[str, Constant]) -> str | None:
        """Return the layer that has these very parameters already; else note that this one has them."""
        if parameters and all(constant.key is not None for constant in parameters.values()):
            keys = tuple(sorted((part, str(constant.key)) for part, constant in parameters.items()))
            owner = self._owners.setdefault(keys, name)
            if owner != name:
                return owner
        self.parameters.update({f"{name}.{part}": constant for part, constant in parameters.items()})
        return None


def reshaping(picture: Shape) -> Layer:
    """Return the layer that puts the same elements into this shape."""
    return Flatten() if len(picture) == 1 else Reshape(picture)
