"""The graph of a model: what Keras recorded when it was built, or what a call with symbolic tensors records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import BadNetwork, BadSetting, ConvscopeError


class Graph(NamedTuple):
    """Symbolic inputs, the calls in an order in which each finds its inputs, and symbolic outputs."""

    inputs: Sequence[Any]
    nodes: Sequence[Any]
    outputs: Sequence[Any]
    traced: bool = False


def inner_graph(operation: Any) -> Graph | None:
    """Return the graph of a functional or sequential model; None for anything else."""
    import keras
    from keras.src.models.functional import Functional

    if isinstance(operation, keras.Sequential) and type(operation).call is keras.Sequential.call:
        return None if operation._functional is None else _graph(operation._functional)
    if isinstance(operation, Functional) and type(operation).call is Functional.call:
        return _graph(operation)
    return None


def graph_of(model: Any, shape: tuple[int, ...] | None) -> Graph:
    """Return the graph of a model; one that has none is built and called with symbolic tensors.

    `shape` is a picture's in Keras' order, for models that do not know it themselves.

    Errors:   BadSetting [keras-model], [keras-unbuilt]; BadNetwork [keras-trace]
    """
    import keras

    if not isinstance(model, keras.Model):
        raise BadSetting(
            f"from_keras.model must be a Keras model; got {type(model).__name__}; "
            "pass one, as in from_keras(keras.applications.ResNet50(weights=None)). [keras-model]"
        )
    graph = inner_graph(model)
    if graph is not None:
        return graph
    known = shape or _built_shape(model)
    if known is None:
        raise BadSetting(
            f"from_keras.model must know its input's shape; got {type(model).__name__} {model.name!r}, which "
            "does not; give input_shape=(channels, height, width) or --input, or make it from keras.Input. "
            "[keras-unbuilt]"
        )
    if isinstance(model, keras.Sequential):
        return _built_sequential(model, known)
    return _traced_model(model, known)


def trace(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Graph:
    """Return the graph of a call with symbolic tensors; nothing is computed.

    Errors:   whatever the function raises; TypeError where it does not return symbolic tensors
    """
    from keras import KerasTensor, tree

    symbols = [one for one in tree.flatten((args, kwargs)) if isinstance(one, KerasTensor)]
    given = list({id(one): one for one in symbols}.values())
    outputs = tree.flatten(function(*args, **kwargs))
    if not outputs or not all(isinstance(one, KerasTensor) for one in outputs):
        raise TypeError("no symbolic tensors came back")
    return Graph(given, _nodes_between(given, outputs), outputs, traced=True)


def _nodes_between(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Return the calls that lead from some symbolic tensors to others, each behind those that it needs.

    Errors:   TypeError where a tensor comes from elsewhere
    """
    reached = {id(tensor) for tensor in inputs}
    nodes: list[Any] = []
    waiting = list(reversed(outputs))
    while waiting:
        tensor = waiting[-1]
        history = tensor._keras_history
        if id(tensor) in reached:
            waiting.pop()
            continue
        if history.operation is None:
            raise TypeError("a symbolic tensor from elsewhere")
        node = history.operation._inbound_nodes[history.node_index]
        if node.is_input:
            raise TypeError("a symbolic tensor from elsewhere")
        needed = [one for one in node.arguments.keras_tensors if id(one) not in reached]
        if needed:
            waiting += reversed(needed)
            continue
        nodes.append(node)
        reached.update(map(id, node.outputs))
    return nodes


def _graph(function: Any) -> Graph:
    depths = sorted(function._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in function._nodes_by_depth[depth] if not node.is_input]
    return Graph(list(function.inputs), nodes, list(function.outputs))


def _built_shape(model: Any) -> tuple[int, ...] | None:
    """Return the one picture that a subclassed model was built for, if it was."""
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    shape = next(iter(shapes.values())) if len(shapes) == 1 else None
    if not isinstance(shape, list | tuple) or not all(isinstance(size, int) for size in shape[1:]):
        return None
    return tuple(shape[1:])


def _built_sequential(model: Any, shape: tuple[int, ...]) -> Graph:
    try:
        model.build((None, *shape))
    except Exception as error:  # layers may raise anything
        raise _untraceable(model, error) from error
    graph = inner_graph(model)
    if graph is None:
        return _traced_model(model, shape)
    return graph


def _traced_model(model: Any, shape: tuple[int, ...]) -> Graph:
    import keras

    picture = keras.Input(shape, dtype=model.compute_dtype, name="input")
    try:
        if not model.built:
            model(picture)
        return trace(model.call, [picture], {})
    except ConvscopeError:
        raise
    except Exception as error:  # a model's own code may raise anything
        raise _untraceable(model, error) from error


def _untraceable(model: Any, error: Exception) -> BadNetwork:
    return BadNetwork(
        f"a model without a graph must be callable with symbolic tensors; got {said(error)} from "
        f"{type(model).__name__}; make it from keras.Input, or use keras.ops in its call. [keras-trace]"
    )


def check_whole(model: Any, incomplete: bool) -> None:
    """Refuse a model whose own weights are not seen in its graph.

    Errors:   BadNetwork [keras-trace]
    """
    if incomplete:
        raise _untraceable(model, ValueError("weights of its own that its graph does not show"))


def said(error: Exception) -> str:
    """Return an error's type and first line."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
