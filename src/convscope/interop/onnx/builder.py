"""The network under construction: its layers, their names and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.facts import facts
from ...layers.rearrange import Flatten, Reshape
from ...network import Entry, is_name
from .values import Constant, Flow, with_axis


class Builder:
    """The network's entries, and the constants that are their parameters."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.parameters: dict[str, Mapping[str, Constant]] = {}
        self._names: set[str] = set()
        self._owners: dict[tuple[str | None, ...], str] = {}

    def add(
        self,
        layer: Layer,
        inputs: Sequence[Flow],
        name: str,
        origin: str | None,
        parameters: Mapping[str, Constant] | None = None,
    ) -> Flow:
        """Append a layer. Layers that use the same initializers share parameters.

        The output's batch axis is that of the first input. Errors of the layer are not caught.
        """
        flows = [self.settle(flow) for flow in inputs]
        output = facts(layer, tuple(flow.image for flow in flows)).output_shape
        name = self.append(layer, tuple([flow.layer for flow in flows]), name, origin, parameters or {})
        if not flows:
            return Flow(name, output, None, output, 0)
        first = flows[0]
        if output == first.image:
            return Flow(name, first.shape, first.batch, output, first.dtype)
        size = 1 if first.batch is None else first.shape[first.batch]
        batch = first.batch if first.batch is None else min(first.batch, len(output))
        return Flow(name, with_axis(output, batch, size), batch, output, first.dtype)

    def append(
        self,
        layer: Layer,
        inputs: tuple[str, ...],
        name: str,
        origin: str | None,
        parameters: Mapping[str, Constant],
    ) -> str:
        """Append a layer that is known to fit its inputs, and return its name."""
        name = self.free_name(name)
        owner = None
        if parameters:
            owner = self._owner(name, parameters)
            if owner is None:
                self.parameters[name] = parameters
        self._names.add(name)
        self.entries.append(Entry(name, layer, inputs, owner, origin))
        return name

    def settle(self, flow: Flow) -> Flow:
        """Return the flow with a layer whose output has the flow's shape."""
        if flow.matches_layer:
            return flow
        layer = reshaping(flow.image)
        facts(layer, (flow.layer_shape,))
        name = self.append(layer, (flow.layer,), f"{flow.layer}.shape", None, {})
        return Flow(name, flow.shape, flow.batch, flow.image, flow.dtype)

    def free_name(self, wanted: str) -> str:
        """Return a unique name, with the characters replaced that the notation reserves."""
        legal = wanted if is_name(wanted) else "".join(char if is_name(char) else "_" for char in wanted)
        if legal not in self._names:
            return legal
        return next(name for name in (f"{legal}_{n}" for n in count(2)) if name not in self._names)

    def back_to(self, count: int) -> None:
        """Remove all entries after the first `count`."""
        removed = {entry.name for entry in self.entries[count:]}
        if not removed:
            return
        del self.entries[count:]
        self._names -= removed
        for name in removed:
            self.parameters.pop(name, None)
        self._owners = {keys: name for keys, name in self._owners.items() if name not in removed}

    def _owner(self, name: str, parameters: Mapping[str, Constant]) -> str | None:
        """Return the layer that owns these parameters already; otherwise make `name` the owner."""
        keys = tuple([constant.key for constant in parameters.values()])
        if None in keys:
            return None
        owner = self._owners.setdefault((*parameters, *keys), name)
        return None if owner == name else owner


def reshaping(image: Shape) -> Layer:
    """Return the layer that reshapes to this shape."""
    return Flatten() if len(image) == 1 else Reshape(image)
