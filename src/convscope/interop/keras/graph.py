"""Graphs of Keras models: as Keras recorded them, or traced here.

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
from math import isqrt
from typing import Any, NamedTuple

from ...text.language import Message

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

    class Kind(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, KerasTensor) or _is_weight(value)

    return Kind("KerasTensor", (), {})


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
