"""How the axes of a layer's output hang on the axes of one of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..axis import AxisMap, Window

Shape = tuple[int, ...]
"""A tensor's sizes, batch left out, channels first."""

UNMOVED = Window()


@dataclass(frozen=True)
class Link:
    """Output axis `output` walks along input axis `input` by a map."""

    output: int
    input: int
    map: AxisMap


@dataclass(frozen=True)
class Connection:
    """Which positions of input number `source` an output position is made from.

    `links` is None for an element-wise layer: every axis goes straight through. Otherwise an input axis that
    no link names is mixed: every output sees all of it (the channels of a convolution, all of a dense layer).
    `lost` names input axes whose positions cannot be followed further (one axis split in two), and `opaque` says
    that nothing at all is known: better unknown than wrong.
    """

    source: int = 0
    links: tuple[Link, ...] | None = None
    lost: tuple[int, ...] = ()
    opaque: bool = False

    @cached_property
    def kept(self) -> frozenset[int | None]:
        """Return the axes that go straight through, to the same axis of the output."""
        return frozenset(k.input for k in self.links or () if k.map is UNMOVED and k.output == k.input)

    @cached_property
    def by_input(self) -> dict[int, Link]:
        """Return the link of each input axis that has one."""
        return {link.input: link for link in self.links or ()}


POINTWISE = (Connection(),)
"""The connections of an element-wise layer with one input."""

MIXED = (Connection(links=()),)
"""The connections of a layer whose every output sees all of its one input."""


def windowed(maps: Sequence[AxisMap]) -> tuple[Connection, ...]:
    """Return the connections of a layer that slides over the axes after the first and mixes channels."""
    known: dict[AxisMap, AxisMap] = {UNMOVED: UNMOVED}
    links = (Link(axis, axis, known.setdefault(one, one)) for axis, one in enumerate(maps, start=1))
    return (Connection(links=tuple(links)),)


def straight(axes: Iterable[int]) -> tuple[Link, ...]:
    """Return links that carry these axes through unmoved."""
    return tuple(Link(axis, axis, UNMOVED) for axis in axes)
