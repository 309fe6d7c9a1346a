"""The smallest field that any single path gives a layer's units.

The receptive field of a report is the hull over all paths; through a ResNet's shortcuts most of the image is
passed on unwidened. A layer adds nothing new only when even the narrowest path sees everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ...axis import AxisMap, Window
from ...network import Network
from ..paths import Paths, follow


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
    """Return, for every node, what its units see of the input along the narrowest path."""
    return follow(network, _Narrowest(), network.inputs[0])
