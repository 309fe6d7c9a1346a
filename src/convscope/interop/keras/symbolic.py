"""Symbolic tensors: outputs of layers, and the order of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...layers.connection import Shape
from ...layers.rearrange import Permute, Reshape
from ..errors import UnsupportedOperator

if TYPE_CHECKING:
    from .call import KerasGraphBuilder

Order = tuple[int, ...]
"""The Keras axis, without the batch, of each axis of a layer's output."""


@dataclass(frozen=True)
class SymbolicTensor:
    """The output of a layer, and the order of its axes.

    The output of `layer` has shape `layer_shape`. Its axis i is Keras' axis order[i].

    A channels-last image (h, w, c) is (c, h, w) after a convolution here, with order (2, 0, 1). A tensor computed
    from weights alone has no batch axis in Keras, and is not `batched`.
    """

    layer: str
    layer_shape: Shape
    order: Order
    batched: bool = True

    @property
    def shape(self) -> Shape:
        """Return the shape in Keras' order, without the batch."""
        return to_keras_order(self.layer_shape, self.order)

    def layer_axis(self, keras_axis: int) -> int:
        """Return the axis of the layer's output that is this axis of Keras, counted without the batch.

        Raises:
            UnsupportedOperator: Where there is no such axis.
        """
        if not -len(self.order) <= keras_axis < len(self.order):
            raise UnsupportedOperator("an axis out of range")
        return self.order.index(keras_axis % len(self.order))

    def normalize_axis(self, axis: int, new: int = 0) -> int:
        """Return an axis of Keras counted from 0 and without the batch, after `new` axes have been added.

        Raises:
            UnsupportedOperator: For the batch axis, and where there is no such axis.
        """
        rank = len(self.order) + new + self.batched
        if not -rank <= axis < rank or axis % rank < self.batched:
            raise UnsupportedOperator("the batch axis is combined with another axis")
        return axis % rank - self.batched

    def spatial_rank(self) -> int:
        """Return the number of axes without the channels."""
        return len(self.layer_shape) - 1

    def is_in_keras_order(self) -> bool:
        """Return whether the elements are in Keras' order: only axes of size 1 have moved."""
        moved = [axis for axis in self.order if self.shape[axis] > 1]
        return moved == sorted(moved)


def to_keras_order(layer_shape: Sequence[int], order: Order) -> Shape:
    """Return a layer's output shape with the axes in Keras' order."""
    return tuple(size for _, size in sorted(zip(order, layer_shape, strict=True)))


def to_layer_order(shape: Shape, order: Order) -> Shape:
    """Return a shape of Keras with the axes in a layer's order."""
    return tuple(shape[axis] for axis in order)


def keras_order(rank: int) -> Order:
    """Return the order of Keras itself."""
    return tuple(range(rank))


def axis_first(axis: int, rank: int) -> Order:
    """Return the order with one axis first, and the others as in Keras."""
    axis %= rank
    return (axis, *(other for other in range(rank) if other != axis))


def channels_first_order(rank: int, data_format: str) -> Order:
    """Return the order of an image with its channels first.

    >>> channels_first_order(3, "channels_last")
    (2, 0, 1)
    """
    return axis_first(0 if data_format == "channels_first" else -1, rank)


def to_data_format(shape: Shape, data_format: str) -> Shape:
    """Convert a channels-first shape to a model's data format."""
    if len(shape) < 3 or data_format == "channels_first":
        return shape
    return (*shape[1:], shape[0])


def order_after_reshape(shape: Shape, data_format: str) -> Order:
    """Return the order for a tensor of this shape whose elements are in Keras' order.

    It is channels first, as most layers expect, where that moves no element, and Keras' order elsewhere.
    """
    order = channels_first_order(len(shape), data_format) if len(shape) > 2 else keras_order(len(shape))
    moved = [axis for axis in order if shape[axis] > 1]
    return order if moved == sorted(moved) else keras_order(len(shape))


def transpose_to(
    builder: KerasGraphBuilder, tensor: SymbolicTensor, order: Order, name: str, origin: str | None
) -> SymbolicTensor:
    """Return a tensor with its axes in this order, by the cheapest layer: none, a Reshape, or a Permute."""
    if tensor.order == order:
        return tensor
    layer_shape = tuple(tensor.layer_shape[tensor.order.index(axis)] for axis in order)
    moved = [axis for axis in tensor.order if tensor.shape[axis] > 1]
    if moved == [axis for axis in order if tensor.shape[axis] > 1]:
        if layer_shape == tensor.layer_shape:
            return replace(tensor, layer_shape=layer_shape, order=order)
        layer = builder.add(f"{name}.reshape", Reshape(layer_shape), [tensor.layer], origin=origin)
        return replace(tensor, layer=layer, layer_shape=layer_shape, order=order)
    permute = Permute(tuple(tensor.order.index(axis) for axis in order))
    layer = builder.add(f"{name}.permute", permute, [tensor.layer], origin=origin)
    return replace(tensor, layer=layer, layer_shape=layer_shape, order=order)
