"""Import of Keras models, without running them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...engines.protocol import Array
from ...errors import BadFile
from ...input_shapes import InputShape
from ...text.language import Message
from ..errors import first_line
from ..graph_builder import ImportedWeights
from ..import_spec import Scheme, build_model, parse_spec
from .backend import require_keras
from .shapes import data_format_of, input_images, input_sizes
from .symbolic import SymbolicTensor

if TYPE_CHECKING:
    from ...network import Network
    from .converter import ModelConverter

SCHEME = Scheme("keras", Message("a Keras model"), "keras:keras.applications:ResNet50")

_NAME_COUNTERS = "object_name_uids"
"""The attribute of Keras' global state that numbers unnamed layers, by class."""

_UNINITIALIZED = "uninitialized_variables"
"""The attribute of Keras' global state that lists weights to be initialized after a stateless scope."""


def read_network(
    model: Any, input_shape: InputShape | None = None, name: str | None = None
) -> tuple[Network, Mapping[str, Array]]:
    """Return the network of a Keras model, and its weights, which are read when they are asked for.

    Raises:
        MissingExtra: [missing-keras]
        BadSetting: [keras-model], [keras-unbuilt], [keras-inputs], [keras-input], [keras-open], [input-shape],
            [input-name]
        BadShape: [keras-shape], [keras-weights]
        BadNetwork: [keras-trace]; when a weight is read, [keras-no-numbers], [keras-rows]
    """
    require_keras()
    converter, outputs = convert_model(model, input_shape)
    network = converter.builder.build([one.layer for one in outputs], name or str(model.name))
    sources = converter.builder.weights()
    return network, ImportedWeights(network, lambda name: sources[name].read())


def convert_model(model: Any, input_shape: InputShape | None) -> tuple[ModelConverter, list[SymbolicTensor]]:
    """Convert all layers of a model. Return the conversion, and the model's outputs.

    Raises:
        ConvscopeError: As `read_network`.
    """
    from .converter import ModelConverter
    from .graph import batch_size, check_complete, graph_of

    graph = graph_of(model, input_shape)
    data_format = data_format_of(graph)
    # A traced model was called with `input_shape` already, under its own names of the inputs.
    images = input_images(graph, None if graph.traced else input_shape, data_format)
    batch = graph.inputs[0].shape[0] if graph.traced else batch_size(model)
    converter = ModelConverter(data_format, input_sizes(images, graph), batch)
    inputs = []
    for image in images:
        layer = converter.builder.add_input(image.layer_shape, image.name, image.name)
        inputs.append(SymbolicTensor(layer, image.layer_shape, image.order))
    outputs = converter.as_layers(converter.run(graph, inputs))
    if graph.traced:
        check_complete(model, not converter.lacks_any(model._trainable_variables))
    return converter, outputs


def load_model(spec: str, input_shape: InputShape | None = None) -> Network:
    """Return the network of the model that an import spec names.

    Raises:
        UnknownModel: [keras-name], [keras-import], [keras-callable]
        BadSetting: [keras-arguments], [keras-raised], [keras-model]
        ConvscopeError: As `read_network`.
    """
    parsed = parse_spec(spec, SCHEME)
    keras = require_keras()
    model = build_model(parsed, keras.Model, _build)
    return read_network(model, input_shape, parsed.name)[0]


def load_weighted_model(spec: str, input_shape: InputShape | None = None) -> tuple[Network, Mapping[str, Array]]:
    """Return the network and the weights of the model that an import spec names.

    Raises:
        ConvscopeError: As `load_model`.
    """
    parsed = parse_spec(spec, SCHEME)
    keras = require_keras()
    model = build_model(parsed, keras.Model, _build_with_values)
    return read_network(model, input_shape, parsed.name)


def read_file(path: Path) -> tuple[Network, Mapping[str, Array]]:
    """Return the network and the weights of a .keras file. Code in it is not run: `safe_mode` is on.

    Raises:
        MissingExtra: [missing-keras]
        BadFile: [file-damaged]
        ConvscopeError: As `read_network`.
    """
    keras = require_keras()
    try:
        with _restarted_name_counters():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # readers of damaged files raise anything
        raise BadFile(
            "{path!r} is not a readable .keras file ({reason}). Use another copy; a model with classes or "
            "functions of its own needs keras:package.module:callable. [file-damaged]",
            path=str(path),
            reason=first_line(error),
        ) from None
    return read_network(model, None, path.stem)


def _build_with_values(call: Callable[[], Any]) -> Any:
    with _restarted_name_counters():
        return call()


def _build(call: Callable[[], Any]) -> Any:
    with _restarted_name_counters():
        try:
            with without_weights():
                return call()
        except (Exception, SystemExit):  # building it may need values
            return call()


@contextmanager
def _restarted_name_counters() -> Iterator[None]:
    """Let Keras number unnamed layers from the start, so that a model always has the same names."""
    from keras.src.backend.common import global_state

    before = global_state.get_global_attribute(_NAME_COUNTERS)
    global_state.set_global_attribute(_NAME_COUNTERS, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(_NAME_COUNTERS, before)


@contextmanager
def without_weights() -> Iterator[None]:
    """Let Keras build models whose weights have shapes and take no memory."""
    import keras
    from keras.src.backend.common import global_state

    if keras.backend.backend() == "torch":  # its modules allocate weights when they are created
        with keras.device("meta"):
            yield
        return
    before = list(global_state.get_global_attribute(_UNINITIALIZED) or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:  # otherwise Keras would initialize these weights at the next shape inference
        global_state.set_global_attribute(_UNINITIALIZED, before)
