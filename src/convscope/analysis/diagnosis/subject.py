"""A network under diagnosis, with lazily computed analyses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...axis import AxisMap, Window
from ...errors import ConvscopeError
from ...layers.connection import Shape
from ...layers.convolution import Conv
from ...layers.facts import facts
from ...layers.pooling import Pool
from ...network import Network, Node
from ..intervals import Interval, intervals
from ..paths import Paths, follow, origin_axes
from ..receptive_field import AxisField, receptive_fields
from ..report import Report, inspect


class Narrow(NamedTuple):
    """Pixels that a unit spans along the narrowest path, and the mean step from unit to unit."""

    size: int | Fraction
    step: int | Fraction


class _Narrowest:
    """The algebra of smallest spans."""

    def start(self, n: int) -> Narrow:
        return Narrow(1, 1)

    def through(self, axis: Narrow, one: AxisMap, n: int, positions: int) -> Narrow:
        if type(one) is Window:
            return Narrow(axis.size + (one.reach - 1) * axis.step, axis.step * one.stride)
        first, last = one.span(np.arange(positions, dtype=np.int64))
        narrowest = max(0, int((last - first).min()))
        return Narrow(axis.size + narrowest * axis.step, axis.step * one.step)

    def whole(self, axis: Narrow, n: int) -> Narrow:
        return Narrow(axis.size + (n - 1) * axis.step, 0)

    def repeat(self, axis: Narrow, n: int) -> Narrow:
        return Narrow(axis.size, 0)

    def hull(self, axes: Sequence[Narrow], n: int) -> tuple[Narrow, float | None]:
        return min(axes), None if len(set(axes)) == 1 else 0.0


def narrowest_fields(network: Network) -> list[Paths[Narrow] | None]:
    """Return, for every node, what its units see of the input along the narrowest path.

    The receptive field of a report is the hull over all paths; through a ResNet's shortcuts most of the image is
    passed on unwidened. A layer adds nothing new only when even the narrowest path sees everything.
    """
    return follow(network, _Narrowest(), network.inputs[0])


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
