"""Values of an ONNX graph: constants, and outputs of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import BadShape
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...text.language import Message
from ...text.lists import join_and

Array = NDArray[Any]

# Element types, by ONNX's numbers

REAL = frozenset({1, 10, 11, 16})
"""float, float16, double and bfloat16."""

INT = frozenset({6, 7})
"""int32 and int64: unlike 8 and 16 bits, sums and products of usual sizes do not wrap."""

SIGNED = REAL | INT
"""Types whose sums and products layers compute exactly."""

ORDERED = SIGNED | frozenset({2, 3, 4, 5, 12, 13})
"""All integers too: layers that only compare or move elements compute them exactly."""

NUMERIC = ORDERED | frozenset({9})
"""bool too, as 0 and 1."""


def type_name(dtype: int) -> str:
    """Return the name of an element type as ONNX writes it.

    >>> type_name(7)
    'int64'
    """
    from onnx import TensorProto

    known = dtype in TensorProto.DataType.values()
    return TensorProto.DataType.Name(dtype).lower() if known else str(dtype)


# Limits on computed constants

MAX_ARRAY_ELEMENTS = 1 << 24
"""Elements of one array that is computed while a file is read."""

MAX_TOTAL_ELEMENTS = 1 << 27
"""Elements of all arrays read or computed: about half a second's work, and at most a GiB."""

MAX_LIST_LENGTH = 1 << 16
"""Elements of a shape, a list of axes, or of sizes."""

MAX_KEY_LENGTH = 256
"""Characters of a constant's key."""


class TooLarge(ValueError):
    """A file's constants have more elements than allowed."""


class Budget:
    """The number of elements that one file may still read or compute."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL_ELEMENTS

    def charge(self, shape: Sequence[int], cost: int = 1) -> None:
        """Account for an array before it is computed; `cost` is the work per element.

        Raises:
            TooLarge: if the array, or all of them together, exceed the limits.
        """
        size = prod(shape)
        if min(shape, default=1) < 0 or size > MAX_ARRAY_ELEMENTS:
            raise TooLarge(Message("an array of shape {shape}", shape=show_shape(tuple(shape))))
        self._left -= size * cost
        if self._left < 0:
            raise TooLarge(
                Message("more than {limit:,} elements in all constants together", limit=MAX_TOTAL_ELEMENTS)
            )

    def read(self, constant: Constant) -> Array:
        """Return a constant's array; reading it from the file is charged."""
        if not constant.is_loaded:
            self.charge(constant.shape)
        return constant.array


# Values


class Flow(NamedTuple):
    """A value that depends on the input: the output of a layer.

    `shape` is ONNX's, with the batch; `batch` is the batch axis, or None if there is none (a network for one image
    may squeeze it away). `layer_shape` is the layer's own output shape, without the batch: the same elements in
    the same order, perhaps to be reshaped.
    """

    layer: str
    shape: Shape
    batch: int | None
    layer_shape: Shape
    dtype: int

    @property
    def signature(self) -> tuple[object, ...]:
        """Everything that determines which layer a node becomes: all but the name."""
        return self[1:]

    @property
    def image(self) -> Shape:
        """The shape without the batch axis; a scalar is a vector of size 1."""
        return without_axis(self.shape, self.batch) or (1,)

    @property
    def matches_layer(self) -> bool:
        """Whether the layer's output has this shape already."""
        return self.layer_shape == self.image

    def axis(self, axis: int) -> int | None:
        """Return the index of an axis of ONNX's shape without the batch; None for the batch axis."""
        if axis == self.batch:
            return None
        return axis - (self.batch is not None and axis > self.batch)

    def view(self, shape: Shape, batch: int | None) -> Flow:
        """Return the same elements in the same order under another shape."""
        return self._replace(shape=shape, batch=batch)


class Constant:
    """A value that does not depend on the input; its array is read on first use.

    `key` identifies a stored tensor, so that a second use shares its parameters. `was_read` tells whether the
    array was asked for. `weights` counts the stored real values that the constant is computed from: a constant
    with more elements than those is a table that the graph computes (positions or anchors for this input size),
    not a parameter of the network.
    """

    __slots__ = ("_array", "dtype", "key", "read", "shape", "was_read", "weights")

    def __init__(
        self,
        shape: Shape,
        dtype: int,
        read: Callable[[], Array],
        key: str | None = None,
        weights: int = 0,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.read = read
        self.key = key
        self.weights = weights
        self._array: Array | None = None
        self.was_read = False

    @property
    def array(self) -> Array:
        """The elements."""
        self.was_read = True
        if self._array is None:
            self._array = self.read()
        return self._array

    @property
    def signature(self) -> tuple[object, ...]:
        """What is known of a constant before it is read."""
        return self.shape, self.dtype, self.learned

    @property
    def learned(self) -> bool:
        """Whether it counts as a parameter."""
        return self.weights > 0 and self.weights >= self.size

    @property
    def is_loaded(self) -> bool:
        """Whether the array is in memory."""
        return self._array is not None

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def scalar(self) -> float | None:
        """The value of a constant with a single element; None for others."""
        return shortest_float(self.array.reshape(-1)[0]) if self.size == 1 else None

    def derive(self, shape: Shape, change: Callable[[Array], Array], word: str) -> Constant:
        """Return a function of the array, still unread; `word` distinguishes one function from another."""
        key = None if self.key is None else short_key(f"{self.key}→{word}")
        return Constant(shape, self.dtype, lambda: change(self.array), key, self.weights)


Value = Flow | Constant


def short_key(text: str) -> str:
    """Return a text, or its digest if it is long: keys made of keys would double at every step."""
    return text if len(text) <= MAX_KEY_LENGTH else blake2b(text.encode(errors="surrogatepass")).hexdigest()


def shortest_float(number: Any) -> float:
    """Return the shortest decimal that rounds to a stored float: 0.1, not float32's 0.10000000149."""
    return float(str(number)) if isinstance(number, np.floating) else float(number)


def from_array(array: Array, dtype: int, weights: int = 0) -> Constant:
    """Return a constant whose array is in memory."""
    constant = Constant(array.shape, dtype, lambda: array, weights=weights)
    constant._array = array
    return constant


def full(value: Any, shape: Shape, dtype: int) -> Constant:
    """Return a constant filled with one value, which takes no memory until it is copied."""
    return from_array(np.broadcast_to(value, shape), dtype)


def without_axis(shape: Shape, axis: int | None) -> Shape:
    """Return a shape with one axis removed."""
    return shape if axis is None else shape[:axis] + shape[axis + 1 :]


def with_axis(shape: Shape, axis: int | None, size: int) -> Shape:
    """Return a shape with one axis inserted."""
    return shape if axis is None else (*shape[:axis], size, *shape[axis:])


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that arrays broadcast to.

    Errors:   BadShape [onnx-node]
    """
    try:
        common: Shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise BadShape(
            "Shapes cannot be broadcast together (got {shapes}). Export the model again. [onnx-node]",
            shapes=join_and(map(show_shape, shapes)),
        ) from None
    return common
