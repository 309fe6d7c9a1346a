"""Weights of imported networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from ..engines.protocol import Array
from ..engines.reference.layers.graph import buffer_shapes, parameter_shapes
from ..layers.connection import Shape
from ..network import Network


class ImportedWeights(Mapping[str, Array]):
    """Parameters, running statistics and constants of a network by name, each read when it is asked for.

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
