"""Where the numbers of a layer are: Keras' variables, read when they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...engines.common.arrays import ComputedArrays
from ...engines.reference.layers.graph import buffer_shapes, parameter_shapes
from ...errors import BadNetwork
from .symbolic import Unmapped

if TYPE_CHECKING:
    from ...model import Model
    from ...network import Network

Array = NDArray[Any]


class Weights(NamedTuple):
    """An array to be: Keras' variables or arrays, and how they are changed into it.

    Two changes of one form give the same array; those without a form are not told apart.
    """

    sources: tuple[Any, ...]
    change: Callable[..., Array]
    form: tuple[object, ...] | None = None

    @property
    def key(self) -> tuple[int, ...]:
        """Return what tells these numbers from others."""
        return tuple(map(id, self.sources))

    @property
    def size(self) -> int:
        """Return how many numbers there are, without reading them."""
        return sum(prod(source.shape) for source in self.sources)

    def read(self) -> Array:
        """Return the numbers."""
        return self.change(*map(numbers_of, self.sources))


def as_it_is(variable: Any) -> Weights:
    """Return a variable's own numbers."""
    return Weights((variable,), lambda array: array, tuple(range(len(variable.shape))))


def constant(array: Array) -> Weights:
    """Return numbers that are known already."""
    return Weights((array,), lambda same: same)


def turned(variable: Any, order: tuple[int, ...]) -> Weights:
    """Return a variable's numbers with its axes in another order."""
    return Weights((variable,), lambda array: array.transpose(order), order)


def frozen_parameters(parameters: Mapping[str, Weights]) -> tuple[str, ...]:
    """Return the parameters that are made of Keras' variables, none of which are trainable."""
    return tuple(
        name
        for name, weights in parameters.items()
        if weights.sources and not any(getattr(source, "trainable", True) for source in weights.sources)
    )


def numbers_of(value: Any) -> Array:
    """Return a variable, a tensor of the backend, or a number as an array.

    Errors:   BadNetwork [keras-no-numbers] for a variable without any
    """
    from keras import ops

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy's, about what Keras itself calls
            return np.asarray(ops.convert_to_numpy(value), np.float64)
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        name = getattr(value, "path", type(value).__name__)
        raise BadNetwork(
            f"a model's weights must have numbers to be brought along; got {type(error).__name__} for {name!r}; "
            "build the model on the CPU, or leave out parameters=True. [keras-no-numbers]"
        ) from error


def known_indices(value: Any) -> NDArray[np.int64] | None:
    """Return whole numbers that are known; None for an array without memory.

    Errors:   Unmapped for numbers that are learned, or no whole ones
    """
    if hasattr(value, "trainable") and value.trainable:
        raise Unmapped("indices that are learned")
    try:
        numbers = numbers_of(value)
    except BadNetwork:
        return None
    whole = numbers.astype(np.int64)
    if (whole != numbers).any():
        raise Unmapped("indices that are no whole numbers")
    return whole


def with_parameters(network: Network, weights: Mapping[str, Weights]) -> Model:
    """Return a model of the network with Keras' parameters, statistics and constants.

    Errors:   BadNetwork [keras-no-numbers]
    """
    from ...model import Model

    shapes = {**parameter_shapes(network), **buffer_shapes(network)}
    return Model(
        network, parameters=ComputedArrays(shapes, lambda name: weights[name].read().reshape(shapes[name]))
    )
