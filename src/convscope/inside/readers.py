"""The units that read one unit: how a gradient reaches it."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..arrays import Array
from ..layers import Linear
from ..layers.base import Layer
from ..layers.convolution import Conv
from ..network import Network, Node
from .arithmetic import Index, Operand

if TYPE_CHECKING:
    from .trace import Trace

MOST_READERS = 256
"""Readers that are listed of layers without a formula of their own: each takes one backward pass."""


class Reader(NamedTuple):
    """A unit that reads another: its derivative with respect to it, the target's gradient there, their product."""

    layer: str
    at: Index
    derivative: float
    gradient: float
    product: float


def readers_of(
    network: Network, consumer: Node, operand: Operand, found: Trace, layer: str, at: Index
) -> list[Reader]:
    """Return the units of a layer that read one unit, in the order of its output.

    Of layers without a formula for the derivatives at most `MOST_READERS` are listed, those with the largest
    gradients.
    """
    gradients = found[consumer.name].gradient
    assert gradients is not None
    gradient = gradients[0].astype(np.float64)
    slots = [slot for slot, name in enumerate(consumer.inputs) if name == layer]
    readers: dict[Index, float] = {}
    for slot in slots:
        for unit, derivative in local_derivatives(consumer.layer, operand, slot, at, gradient):
            readers[unit] = readers.get(unit, 0.0) + derivative
    return [
        Reader(consumer.name, unit, derivative, float(gradient[unit]), derivative * float(gradient[unit]))
        for unit, derivative in sorted(readers.items())
    ]


@singledispatch
def local_derivatives(
    layer: Layer, operand: Operand, slot: int, at: Index, gradient: Array
) -> list[tuple[Index, float]]:
    """Return the output units that read one input unit, with their derivatives with respect to it.

    The units are found by a NaN in the input, which reaches all that depend on it. Each derivative takes a
    backward pass.
    """
    marked = [x.copy() for x in operand.inputs]
    marked[slot][at] = np.nan
    reached = np.isnan(operand._replace(inputs=tuple(marked)).output()) & ~np.isnan(operand.output())
    units = np.argwhere(reached)
    if len(units) > MOST_READERS:
        strongest = np.argsort(-np.abs(gradient[reached]), kind="stable")[:MOST_READERS]
        units = units[np.sort(strongest)]
    found = []
    for unit in units:
        index = tuple(int(i) for i in unit)
        derivative = operand.derivatives(index)[slot]
        if derivative is not None:
            found.append((index, float(derivative[at])))
    return found


@local_derivatives.register
def _(layer: Conv, operand: Operand, slot: int, at: Index, gradient: Array) -> list[tuple[Index, float]]:
    """The derivative is the sum of the weights of the taps that lie on the unit."""
    (x,) = operand.inputs
    weight = operand.parameters["weight"]
    channel, *position = at
    depth = weight.shape[1]
    per_group = len(weight) // layer.groups
    outs = range(channel // depth * per_group, (channel // depth + 1) * per_group)
    axes = []
    for window, n, place in zip(layer.windows(x.shape), x.shape[1:], position, strict=True):
        outputs, taps = np.nonzero(window.taps(n) == place)
        axes.append(list(zip(outputs.tolist(), taps.tolist(), strict=True)))
    found: dict[Index, float] = {}
    for pairs in np.ndindex(*map(len, axes)):
        chosen = [axis[i] for axis, i in zip(axes, pairs, strict=True)]
        unit, tap = tuple(p for p, _ in chosen), tuple(t for _, t in chosen)
        for out in outs:
            index = (out, *unit)
            found[index] = found.get(index, 0.0) + float(weight[(out, channel % depth, *tap)])
    return list(found.items())


@local_derivatives.register
def _(layer: Linear, operand: Operand, slot: int, at: Index, gradient: Array) -> list[tuple[Index, float]]:
    (x,) = operand.inputs
    read = layer.vector(x.shape)
    row, column = (at[: len(read) - 1], at[len(read) - 1])
    column_weights = operand.parameters["weight"][:, column]
    return [((*row, out), float(weight)) for out, weight in enumerate(column_weights)]
