"""Write a model as an ONNX file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import BadFile, BadSetting
from ...files.atomic import write_durably
from ...layers.dense import Embedding
from ...network import Network, Node
from ...optim.losses import Reading
from ...optim.tasks import Task
from .reader import require_onnx
from .values import Array

if TYPE_CHECKING:
    from onnx import ModelProto

    from ...model import Model
    from .writers.graph import OnnxGraph

OPSET = 21
"""The operator set that is written: the first whose GroupNormalization has a factor per channel."""

IR_VERSION = 10

REAL, INT = 1, 7
"""ONNX's numbers for float32 and int64."""

MAX_FILE_BYTES = 2**31 - 1
"""Bytes of a protocol buffer."""


PROBABILITIES = "probabilities"
"""The part of the last layer's name that an output of probabilities is named by: "fc/probabilities"."""

_OPERATORS: dict[Reading, tuple[str, dict[str, Any]]] = {
    "softmax": ("Softmax", {"axis": 1}),
    "sigmoid": ("Sigmoid", {}),
}
"""What computes probabilities from the network's output."""


def to_onnx(model: Model, path: str | os.PathLike[str], probabilities: bool | None = None) -> None:
    """Write a model with its weights as an ONNX file, whole or not at all.

    The file computes what `model.predict` returns with the same `probabilities`, and says which in its metadata
    and in the output's description. The batch size is open; a layer's node and output have the layer's name.

    Errors:   MissingExtra [missing-onnx]; NoRule [no-onnx] for a layer that ONNX cannot say; BadSetting
              [onnx-model], [probabilities]; BadFile [onnx-large], [write-failed]
    """
    from ...model import Model

    require_onnx()
    if not isinstance(model, Model):
        raise BadSetting(
            f"to_onnx.model must be a Model; got model={type(model).__name__}; "
            "use convscope.Model(network) for one with fresh weights. [onnx-model]"
        )
    target = Path(os.fspath(path))
    sizes = sum(4 * prod(kept.shape(name)) for kept in (model.parameters, model.buffers) for name in kept)
    if sizes > MAX_FILE_BYTES - (64 << 20):
        raise BadFile(
            f"{str(target)!r} must hold at most 2 GiB; got {sizes:,} bytes of weights; "
            "save it with Model.save instead. [onnx-large]"
        )
    arrays = {**model.parameters, **model.buffers}
    written = as_onnx(model.network, arrays, model.reading(probabilities), model.task)
    write_durably(target, written.SerializeToString())


def as_onnx(
    network: Network, arrays: Mapping[str, Array], reading: Reading = "as is", task: Task | None = None
) -> ModelProto:
    """Return a network and its arrays by "layer.name" as ONNX's message.

    `reading` is what is applied to the (last) output.

    Errors:   NoRule [no-onnx]
    """
    from onnx import helper

    from . import writers
    from .writers.graph import OnnxGraph

    kinds = {node.name: _input_type(node, network) for node in network.inputs}
    graph = OnnxGraph(arrays, frozenset(name for name, kind in kinds.items() if kind == INT))
    for node in network.layers:
        writers.write_node(node, graph)
    outputs = [_output(node, graph) for node in reversed(network.outputs)]
    if reading != "as is":
        outputs[0] = _probabilities(outputs[0].name, network.outputs[-1], reading, graph)
    meaning = _meaning(network, reading)
    outputs[0].doc_string = meaning
    values = {output.name for output in outputs}
    inside = [_value(node.name, node) for node in network.layers if node.name not in values]
    made = helper.make_graph(
        graph.nodes,
        _graph_name(network),
        [_value(node.name, node, kinds[node.name]) for node in network.inputs],
        outputs,
        graph.initializers,
        value_info=inside,
    )
    message = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="convscope",
    )
    helper.set_model_props(message, {"output": meaning, "task": task or "none"})
    return message


def _graph_name(network: Network) -> str:
    return network.name or "network"


def _output(node: Node, graph: OnnxGraph) -> Any:
    """Return an output of the graph; the image itself is given out through an Identity."""
    if node.inputs:
        return _value(node.name, node)
    name = f"{node.name}/output"
    graph.add("Identity", [node.name], name)
    return _value(name, node)


def _probabilities(name: str, node: Node, reading: Reading, graph: OnnxGraph) -> Any:
    """Append what makes probabilities of the last output, which stays readable inside the graph."""
    operator, settings = _OPERATORS[reading]
    return _value(graph.add(operator, [name], f"{node.name}/{PROBABILITIES}", **settings), node)


def _meaning(network: Network, reading: Reading) -> str:
    last = network.outputs[-1].name
    how = {
        "softmax": f"probabilities: softmax of {last} over axis 1",
        "sigmoid": f"probabilities: sigmoid of {last}",
    }
    return how.get(reading, f"output of {last}")


def _value(name: str, node: Node, kind: int = REAL) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, ["N", *node.output_shape])


def _input_type(node: Node, network: Network) -> int:
    """Return whole numbers where the input is only looked up in tables, else real ones."""
    users = network.consumers(node.name)
    return INT if users and all(isinstance(user.layer, Embedding) for user in users) else REAL
