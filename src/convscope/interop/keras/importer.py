"""From a Keras model to a network, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from ...input_shapes import InputShape
from .backend import imported
from .shapes import data_format_of, images, sizes_known
from .symbolic import Flow

if TYPE_CHECKING:
    from ...model import Model
    from ...network import Network
    from .converter import Walk


@overload
def from_keras(
    model: Any, input_shape: InputShape | None = ..., parameters: Literal[False] = ..., name: str | None = ...
) -> Network: ...


@overload
def from_keras(
    model: Any, input_shape: InputShape | None, parameters: Literal[True], name: str | None = ...
) -> Model: ...


@overload
def from_keras(
    model: Any, input_shape: InputShape | None = ..., *, parameters: Literal[True], name: str | None = ...
) -> Model: ...


@overload
def from_keras(
    model: Any, input_shape: InputShape | None = ..., parameters: bool = ..., name: str | None = ...
) -> Network | Model: ...


def from_keras(
    model: Any, input_shape: InputShape | None = None, parameters: bool = False, name: str | None = None
) -> Network | Model:
    """Return the network of a Keras 3 model, with its parameters if asked for: then a Model.

    Keras' own graph is read: functional, sequential and nested models. A model or layer written as a class is
    called with symbolic tensors, which have no numbers. Layers have Keras' names; images are channels first
    here, whatever the model's data format. What no layer stands for becomes Opaque with its class's name.

    Units:    input_shape is one shape, or a mapping from input names to shapes, channels first, batch left out:
              for models that leave sizes open, or another size; 224 pixels a side where neither says
    Errors:   MissingExtra [missing-keras]; BadSetting [keras-model], [keras-unbuilt], [keras-inputs],
              [keras-input], [keras-open], [input-shape], [input-name]; BadShape [keras-shape]; BadNetwork
              [keras-trace], [keras-no-numbers], [keras-rows]
    """
    imported()
    walk, outputs, called = read(model, input_shape)
    network = walk.builder.network([flow.layer for flow in outputs], name or called)
    if not parameters:
        return network
    from .weights import with_parameters

    return with_parameters(network, walk.builder.weights)


def read(model: Any, input_shape: InputShape | None) -> tuple[Walk, list[Flow], str]:
    """Return a model's layers, its outputs, and its name.

    Errors:   as `from_keras`
    """
    from .converter import Walk
    from .recording import batch_size
    from .subclassed_models import check_whole, graph_of

    graph = graph_of(model, input_shape)
    data_format = data_format_of(graph)
    # A model without a graph was called with the shapes that are given, under the names that it uses.
    inputs = images(graph, None if graph.traced else input_shape, data_format)
    batch = graph.inputs[0].shape[0] if graph.traced else batch_size(model)
    walk = Walk(data_format, sizes_known(inputs, graph), batch)
    given = [Flow(walk.builder.add_input(one.held, one.name, one.name), one.held, one.order) for one in inputs]
    outputs = walk.finished(walk.run(graph, given))
    if graph.traced:
        check_whole(model, walk.misses(model._trainable_variables))
    return walk, outputs, str(model.name)
