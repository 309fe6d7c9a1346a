"""Inputs of a model: their shapes, and the position of their channels."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from ...errors import BadSetting
from ...input_shapes import InputShape, shapes_by_name
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...text.language import Message
from ..import_spec import DEFAULT_IMAGE_SIZE
from .graph import Graph, inner_graph
from .symbolic import Order, channels_first_order, keras_order


class InputImage(NamedTuple):
    """An input: its shape in the order of its layer, and the Keras axis of each axis."""

    layer_shape: Shape
    order: Order
    name: str


def input_images(graph: Graph, input_shape: InputShape | None, data_format: str) -> list[InputImage]:
    """Return the inputs of a graph, of the given shapes.

    Raises:
        BadSetting: [input-shape], [input-name], [keras-input], [keras-open]
    """
    names = [_name_of(tensor) for tensor in graph.inputs]
    requested = shapes_by_name(input_shape, names)
    images = []
    for tensor, name in zip(graph.inputs, names, strict=True):
        order = _order(graph, tensor, data_format)
        declared = tuple(tensor.shape[axis + 1] for axis in order)
        layer_shape = _check_rank(requested[name], declared, name) if name in requested else declared
        if len(layer_shape) > 2 and layer_shape[0] is not None:
            layer_shape = tuple(DEFAULT_IMAGE_SIZE if size is None else size for size in layer_shape)
        if None in layer_shape or not layer_shape:
            raise BadSetting(
                "Input {name!r} has open sizes (got {declared}). Pass input_shape=… or --input, channels first "
                "and without the batch. [keras-open]",
                name=name,
                declared=_format(declared),
            )
        images.append(InputImage(layer_shape, order, name))
    return images


class InputSizes(Enum):
    """Comparison of input sizes with those that Keras recorded a graph for."""

    SAME = "same"
    OPEN = "open"
    OTHER = "other"


def input_sizes(images: Sequence[InputImage], graph: Graph) -> InputSizes:
    """Compare inputs with the sizes that Keras recorded a graph for."""
    sizes = InputSizes.SAME
    for image, tensor in zip(images, graph.inputs, strict=True):
        for index, axis in enumerate(image.order):
            declared = tensor.shape[axis + 1]
            if declared is None:
                sizes = InputSizes.OPEN
            elif declared != image.layer_shape[index]:
                return InputSizes.OTHER
    return sizes


def _check_rank(requested: Shape, declared: Sequence[int | None], name: str) -> Shape:
    if len(requested) != len(declared):
        raise BadSetting(
            "input_shape must have {count} size(s) for input {name!r}, {declared} (got {requested}). List them "
            "channels first and without the batch. [keras-input]",
            count=len(declared),
            name=name,
            declared=_format(declared),
            requested=show_shape(requested),
        )
    return requested


def _name_of(tensor: Any) -> str:
    """Return an input's name as in Keras' summary."""
    operation = tensor._keras_history.operation
    return str(tensor.name if operation is None else operation.name)


def _format(sizes: Sequence[int | None]) -> str:
    return "×".join("?" if size is None else str(size) for size in sizes) or Message("a scalar")


def _order(graph: Graph, tensor: Any, data_format: str) -> Order:
    """Return the order of an input: images are channels first, sequences as in Keras."""
    rank = len(tensor.shape) - 1
    wanted = _data_format(graph, tensor)
    if rank > 2:
        return channels_first_order(rank, wanted or data_format)
    return channels_first_order(rank, wanted) if rank == 2 and wanted else keras_order(rank)


def _data_format(graph: Graph, tensor: Any) -> str | None:
    """Return the data format of the first layer on the input's path that has one; None if it is no image."""
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
                    return _data_format(inner, one)
        if isinstance(node.operation, sequence):
            return None
        found = getattr(node.operation, "data_format", None)
        if found:
            return str(found)
        reached.update(map(id, node.outputs))
    return None


def data_format_of(graph: Graph) -> str:
    """Return a model's data format: that of its first layer which has one, else Keras' default."""
    import keras

    for tensor in graph.inputs:
        found = _data_format(graph, tensor)
        if found:
            return found
    return str(keras.config.image_data_format())
