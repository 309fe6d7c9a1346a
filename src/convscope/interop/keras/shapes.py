"""The images that a model takes: their sizes, and where their channels are."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from ...errors import BadSetting
from ...input_shapes import InputShape, shapes_by_name
from ...layers.base import show_shape
from ...layers.connection import Shape
from .graph import Graph, inner_graph
from .symbolic import Order, channels_in_front, plain

USUAL_SIZE = 224
"""Pixels per side of an image whose size a model leaves open."""


class Image(NamedTuple):
    """An input: its sizes as they are held, and which axis of Keras each is."""

    held: Shape
    order: Order
    name: str


def in_keras_order(shape: Shape, data_format: str) -> Shape:
    """Return a shape given channels first as a model with this data format has it."""
    if len(shape) < 3 or data_format == "channels_first":
        return shape
    return (*shape[1:], shape[0])


def images(graph: Graph, input_shape: InputShape | None, data_format: str) -> list[Image]:
    """Return the inputs, with the sizes that are asked for.

    Errors:   BadSetting [input-shape], [input-name], [keras-input], [keras-open]
    """
    names = [_name_of(tensor) for tensor in graph.inputs]
    asked = shapes_by_name(input_shape, names)
    found = []
    for tensor, name in zip(graph.inputs, names, strict=True):
        order = _order(graph, tensor, data_format)
        declared = tuple(tensor.shape[axis + 1] for axis in order)
        held = _fitted(asked[name], declared, name) if name in asked else declared
        if len(held) > 2 and held[0] is not None:
            held = tuple(USUAL_SIZE if size is None else size for size in held)
        if None in held or not held:
            raise BadSetting(
                f"input {name!r} must have known sizes; got {_shown(declared)}; "
                "give them by input_shape=… or --input, channels first and without the batch. [keras-open]"
            )
        found.append(Image(held, order, name))
    return found


class Sizes(Enum):
    """Which sizes a model was built for: these, any, or others."""

    THESE = "these"
    ANY = "any"
    OTHERS = "others"


def sizes_known(images: Sequence[Image], graph: Graph) -> Sizes:
    """Return what Keras knew of the images' sizes when it recorded the graph."""
    known = Sizes.THESE
    for image, tensor in zip(images, graph.inputs, strict=True):
        for place, axis in enumerate(image.order):
            declared = tensor.shape[axis + 1]
            if declared is None:
                known = Sizes.ANY
            elif declared != image.held[place]:
                return Sizes.OTHERS
    return known


def _fitted(asked: Shape, declared: Sequence[int | None], name: str) -> Shape:
    if len(asked) != len(declared):
        raise BadSetting(
            f"from_keras.input_shape must have {len(declared)} sizes for input {name!r} ({_shown(declared)}); "
            f"got {show_shape(asked)}; list them channels first and without the batch. [keras-input]"
        )
    return asked


def _name_of(tensor: Any) -> str:
    """Return an input's name as Keras' summary shows it."""
    operation = tensor._keras_history.operation
    return str(tensor.name if operation is None else operation.name)


def _shown(sizes: Sequence[int | None]) -> str:
    return "×".join("?" if size is None else str(size) for size in sizes) or "one number"


def _order(graph: Graph, tensor: Any, data_format: str) -> Order:
    """Return how an input is held: images with their channels in front, sequences as they are."""
    rank = len(tensor.shape) - 1
    wanted = _wanted(graph, tensor)
    if rank > 2:
        return channels_in_front(rank, wanted or data_format)
    return channels_in_front(rank, wanted) if rank == 2 and wanted else plain(rank)


def _wanted(graph: Graph, tensor: Any) -> str | None:
    """Return the data format of the first layer on the input's way that has one; None where it is no image."""
    from keras import layers

    sequence = (
        *(layers.Embedding, layers.RNN, layers.Bidirectional, layers.Dense, layers.Flatten),
        *(layers.MultiHeadAttention, layers.Attention),
    )
    reached = {id(tensor)}
    for node in graph.nodes:
        if not any(id(one) in reached for one in node.arguments.keras_tensors):
            continue
        inner = inner_graph(node.operation)
        if inner is not None:
            for outer, one in zip(node.arguments.keras_tensors, inner.inputs, strict=False):
                if id(outer) in reached:
                    return _wanted(inner, one)
        if isinstance(node.operation, sequence):
            return None
        found = getattr(node.operation, "data_format", None)
        if found:
            return str(found)
        reached.update(map(id, node.outputs))
    return None


def data_format_of(graph: Graph) -> str:
    """Return where a model has its channels: as its first layer that says so, else as Keras is set."""
    import keras

    for tensor in graph.inputs:
        found = _wanted(graph, tensor)
        if found:
            return found
    return str(keras.config.image_data_format())
