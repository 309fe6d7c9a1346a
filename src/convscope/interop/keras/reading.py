"""From a Keras model to a network, without running it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

from .backend import imported
from .flow import Flow
from .shapes import checked_shape, data_format_of, in_keras_order, pictures, sizes_known

if TYPE_CHECKING:
    from ...layers.connection import Shape
    from ...model import Model
    from ...network import Network
    from .walk import Walk


@overload
def from_keras(
    model: Any, input_shape: Iterable[int] | None = ..., parameters: Literal[False] = ..., name: str | None = ...
) -> Network: ...


@overload
def from_keras(
    model: Any, input_shape: Iterable[int] | None, parameters: Literal[True], name: str | None = ...
) -> Model: ...


@overload
def from_keras(
    model: Any, input_shape: Iterable[int] | None = ..., *, parameters: Literal[True], name: str | None = ...
) -> Model: ...


@overload
def from_keras(
    model: Any, input_shape: Iterable[int] | None = ..., parameters: bool = ..., name: str | None = ...
) -> Network | Model: ...


def from_keras(
    model: Any, input_shape: Iterable[int] | None = None, parameters: bool = False, name: str | None = None
) -> Network | Model:
    """Return the network of a Keras 3 model, with its parameters if asked for: then a Model.

    Keras' own graph is read: functional, sequential and nested models. A model or layer written as a class is
    called with symbolic tensors, which have no numbers. Layers have Keras' names; pictures are channels first
    here, whatever the model's data format. What no layer stands for becomes Opaque with its class's name.

    Units:    input_shape is the picture's, channels first, batch left out: for models that leave it open, or
              another size; 224 pixels a side where neither says
    Errors:   MissingExtra [missing-keras]; BadSetting [keras-model], [keras-unbuilt], [keras-input],
              [keras-open]; BadShape [keras-shape]; BadNetwork [keras-trace], [keras-no-numbers]
    """
    imported()
    walk, outputs, called = read(model, checked_shape(input_shape))
    network = walk.builder.network([flow.layer for flow in outputs], name or called)
    if not parameters:
        return network
    from .weights import with_parameters

    return with_parameters(network, walk.builder.weights)


def read(model: Any, shape: Shape | None) -> tuple[Walk, list[Flow], str]:
    """Return a model's layers, its outputs, and its name.

    Errors:   as `from_keras`
    """
    import keras

    from .graph import check_whole, graph_of
    from .walk import Walk

    usual = str(keras.config.image_data_format())
    graph = graph_of(model, None if shape is None else in_keras_order(shape, usual))
    data_format = data_format_of(graph)
    inputs = pictures(graph, shape, data_format)
    walk = Walk(data_format, sizes_known(inputs, graph))
    given = [Flow(walk.builder.add_input(one.held, one.name, one.name), one.held, one.order) for one in inputs]
    outputs = walk.run(graph, given)
    if graph.traced:
        check_whole(model, walk.misses(model._trainable_variables))
    return walk, outputs, str(model.name)
