"""Bring a flow's axes into the order that a layer needs, with as little work as it takes."""

from __future__ import annotations

from dataclasses import replace

from ...layers.connection import Shape
from ...layers.rearrange import Flatten, Permute, Reshape
from .graph_builder import Builder
from .symbolic import Flow, Order, channels_in_front, in_keras_order, plain


def arranged(builder: Builder, flow: Flow, order: Order, name: str, origin: str | None) -> Flow:
    """Return the flow with its axes in this order.

    Axes of size 1 may stand anywhere: where only they move, the elements stay in their places.
    """
    if flow.order == order:
        return flow
    held = tuple(flow.held[flow.order.index(axis)] for axis in order)
    moved = [axis for axis in flow.order if flow.shape[axis] > 1]
    if moved == [axis for axis in order if flow.shape[axis] > 1]:
        if held == flow.held:
            return replace(flow, held=held, order=order)
        layer = builder.add(f"{name}.reshape", Reshape(held), [flow.layer], origin=origin)
        return replace(flow, layer=layer, held=held, order=order)
    permute = Permute(tuple(flow.order.index(axis) for axis in order))
    layer = builder.add(f"{name}.permute", permute, [flow.layer], origin=origin)
    return replace(flow, layer=layer, held=held, order=order)


def in_sequence(flow: Flow) -> bool:
    """Tell whether a flow's elements lie as Keras has them: only axes of size 1 stand elsewhere."""
    moved = [axis for axis in flow.order if flow.shape[axis] > 1]
    return moved == sorted(moved)


def reshaped_order(shape: Shape, data_format: str) -> Order:
    """Return how a shape is best held after its elements came in Keras' order.

    Channels in front are what most layers want; they can stand there where no element has to move.
    """
    order = channels_in_front(len(shape), data_format) if len(shape) > 2 else plain(len(shape))
    moved = [axis for axis in order if shape[axis] > 1]
    return order if moved == sorted(moved) else plain(len(shape))


def reshaping(shape: Shape) -> Flatten | Reshape:
    """Return the layer that puts the same elements into this shape."""
    return Flatten() if len(shape) == 1 else Reshape(shape)


def held_as(shape: Shape, order: Order) -> Shape:
    """Return the sizes of a shape of Keras in the order in which it is held."""
    held = tuple(shape[axis] for axis in order)
    assert in_keras_order(held, order) == shape
    return held
