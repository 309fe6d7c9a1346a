"""What flows between layers: a layer's output, and which of Keras' axes lies where in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...layers.connection import Shape

Order = tuple[int, ...]
"""Keras' axis (batch left out) of each axis that a layer here gives out."""


class Unmapped(Exception):
    """A layer or function, or a use of it, that no layer here stands for."""


@dataclass(frozen=True)
class Flow:
    """The output of `layer`, whose sizes are `held`; its axis i is Keras' axis order[i].

    A channels-last image (h, w, c) that a convolution gives out here is held as (c, h, w) with order (2, 0, 1).
    An array that is made from weights alone has no batch in Keras: all its axes are held.
    """

    layer: str
    held: Shape
    order: Order
    batched: bool = True

    @property
    def shape(self) -> Shape:
        """Return the sizes in Keras' order, batch left out."""
        return in_keras_order(self.held, self.order)

    def axis(self, keras_axis: int) -> int:
        """Return where an axis of Keras lies, counted from 0 without the batch, or from the end.

        Errors:   Unmapped for an axis that is not there
        """
        if not -len(self.order) <= keras_axis < len(self.order):
            raise Unmapped("an axis that is not there")
        return self.order.index(keras_axis % len(self.order))

    def place(self, axis: int, new: int = 0) -> int:
        """Return an axis of Keras without the batch, if there is one; `new` axes are added at the same time.

        Errors:   Unmapped for the batch itself, and for an axis that is not there
        """
        rank = len(self.order) + new + self.batched
        if not -rank <= axis < rank or axis % rank < self.batched:
            raise Unmapped("images are mixed")
        return axis % rank - self.batched

    def spatial(self) -> int:
        """Return the number of axes beside the channels."""
        return len(self.held) - 1


def in_keras_order(held: Sequence[int], order: Order) -> Shape:
    """Return the sizes as Keras lists them."""
    return tuple(size for _, size in sorted(zip(order, held, strict=True)))


def plain(rank: int) -> Order:
    """Return Keras' own order."""
    return tuple(range(rank))


def leading(axis: int, rank: int) -> Order:
    """Return the order with one axis in front, the others as Keras has them."""
    axis %= rank
    return (axis, *(other for other in range(rank) if other != axis))


def channels_in_front(rank: int, data_format: str) -> Order:
    """Return the order of an image with its channels in front.

    >>> channels_in_front(3, "channels_last")
    (2, 0, 1)
    """
    return leading(0 if data_format == "channels_first" else -1, rank)
