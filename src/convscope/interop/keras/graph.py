"""The graph of a model: symbolic inputs, calls, symbolic outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Graph(NamedTuple):
    """Symbolic inputs, the calls in an order in which each finds its inputs, and symbolic outputs.

    `traced` tells what a call was recorded for, from what Keras recorded when the model was built.
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


def said(error: Exception) -> str:
    """Return an error's type and first line."""
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
