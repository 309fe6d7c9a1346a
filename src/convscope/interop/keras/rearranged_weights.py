"""Weights that are reshaped or transposed before use: still weights, and not computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...layers.connection import Shape
from .symbolic import Order, SymbolicTensor, keras_order
from .weights import Array, constant_indices


@dataclass(frozen=True, eq=False)
class RearrangedWeight:
    """A weight in another shape, or with its axes in another order.

    Its axis i is the variable's axis axes[i]. Without `axes` the elements keep their order.
    """

    variable: Any
    shape: Shape
    axes: Order | None = None

    @property
    def trainable(self) -> bool:
        """Return whether the weight is trainable."""
        return bool(self.variable.trainable)

    def read(self, array: Array) -> Array:
        """Return the variable's values, rearranged."""
        return (array if self.axes is None else array.transpose(self.axes)).reshape(self.shape)


class ParameterLayer(NamedTuple):
    """The output of an array's layer, and the variable's axes in it; None where the elements keep their order."""

    tensor: SymbolicTensor
    axes: Order | None


def rearrange(operation: Any, args: Sequence[Any], shape: Shape) -> RearrangedWeight | None:
    """Return the weight that a function of `keras.ops` rearranges; None for anything else.

    `shape` is the result's.
    """
    if not type(operation).__module__.startswith("keras.src.ops.") or not args:
        return None
    value = args[0]
    if not isinstance(value, RearrangedWeight) and not getattr(value, "trainable", False):
        return None
    weight = value if isinstance(value, RearrangedWeight) else RearrangedWeight(value, tuple(value.shape))
    word = type(operation).__name__
    if word in _TRANSPOSES:
        return _transpose(weight, _TRANSPOSES[word](operation, len(weight.shape)))
    if word == "Cast" and not str(operation.dtype).startswith(("float", "bfloat")):
        return None
    same = word in _RESHAPES or (word == "Take" and _takes_all(operation, weight.shape, args))
    if not same or prod(shape) != prod(weight.shape) or (weight.axes is not None and shape != weight.shape):
        return None
    return RearrangedWeight(weight.variable, shape, weight.axes)


_RESHAPES = {"Cast", "ConvertToTensor", "ExpandDims", "Identity", "Ravel", "Reshape", "Squeeze"}
"""Functions that keep the order of the elements."""


def _swapaxes(operation: Any, rank: int) -> Order:
    order = list(range(rank))
    one, two = operation.axis1, operation.axis2
    order[one], order[two] = order[two], order[one]
    return tuple(order)


def _moveaxis(operation: Any, rank: int) -> Order:
    numbered = np.empty(tuple(range(2, rank + 2)), np.bool_)
    return tuple(size - 2 for size in np.moveaxis(numbered, operation.source, operation.destination).shape)


_TRANSPOSES: dict[str, Callable[[Any, int], Order]] = {
    "Transpose": lambda operation, rank: tuple(axis % rank for axis in operation.axes or keras_order(rank)[::-1]),
    "Swapaxes": _swapaxes,
    "Moveaxis": _moveaxis,
}
"""Functions that permute axes, and the old axis of each new one."""


def _transpose(weight: RearrangedWeight, order: Order) -> RearrangedWeight | None:
    shape = tuple(weight.shape[axis] for axis in order)
    moved = [axis for axis in order if weight.shape[axis] > 1]
    if moved == sorted(moved):
        return RearrangedWeight(weight.variable, shape, weight.axes) if weight.axes is None else None
    if weight.axes is None and weight.shape != tuple(weight.variable.shape):
        return None
    axes = keras_order(len(order)) if weight.axes is None else weight.axes
    return RearrangedWeight(weight.variable, shape, tuple(axes[axis] for axis in order))


def _takes_all(operation: Any, shape: Shape, args: Sequence[Any]) -> bool:
    """Return whether `take` looks up all rows in order, as a table of positions does."""
    indices = constant_indices(args[1]) if len(args) > 1 else None
    if indices is None or operation.axis not in (0, -len(shape)):
        return False
    return np.array_equal(indices.reshape(-1), np.arange(shape[0]))
