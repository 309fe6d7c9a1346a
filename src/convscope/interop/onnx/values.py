"""Values of an ONNX graph: constants, outputs of layers, their element types and limits."""

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

REAL = frozenset({1, 10, 11, 16})
"""float, float16, double and bfloat16."""

INT = frozenset({6, 7})
"""int32 and int64: sums and products of usual sizes do not wrap, as those of 8 and 16 bits do."""

ORDERED = REAL | INT | frozenset({2, 3, 4, 5, 12, 13})
"""All integer_argument too: a layer that only compares or moves values computes them exactly."""

NUMERIC = ORDERED | frozenset({9})
"""bool too, as 0 and 1."""

SIGNED = REAL | INT
"""What sums and products compute exactly."""


def type_name(dtype: int) -> str:
    """Return the name of an element type as ONNX writes it.

    >>> type_name(7)
    'int64'
    """
    from onnx import TensorProto

    known = dtype in TensorProto.DataType.values()
    return TensorProto.DataType.Name(dtype).lower() if known else str(dtype)


Array = NDArray[Any]

MAX_KEY_LENGTH = 256
"""Characters of the name of a constant."""


class Flow(NamedTuple):
    """A value made from the image: the output of a layer.

    `shape` is ONNX's, the batch included; `batch` is the batch's axis, or None where it has none (a network for
    one image may squeeze its batch away). `held` is the shape of the layer's own output without the batch: the
    same elements in the same order, in a shape that may still have to be changed.
    """

    layer: str
    shape: Shape
    batch: int | None
    held: Shape
    dtype: int

    @property
    def kind(self) -> tuple[object, ...]:
        """Return what of a flow decides which layer a node becomes: all but its name."""
        return self[1:]

    @property
    def image(self) -> Shape:
        """Return the shape without the batch; a single number is a vector of one."""
        return without_axis(self.shape, self.batch) or (1,)

    @property
    def settled(self) -> bool:
        """Return whether the layer's output has this very shape."""
        return self.held == self.image

    def axis(self, axis: int) -> int | None:
        """Return where an axis of ONNX's shape is without the batch; None for the batch itself."""
        if axis == self.batch:
            return None
        return axis - (self.batch is not None and axis > self.batch)

    def view(self, shape: Shape, batch: int | None) -> Flow:
        """Return the same elements in the same order under another shape."""
        return self._replace(shape=shape, batch=batch)


class Constant:
    """A value that is the same for every image; its numbers are read when first asked for.

    `key` names what is stored once in the file, so that its second use is known; `was_read` says whether anybody
    has asked for the numbers. `weights` counts the stored real
    numbers that it is made of: what has more elements than those is a table that the graph computes (positions,
    anchors for this size of the input), and no parameter of the network.
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
        """Return the numbers."""
        self.was_read = True
        if self._array is None:
            self._array = self.read()
        return self._array

    @property
    def kind(self) -> tuple[object, ...]:
        """Return what is known of a constant before its numbers are read."""
        return self.shape, self.dtype, self.learned

    @property
    def learned(self) -> bool:
        """Return whether it counts as a parameter."""
        return self.weights > 0 and self.weights >= self.size

    @property
    def is_loaded(self) -> bool:
        """Return whether the numbers need not be read any more."""
        return self._array is not None

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return prod(self.shape)

    @property
    def number(self) -> float | None:
        """Return the one number of a constant that has just one."""
        return shortest_float(self.array.reshape(-1)[0]) if self.size == 1 else None

    def derived(self, shape: Shape, change: Callable[[Array], Array], word: str) -> Constant:
        """Return what a function makes of the numbers, still unread; `word` tells one function from another."""
        key = None if self.key is None else short_key(f"{self.key}→{word}")
        return Constant(shape, self.dtype, lambda: change(self.array), key, self.weights)


Value = Flow | Constant


def short_key(text: str) -> str:
    """Return a text itself, or its digest where it is long: keys of keys would double with every step."""
    return text if len(text) <= MAX_KEY_LENGTH else blake2b(text.encode(errors="surrogatepass")).hexdigest()


def shortest_float(number: Any) -> float:
    """Return the shortest decimal that rounds to a stored float: 0.1, not float32's 0.10000000149."""
    return float(str(number)) if isinstance(number, np.floating) else float(number)


def known(array: Array, dtype: int, weights: int = 0) -> Constant:
    """Return a constant whose numbers are at hand."""
    constant = Constant(array.shape, dtype, lambda: array, weights=weights)
    constant._array = array
    return constant


def filled(value: Any, shape: Shape, dtype: int) -> Constant:
    """Return a constant of one value everywhere; it takes no memory until a copy is made of it."""
    return known(np.broadcast_to(value, shape), dtype)


def without_axis(shape: Shape, axis: int | None) -> Shape:
    """Return a shape with one axis taken out."""
    return shape if axis is None else shape[:axis] + shape[axis + 1 :]


def with_axis(shape: Shape, axis: int | None, size: int) -> Shape:
    """Return a shape with one axis put in."""
    return shape if axis is None else (*shape[:axis], size, *shape[axis:])


def broadcast(*shapes: Shape) -> Shape:
    """Return the common shape of arrays that are repeated along axes of size 1, as NumPy does.

    Errors:   BadShape [onnx-node]
    """
    try:
        common: Shape = np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " and ".join(map(show_shape, shapes))
        raise BadShape(
            f"shapes must agree, or have size 1 where they differ; got {shown}; "
            "export the model again. [onnx-node]"
        ) from None
    return common


MAX_ARRAY_ELEMENTS = 1 << 24
"""Elements of one array that is made while a file is read."""

MAX_TOTAL_ELEMENTS = 1 << 27
"""Elements of all of them together, read and made: about half a second's work, and a GiB at most."""

MAX_LIST_LENGTH = 1 << 16
"""Numbers of a shape, of axes, or of sizes of pieces."""


class TooLarge(ValueError):
    """More elements than the constants of a file may have."""


class Budget:
    """The elements that one file may still ask for."""

    def __init__(self) -> None:
        self._left = MAX_TOTAL_ELEMENTS

    def charge(self, shape: Sequence[int], times: int = 1) -> None:
        """Count an array that is about to be made; `times` is the work for each of its elements.

        Raises:
            TooLarge: for an array that is too large, or one too many.
        """
        size = prod(shape)
        if min(shape, default=1) < 0 or size > MAX_ARRAY_ELEMENTS:
            raise TooLarge(f"an array of shape {show_shape(tuple(shape))}")
        self._left -= size * times
        if self._left < 0:
            raise TooLarge(f"more than {MAX_TOTAL_ELEMENTS:,} elements in all constants together")

    def read(self, constant: Constant) -> Array:
        """Return a constant's numbers; those that are still in the file are charged."""
        if not constant.is_loaded:
            self.charge(constant.shape)
        return constant.array
