"""Subclassed models: they have no graph until they are called with symbolic tensors."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

from ...errors import BadNetwork, BadSetting, ConvscopeError
from ...input_shapes import InputShape, shapes_by_name
from ...layers.connection import Shape
from ...text.language import Message
from ...text.lists import join_and
from ..errors import first_line
from .graph import Graph, batch_size, inner_graph, trace
from .shapes import to_data_format

CallShapes = dict[str, Any]
"""Shapes by argument of `call`: a shape without the batch, or a list or dict of such shapes."""


def graph_of(model: Any, input_shape: InputShape | None) -> Graph:
    """Return the graph of a model, tracing a subclassed one.

    Raises:
        BadSetting: [keras-model], [keras-unbuilt], [keras-inputs], [input-shape], [input-name]
        BadNetwork: [keras-trace]
    """
    import keras

    if not isinstance(model, keras.Model):
        raise BadSetting(
            "from_keras.model must be a Keras model (got {got}). Pass one, as in "
            "from_keras(keras.applications.ResNet50(weights=None)). [keras-model]",
            got=type(model).__name__,
        )
    graph = inner_graph(model)
    if graph is not None:
        return graph
    if isinstance(model, keras.Sequential):
        built = _build_sequential(model, input_shape)
        if built is not None:
            return built
    return _trace_model(model, _call_shapes(model, input_shape))


def check_complete(model: Any, complete: bool) -> None:
    """Refuse a model with weights that do not appear in its graph.

    Raises:
        BadNetwork: [keras-trace]
    """
    if not complete:
        raise _untraceable(model, ValueError(Message("weights that do not appear in its graph")))


def _build_sequential(model: Any, input_shape: InputShape | None) -> Graph | None:
    shapes_given = shapes_by_name(input_shape, ["input"])
    if not shapes_given:
        raise _unbuilt(model)
    try:
        model.build((None, *_as_keras(shapes_given["input"])))
    except Exception as error:  # layers may raise anything
        raise _untraceable(model, error) from error
    return inner_graph(model)


def _call_shapes(model: Any, input_shape: InputShape | None) -> CallShapes:
    """Return the shapes to call a model with: `input_shape`, or else those that it was built for.

    Names in a mapping are those of the arguments of `call`. Where it has only one argument, they are the keys of
    a dict that it takes, or "0", "1", … for the elements of a list.

    Raises:
        BadSetting: [keras-unbuilt], [keras-inputs], [input-shape], [input-name]
    """
    needed, known = _parameters(model)
    built = _built_for(model)
    if input_shape is None:
        if not built:
            raise _unbuilt(model)
        if not set(needed) <= set(built):  # Keras stores only the first shape of some models
            raise _several(model, needed)
        return built
    if not isinstance(input_shape, Mapping):
        shape = _as_keras(shapes_by_name(input_shape, known[:1] or ["input"]).popitem()[1])
        missing = [name for name in needed if name not in {known[0], *built}]
        if missing or isinstance(built.get(known[0]), list | dict):
            raise _several(model, needed)
        return {**built, known[0]: shape}
    inside = len(needed) < 2 and not set(input_shape) & set(known)
    names = list(input_shape) if inside else known
    shapes = {name: _as_keras(shape) for name, shape in shapes_by_name(input_shape, list(map(str, names))).items()}
    if not inside:
        if not set(needed) <= {*built, *shapes}:
            raise _several(model, needed)
        return {**built, **shapes}
    positions = [str(index) for index in range(len(shapes))]
    return {known[0]: [shapes[index] for index in positions] if sorted(shapes) == positions else shapes}


def _as_keras(shape: Shape) -> Shape:
    import keras

    return to_data_format(shape, str(keras.config.image_data_format()))


def _parameters(model: Any) -> tuple[list[str], list[str]]:
    """Return the names of the arguments of `call` that are tensors: the required ones, and all."""
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    found = [one for one in signature(model.call).parameters.values() if one.kind in kinds]
    found = [one for one in found if one.name not in ("training", "mask") and not one.name.endswith("_mask")]
    return [one.name for one in found if one.default is Parameter.empty], [one.name for one in found]


def _built_for(model: Any) -> CallShapes:
    """Return the shapes that a model was built for, without the batch, by argument; none if they are open."""
    _, known = _parameters(model)
    found = getattr(model, "_build_shapes_dict", None) or {}
    shapes_given = {}
    for name, shapes in found.items():
        argument = name.removesuffix("_shape")
        shapes_given[argument if argument in known else next(iter(known), argument)] = _without_batch(shapes)
    return shapes_given if len(shapes_given) == len(found) and not _is_open(shapes_given) else {}


def _without_batch(shapes: Any) -> Any:
    if isinstance(shapes, Mapping):
        return {key: _without_batch(one) for key, one in shapes.items()}
    if any(isinstance(one, list | tuple) for one in shapes):
        return [_without_batch(one) for one in shapes]
    return tuple(shapes[1:])


def _is_open(shapes: Any) -> bool:
    inner = shapes.values() if isinstance(shapes, Mapping) else shapes
    return any(one is None or (isinstance(one, list | tuple | Mapping) and _is_open(one)) for one in inner)


def _trace_model(model: Any, shapes: CallShapes) -> Graph:
    """Build a model, and trace its call."""
    single = len(shapes) == 1 and not isinstance(next(iter(shapes.values())), list | dict)
    names = dict.fromkeys(shapes, "input") if single else {name: name for name in shapes}

    def symbols(batch: int | None) -> CallShapes:
        return {name: _symbols(one, names[name], model.compute_dtype, batch) for name, one in shapes.items()}

    try:
        if not model.built:
            arguments = symbols(None)
            model(arguments.pop(next(iter(arguments))), **arguments)
        return trace(model.call, [], symbols(batch_size(model)))
    except ConvscopeError:
        raise
    except Exception as error:  # the model's code may raise anything
        raise _untraceable(model, error) from error


def _symbols(shapes: Any, name: str, dtype: str, batch: int | None) -> Any:
    """Return symbolic tensors of these shapes; those inside a list or dict have their own names."""
    import keras

    if isinstance(shapes, Mapping):
        return {key: _symbols(one, str(key), dtype, batch) for key, one in shapes.items()}
    if isinstance(shapes, list):
        return [_symbols(one, f"{name}{index}", dtype, batch) for index, one in enumerate(shapes)]
    return keras.Input(batch_shape=(batch, *shapes), dtype=dtype, name=name)


def _unbuilt(model: Any) -> BadSetting:
    return BadSetting(
        "from_keras.model has no input shape (got {kind} {name!r}). Pass input_shape=(channels, height, width) or "
        "--input, or build it from keras.Input. [keras-unbuilt]",
        kind=type(model).__name__,
        name=model.name,
    )


def _several(model: Any, needed: list[str]) -> BadSetting:
    example = ", ".join(f"{name!r}: (…)" for name in needed) or "'name': (…)"
    return BadSetting(
        "from_keras.input_shape must have a shape for each input of {kind} {name!r} (it is called with "
        "{arguments}). Pass input_shape={{{example}}}, channels first. [keras-inputs]",
        kind=type(model).__name__,
        name=model.name,
        arguments=join_and(needed) if needed else Message("several tensors"),
        example=example,
    )


def _untraceable(model: Any, error: Exception) -> BadNetwork:
    return BadNetwork(
        "{kind} has no graph, and cannot be called with symbolic tensors (got {error}). Build it from "
        "keras.Input, or use keras.ops in its call. [keras-trace]",
        kind=type(model).__name__,
        error=first_line(error),
    )
