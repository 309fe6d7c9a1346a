"""Record what a call does with symbolic tensors, and with weights, which have numbers.

Keras records a function when one of its arguments is symbolic. A weight is not: `w * x`, `ops.tile(w, …)` or an
Embedding of fixed positions would be computed at once, and the weight be gone from sight. While a call is recorded
here, trainable weights therefore count as symbolic, for the thread that records and outside Keras' own inference
of shapes. Arrays that depend on no trainable weight are computed as always: they are constants.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isqrt
from typing import Any

from .graph import Graph

_OPERATORS = (
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__"),
    *("__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__pow__", "__rpow__", "__matmul__", "__rmatmul__"),
    *("__lt__", "__le__", "__gt__", "__ge__", "__neg__", "__abs__", "__getitem__"),
)
"""Operators of symbolic tensors that a variable has, too."""

_lock = threading.RLock()
_recorder: list[int] = []
"""The thread that records, once for each recording that it is in."""


def batch_size(model: Any) -> int:
    """Return a number of images to record for, which no size of a model's weights is a multiple of.

    A size that it divides therefore counts images.
    """
    sizes = {size for weight in model.weights for size in weight.shape}
    candidate = 1009
    while any(candidate % divisor == 0 for divisor in range(2, isqrt(candidate) + 1)) or any(
        size and size % candidate == 0 for size in sizes
    ):
        candidate += 2
    return candidate


def trace(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Graph:
    """Return the graph of a call with symbolic tensors; nothing that depends on them is computed.

    Errors:   whatever the function raises; TypeError where it does not return symbolic tensors
    """
    from keras import KerasTensor, tree

    given = list({id(one): one for one in _symbols_in((args, kwargs))}.values())
    with _weights_recorded(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy's, about what Keras itself calls
        outputs = tree.flatten(function(*args, **kwargs))
    if not outputs or not all(isinstance(one, KerasTensor) for one in outputs):
        raise TypeError("no symbolic tensors came back")
    return Graph(given, _nodes_between(given, outputs), outputs, traced=True)


def _symbols_in(value: Any) -> list[Any]:
    """Return the symbolic tensors in arguments, in the order in which they are listed there."""
    from keras import KerasTensor

    if isinstance(value, KerasTensor):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [symbol for one in inner for symbol in _symbols_in(one)]


def _nodes_between(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Return the calls that lead from some symbolic tensors to others, each behind those that it needs.

    Errors:   TypeError where a tensor comes from elsewhere
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
            raise TypeError("a symbolic tensor from elsewhere")
        node = history.operation._inbound_nodes[history.node_index]
        needed = [one for one in node.arguments.keras_tensors if id(one) not in reached]
        if needed:
            waiting += reversed(needed)
            continue
        nodes.append(node)
        reached.update(map(id, node.outputs))
    return nodes


@contextmanager
def _weights_recorded() -> Iterator[None]:
    """Let functions, operators and layers record their calls on trainable weights.

    Keras asks in one place whether an argument is symbolic; what it asks by is replaced there for a while.
    """
    import keras
    from keras.src.backend.common import keras_tensor
    from keras.src.backend.common.variables import Variable

    with _lock:
        _recorder.append(threading.get_ident())
        try:
            if len(_recorder) > 1:
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
            _recorder.pop()


def _records() -> bool:
    """Tell whether this thread records, and does not merely ask for shapes at the moment."""
    from keras.src.backend.common.stateless_scope import in_stateless_scope

    return bool(_recorder) and _recorder[-1] == threading.get_ident() and not in_stateless_scope()


def _is_weight(value: Any) -> bool:
    import keras

    return isinstance(value, keras.Variable) and bool(value.trainable) and _records()


def _symbolic_kind() -> type:
    """Return a class whose instances are symbolic tensors, and weights while they are recorded."""
    from keras import KerasTensor

    class Kind(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, KerasTensor) or _is_weight(value)

    return Kind("KerasTensor", (), {})


def _operator(name: str, usual: Callable[..., Any]) -> Callable[..., Any]:
    """Return a variable's operator, which records where the variable is a weight or meets a symbolic tensor."""
    from keras import KerasTensor

    symbolic = getattr(KerasTensor, name)

    def operator(variable: Any, *others: Any) -> Any:
        met = _records() and any(isinstance(other, KerasTensor) for other in others)
        return symbolic(variable, *others) if met or _is_weight(variable) else usual(variable, *others)

    return operator


def _layer_call(usual: Callable[..., Any]) -> Callable[..., Any]:
    """Return the call of a layer that takes weights for symbolic tensors, which it would make arrays of."""
    from keras import tree
    from keras.src.ops.core import Cast

    def symbol(value: Any) -> Any:
        return Cast(dtype=value.dtype).symbolic_call(value) if _is_weight(value) else value

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = tree.map_structure(symbol, (args, kwargs))
        return usual(layer, *args, **kwargs)

    return call
