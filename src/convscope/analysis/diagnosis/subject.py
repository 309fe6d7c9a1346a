"""A network under diagnosis, with lazily computed analyses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ...axis import Window
from ...errors import ConvscopeError
from ...layers.connection import Shape
from ...layers.convolution import Conv
from ...layers.facts import facts
from ...layers.pooling import Pool
from ...network import Network, Node
from ..intervals import Interval, intervals
from ..paths import Paths, origin_axes
from ..receptive_field import AxisField, receptive_fields
from ..report import Report, inspect
from .narrowest import Narrow, narrowest_fields


class Subject:
    """A network under diagnosis."""

    def __init__(
        self, network: Network, object_size: Shape | None = None, other_input: Shape | None = None
    ) -> None:
        self.network = network
        self.object_size = object_size
        self.other_input = other_input

    @property
    def image(self) -> Shape:
        """Return the input's size along its position axes."""
        network = self.network
        return tuple(network.input_shape[axis] for axis in origin_axes(network, network.inputs[0]))

    @cached_property
    def fields(self) -> list[Paths[AxisField] | None]:
        """Return the receptive fields of all nodes."""
        return receptive_fields(self.network)

    @cached_property
    def exact(self) -> list[Paths[Interval] | None]:
        """Return the exact intervals of all nodes."""
        return intervals(self.network)

    @cached_property
    def narrowest(self) -> list[Paths[Narrow] | None]:
        """Return the fields along the narrowest path."""
        return narrowest_fields(self.network)

    @cached_property
    def report(self) -> Report:
        """Return the counts."""
        return inspect(self.network)

    @cached_property
    def spatial(self) -> tuple[tuple[Node, tuple[Window, ...]], ...]:
        """Return the convolutions and pools that join neighboring pixels, with their windows."""
        return tuple((n, w) for n, w in windowed_nodes(self.network) if any(one.reach > 1 for one in w))

    @cached_property
    def last_spatial(self) -> Node | None:
        """Return the layer that made the last map whose units still lie over the image."""
        return last_spatial(self.network, self.fields)


def windowed_nodes(network: Network) -> Iterator[tuple[Node, tuple[Window, ...]]]:
    """Yield every convolution and pool with its windows on this input."""
    for node in network.nodes:
        if isinstance(node.layer, Conv | Pool):
            yield node, node.layer.windows(node.input_shapes[0])


def is_local(view: Paths[Any] | None) -> bool:
    """Tell whether each position axis of the input is walked along by an axis of its own."""
    if view is None or view.lost_at is not None or view.via is not None:
        return False
    if any(type(driver) is not int for driver in view.drivers):
        return False
    return len(set(view.drivers)) == len(view.drivers)


def lies_over_image(view: Paths[Any] | None, rank: int) -> bool:
    """Tell whether a map's spatial axes, in order, are the image's."""
    return is_local(view) and view is not None and view.drivers == tuple(range(1, rank + 1))


def last_spatial(network: Network, fields: list[Paths[AxisField] | None]) -> Node | None:
    """Return the layer that made the last map before global pooling or dense layers; None without one.

    Element-wise layers after it see the same and are passed over.
    """
    if len(network.input_shape) < 2:
        return None
    found = next((node for node in reversed(network.nodes) if is_local(fields[node.index])), None)
    while found is not None and found.sources and fields[found.sources[0]] is fields[found.index]:
        found = network.nodes[found.sources[0]]
    return found


def shapes_for(network: Network, shape: Shape) -> list[Shape] | None:
    """Return every node's output shape for another input; None where a layer cannot take it."""
    first = network.inputs[0]
    shapes: list[Shape] = []
    for node in network.nodes:
        if node is first:
            shapes.append(shape)
            continue
        try:
            known = facts(node.layer, tuple([shapes[source] for source in node.sources]))
        except ConvscopeError:
            return None
        shapes.append(known.output_shape)
    return shapes
