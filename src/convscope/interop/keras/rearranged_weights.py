"""Weights whose elements are rearranged before they meet an image: still weights, and taken as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...layers.connection import Shape
from .symbolic import Flow, Order, plain
from .weights import Array


@dataclass(frozen=True, eq=False)
class Own:
    """A weight in another shape, or with its axes in another order.

    Its axis i is the variable's axis axes[i]; without `axes` the elements keep their sequence.
    """

    variable: Any
    shape: Shape
    axes: Order | None = None

    @property
    def trainable(self) -> bool:
        """Tell whether the weight is learned."""
        return bool(self.variable.trainable)

    def read(self, array: Array) -> Array:
        """Return the variable's numbers, rearranged."""
        return (array if self.axes is None else array.transpose(self.axes)).reshape(self.shape)


class Laid(NamedTuple):
    """The layer of an array, and the order of the variable's axes in it: None where the elements keep theirs."""

    flow: Flow
    axes: Order | None


def rearranged(operation: Any, args: Sequence[Any], shape: Shape) -> Own | None:
    """Return a weight that a function of `keras.ops` rearranges; None for anything else.

    `shape` is the result's. A function that gives out every element once, in whatever order, is not computed.
    """
    if not type(operation).__module__.startswith("keras.src.ops.") or not args:
        return None
    value = args[0]
    if not isinstance(value, Own) and not getattr(value, "trainable", False):
        return None
    own = value if isinstance(value, Own) else Own(value, tuple(value.shape))
    word = type(operation).__name__
    if word in _TURNING:
        return _turned(own, _TURNING[word](operation, len(own.shape)))
    if word == "Cast" and not str(operation.dtype).startswith(("float", "bfloat")):
        return None
    same = word in _RESHAPING or (word == "Take" and _takes_all(operation, own.shape, args))
    if not same or prod(shape) != prod(own.shape) or (own.axes is not None and shape != own.shape):
        return None
    return Own(own.variable, shape, own.axes)


_RESHAPING = {"Cast", "ConvertToTensor", "ExpandDims", "Identity", "Ravel", "Reshape", "Squeeze"}
"""Functions that keep the elements in their sequence."""


def _swapped(operation: Any, rank: int) -> Order:
    order = list(range(rank))
    one, two = operation.axis1, operation.axis2
    order[one], order[two] = order[two], order[one]
    return tuple(order)


def _moved(operation: Any, rank: int) -> Order:
    numbered = np.empty(tuple(range(2, rank + 2)), np.bool_)
    return tuple(size - 2 for size in np.moveaxis(numbered, operation.source, operation.destination).shape)


_TURNING: dict[str, Callable[[Any, int], Order]] = {
    "Transpose": lambda operation, rank: tuple(axis % rank for axis in operation.axes or plain(rank)[::-1]),
    "Swapaxes": _swapped,
    "Moveaxis": _moved,
}
"""Functions that put axes in another order: the old axis of each new one."""


def _turned(own: Own, order: Order) -> Own | None:
    shape = tuple(own.shape[axis] for axis in order)
    moved = [axis for axis in order if own.shape[axis] > 1]
    if moved == sorted(moved):
        return Own(own.variable, shape, own.axes) if own.axes is None else None
    if own.axes is None and own.shape != tuple(own.variable.shape):
        return None
    axes = plain(len(order)) if own.axes is None else own.axes
    return Own(own.variable, shape, tuple(axes[axis] for axis in order))


def _takes_all(operation: Any, shape: Shape, args: Sequence[Any]) -> bool:
    """Tell whether `take` looks up every row once, in turn: a table of fixed positions."""
    from .weights import known_indices

    indices = known_indices(args[1]) if len(args) > 1 else None
    if indices is None or operation.axis not in (0, -len(shape)):
        return False
    return np.array_equal(indices.reshape(-1), np.arange(shape[0]))
