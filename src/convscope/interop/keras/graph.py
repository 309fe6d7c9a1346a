"""Graphs of Keras models, recorded by Keras or traced here.

Keras records a function when one of its arguments is symbolic. A weight is not symbolic: `w * x`, `ops.tile(w, …)`
or an Embedding of constant positions would be computed at once, and the weight would be lost. While a call is
traced here, trainable weights therefore count as symbolic, in the tracing thread and outside Keras' own shape
inference. Arrays that depend on no trainable weight are computed as usual: they are constants.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import Parameter, signature
from math import isqrt
from typing import Any, NamedTuple

from ...errors import BadNetwork, BadSetting, ConvscopeError
from ...input_shapes import InputShape, shapes_by_name
from ...layers.connection import Shape
from ...text.language import Message
from ...text.lists import join_and
from ..errors import first_line
from .symbolic import to_data_format

_OPERATORS = (
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__"),
    *("__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__pow__", "__rpow__", "__matmul__", "__rmatmul__"),
    *("__lt__", "__le__", "__gt__", "__ge__", "__neg__", "__abs__", "__getitem__"),
)
"""Operators that symbolic tensors and variables have in common."""

_lock = threading.RLock()
_tracing_threads: list[int] = []
"""The thread that traces, once per nested trace."""


class Graph(NamedTuple):
    """Symbolic inputs, calls in topological order, and symbolic outputs.

    `traced` says that the graph was traced here, rather than recorded by Keras when the model was built.
    """

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


def _graph(function: Any) -> Graph:
    depths = sorted(function._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in function._nodes_by_depth[depth] if not node.is_input]
    return Graph(list(function.inputs), nodes, list(function.outputs))


def batch_size(model: Any) -> int:
    """Return a prime that divides no size of the model's weights, to trace with as the batch size.

    A size that it divides therefore contains the batch.
    """
    sizes = {size for weight in model.weights for size in weight.shape}
    candidate = 1009
    while any(candidate % divisor == 0 for divisor in range(2, isqrt(candidate) + 1)) or any(
        size and size % candidate == 0 for size in sizes
    ):
        candidate += 2
    return candidate


def trace(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Graph:
    """Return the graph of a call with symbolic tensors. Nothing that depends on them is computed.

    Raises:
        Exception: Whatever the function raises.
        TypeError: Where it does not return symbolic tensors.
    """
    from keras import KerasTensor, tree

    inputs = list({id(one): one for one in _symbols_in((args, kwargs))}.values())
    with _weights_traced(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from NumPy, about a call by Keras
        outputs = tree.flatten(function(*args, **kwargs))
    if not outputs or not all(isinstance(one, KerasTensor) for one in outputs):
        raise TypeError(Message("a call that returns no symbolic tensors"))
    return Graph(inputs, _nodes_between(inputs, outputs), outputs, traced=True)


def _symbols_in(value: Any) -> list[Any]:
    """Return the symbolic tensors in arguments, in order."""
    from keras import KerasTensor

    if isinstance(value, KerasTensor):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [symbol for one in inner for symbol in _symbols_in(one)]


def _nodes_between(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Return the calls between inputs and outputs in topological order.

    Raises:
        TypeError: Where an output depends on another symbolic tensor.
    """
    from keras.layers import InputLayer

    reached = {id(tensor) for tensor in inputs}
    nodes: list[Any] = []
    waiting = list(reversed(outputs))
    while waiting:
        tensor = waiting[-1]
        history = tensor._keras_history
        if id(tensor) in reached:
            waiting.pop()
            continue
        if history.operation is None or isinstance(history.operation, InputLayer):
            raise TypeError(Message("a symbolic tensor that is not an input"))
        node = history.operation._inbound_nodes[history.node_index]
        needed = [one for one in node.arguments.keras_tensors if id(one) not in reached]
        if needed:
            waiting += reversed(needed)
            continue
        nodes.append(node)
        reached.update(map(id, node.outputs))
    return nodes


