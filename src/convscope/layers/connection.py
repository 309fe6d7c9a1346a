"""Dependencies of output axes on input axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..axis import AxisMap, Window
from ..axis.map import Index

Shape = tuple[int, ...]
"""A tensor's sizes, batch left out, channels first."""

UNMOVED = Window()


@dataclass(frozen=True)
class AxisDependency:
    """Output axis `output` depends on input axis `input` through a map."""

    output: int
    input: int
    map: AxisMap


class Digit(NamedTuple):
    """One part of an axis that a reshape split or merged, as a digit of a mixed-radix number.

    The part of a position that counts `weight` positions per unit is ⌊index / inner⌋ mod size of the index along
    `axis`; the position is the sum over its parts.
    """

    axis: int
    inner: int
    size: int
    weight: int

    def of(self, index: Index | int) -> Index | int:
        """Return the part's share of the position for an index along its axis."""
        return index // self.inner % self.size * self.weight


Layout = tuple[Digit, ...]
"""The digits of one axis, the heaviest first."""


@dataclass(frozen=True)
class Connection:
    """The positions of input `source` that an output position depends on.

    `links` is None for an element-wise layer: every axis goes straight through. Otherwise an input axis that
    no link names is mixed: every output sees all of it (the channels of a convolution, all of a dense layer).
    `digits` says where the parts of split or merged input axes are in the output. `lost` names input
    axes whose positions cannot be followed further (rows regrouped in sizes that do not divide each other), and
    `opaque` says that nothing at all is known: better unknown than wrong.
    """

    source: int = 0
    links: tuple[AxisDependency, ...] | None = None
    digits: tuple[tuple[int, Layout], ...] = ()
    lost: tuple[int, ...] = ()
    opaque: bool = False

    @cached_property
    def kept(self) -> frozenset[int | None]:
        """Return the axes that go straight through, to the same axis of the output."""
        return frozenset(k.input for k in self.links or () if k.map is UNMOVED and k.output == k.input)

    @cached_property
    def by_input(self) -> dict[int, AxisDependency]:
        """Return the link of each input axis that has one."""
        return {link.input: link for link in self.links or ()}

    @cached_property
    def by_digits(self) -> dict[int, Layout]:
        """Return the digits of each input axis that has some."""
        return dict(self.digits)


POINTWISE = (Connection(),)
"""The connections of an element-wise layer with one input."""


def windowed(maps: Sequence[AxisMap]) -> tuple[Connection, ...]:
    """Return the connections of a layer that slides over the axes after the first and mixes channels."""
    known: dict[AxisMap, AxisMap] = {UNMOVED: UNMOVED}
    links = (AxisDependency(axis, axis, known.setdefault(one, one)) for axis, one in enumerate(maps, start=1))
    return (Connection(links=tuple(links)),)


def straight(axes: Iterable[int]) -> tuple[AxisDependency, ...]:
    """Return links that carry these axes through unmoved."""
    return tuple(AxisDependency(axis, axis, UNMOVED) for axis in axes)
