"""Weights of Keras models: variables and arrays, read on demand."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import BadNetwork
from ...layers.connection import Shape
from ..errors import UnsupportedOperator
from .symbolic import Order, SymbolicTensor, keras_order

Array = NDArray[Any]


class WeightSource(NamedTuple):
    """Variables or arrays, and the function that computes a parameter from them.

    Two functions of equal `form` compute equal arrays from equal sources; functions of form None may differ.
    """

    sources: tuple[Any, ...]
    change: Callable[..., Array]
    form: tuple[object, ...] | None = None

    @property
    def key(self) -> tuple[int, ...]:
        """Return the identity of the sources."""
        return tuple(map(id, self.sources))

    @property
    def size(self) -> int:
        """Return the number of elements, without reading them."""
        return sum(prod(source.shape) for source in self.sources)

    def read(self) -> Array:
        """Return the parameter's values."""
        return self.change(*map(read_array, self.sources))


def unchanged_source(variable: Any) -> WeightSource:
    """Return a variable as it is."""
    return WeightSource((variable,), lambda array: array, tuple(range(len(variable.shape))))


def transposed_source(variable: Any, order: tuple[int, ...]) -> WeightSource:
    """Return a variable with its axes in another order."""
    return WeightSource((variable,), lambda array: array.transpose(order), order)


def frozen_parameters(parameters: Mapping[str, WeightSource]) -> tuple[str, ...]:
    """Return the names of the parameters whose sources are all frozen."""
    return tuple(
        name
        for name, weights in parameters.items()
        if weights.sources and not any(getattr(source, "trainable", True) for source in weights.sources)
    )


def read_array(value: Any) -> Array:
    """Return a variable, a tensor of the backend, or a number as an array.

    Raises:
        BadNetwork: [keras-no-numbers] for a variable without values.
    """
    from keras import ops

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # from NumPy, about a call by Keras
            return np.asarray(ops.convert_to_numpy(value), np.float64)
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        name = getattr(value, "path", type(value).__name__)
        raise BadNetwork(
            "The model's weights have no values (got {error} for {name!r}). Build the model on the CPU, or leave "
            "out parameters=True. [keras-no-numbers]",
            error=type(error).__name__,
            name=name,
        ) from error


def constant_indices(value: Any) -> NDArray[np.int64] | None:
    """Return constant integers; None for an array without values.

    Raises:
        UnsupportedOperator: For trainable values, and for values that are not integers.
    """
    if hasattr(value, "trainable") and value.trainable:
        raise UnsupportedOperator("trainable indices")
    try:
        values = read_array(value)
    except BadNetwork:
        return None
    integers = values.astype(np.int64)
    if (integers != values).any():
        raise UnsupportedOperator("indices that are not integers")
    return integers


# Weights that are reshaped or transposed before use: still weights, and not computed


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
    """The output of an array's layer, and the variable's axes in it.

    `axes` is None where the elements keep their order.
    """

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