@contextmanager
def _weights_traced() -> Iterator[None]:
    """Let functions, operators and layers record their calls on trainable weights.

    Keras checks in one place whether an argument is symbolic; the class it checks for is patched there.
    """
    import keras
    from keras.src.backend.common import keras_tensor
    from keras.src.backend.common.variables import Variable

    with _lock:
        _tracing_threads.append(threading.get_ident())
        try:
            if len(_tracing_threads) > 1:
                yield
                return
            changes: list[tuple[Any, str, Any]] = [(keras_tensor, "KerasTensor", _symbolic_kind())]
            changes += [(Variable, name, _operator(name, getattr(Variable, name))) for name in _OPERATORS]
            changes.append((keras.Layer, "__call__", _layer_call(keras.Layer.__call__)))
            before = [(owner, name, vars(owner)[name]) for owner, name, _ in changes]
            try:
                for owner, name, value in changes:
                    setattr(owner, name, value)
                yield
            finally:
                for owner, name, value in before:
                    setattr(owner, name, value)
        finally:
            _tracing_threads.pop()


def _is_tracing() -> bool:
    """Return whether this thread is tracing, and not inside Keras' shape inference."""
    from keras.src.backend.common.stateless_scope import in_stateless_scope

    return bool(_tracing_threads) and _tracing_threads[-1] == threading.get_ident() and not in_stateless_scope()


def _is_weight(value: Any) -> bool:
    import keras

    return isinstance(value, keras.Variable) and bool(value.trainable) and _is_tracing()


def _symbolic_kind() -> type:
    """Return a class whose instances are symbolic tensors, and weights during tracing."""
    from keras import KerasTensor

    class TensorClass(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, KerasTensor) or _is_weight(value)

    return TensorClass("KerasTensor", (), {})


def _operator(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a variable's operator that records calls on weights and with symbolic tensors."""
    from keras import KerasTensor

    symbolic = getattr(KerasTensor, name)

    def operator(variable: Any, *others: Any) -> Any:
        mixed = _is_tracing() and any(isinstance(other, KerasTensor) for other in others)
        return symbolic(variable, *others) if mixed or _is_weight(variable) else original(variable, *others)

    return operator


def _layer_call(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a layer's call that passes weights on as symbolic tensors, not as arrays."""
    from keras import tree
    from keras.src.ops.core import Cast

    def symbol(value: Any) -> Any:
        return Cast(dtype=value.dtype).symbolic_call(value) if _is_weight(value) else value

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = tree.map_structure(symbol, (args, kwargs))
        return original(layer, *args, **kwargs)

    return call


# Subclassed models: they have no graph until they are called with symbolic tensors

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
        graph = _build_sequential(model, input_shape)
        if graph is not None:
            return graph
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
    recorded = _recorded_shapes(model)
    if input_shape is None:
        if not recorded:
            raise _unbuilt(model)
        if not set(needed) <= set(recorded):  # Keras stores only the first shape of some models
            raise _several(model, needed)
        return recorded
    if not isinstance(input_shape, Mapping):
        shape = _as_keras(shapes_by_name(input_shape, known[:1] or ["input"]).popitem()[1])
        missing = [name for name in needed if name not in {known[0], *recorded}]
        if missing or isinstance(recorded.get(known[0]), list | dict):
            raise _several(model, needed)
        return {**recorded, known[0]: shape}
    inside = len(needed) < 2 and not set(input_shape) & set(known)
    names = list(input_shape) if inside else known
    shapes = {name: _as_keras(shape) for name, shape in shapes_by_name(input_shape, list(map(str, names))).items()}
    if not inside:
        if not set(needed) <= {*recorded, *shapes}:
            raise _several(model, needed)
        return {**recorded, **shapes}
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


def _recorded_shapes(model: Any) -> CallShapes:
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
