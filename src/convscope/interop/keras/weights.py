"""Weights of Keras models: variables and arrays, read when they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import BadNetwork
from ..errors import UnsupportedOperator

Array = NDArray[Any]


class WeightSource(NamedTuple):
    """Variables or arrays of Keras, and the function that computes a parameter from them.

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


def unchanged(variable: Any) -> WeightSource:
    """Return a variable as it is."""
    return WeightSource((variable,), lambda array: array, tuple(range(len(variable.shape))))


def transposed(variable: Any, order: tuple[int, ...]) -> WeightSource:
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
