"""Write a network and its arrays as an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import BadFile
from ...files.atomic import write_durably
from ...layers.dense import Embedding
from ...network import Network, Node
from ...optim.losses import Reading, Task
from .values import Array

if TYPE_CHECKING:
    from onnx import ModelProto

    from .writers.graph import OnnxGraph

OPSET = 21
"""The first operator set whose GroupNormalization has a scale per channel."""

IR_VERSION = 10

FLOAT, INT64 = 1, 7
"""TensorProto.FLOAT and TensorProto.INT64, without importing onnx."""

MAX_FILE_BYTES = 2**31 - 1
"""Largest size of a protocol buffer message."""

PROBABILITIES = "probabilities"
"""Suffix of the output that holds probabilities: "fc/probabilities"."""

_PROBABILITY_OPERATORS: dict[Reading, tuple[str, dict[str, Any]]] = {
    "softmax": ("Softmax", {"axis": 1}),
    "sigmoid": ("Sigmoid", {}),
}


def check_size(path: Path, weight_bytes: int) -> None:
    """Refuse weights that do not fit into one file.

    Errors:   BadFile [onnx-large]
    """
    if weight_bytes > MAX_FILE_BYTES - (64 << 20):
        raise BadFile(
            "An ONNX file holds at most 2 GiB (got {weight_bytes:,} bytes of weights for {path!r}). "
            "Save the model with Model.save instead. [onnx-large]",
            weight_bytes=weight_bytes,
            path=str(path),
        )


def write_onnx(
    network: Network,
    arrays: Mapping[str, Array],
    path: Path,
    reading: Reading = "as is",
    task: Task | None = None,
    properties: Mapping[str, Any] | None = None,
) -> None:
    """Write a network and its arrays by "layer.name" to a file, atomically.

    `reading` is applied to the last output. `properties` are JSON values for the file's metadata.

    Errors:   NoRule [no-onnx] for a layer that cannot be expressed in ONNX operators; BadFile [write-failed]
    """
    write_durably(path, as_onnx(network, arrays, reading, task, properties).SerializeToString())


def as_onnx(
    network: Network,
    arrays: Mapping[str, Array],
    reading: Reading = "as is",
    task: Task | None = None,
    properties: Mapping[str, Any] | None = None,
) -> ModelProto:
    """Return a network and its arrays by "layer.name" as an ONNX model.

    Errors:   NoRule [no-onnx]
    """
    from onnx import helper

    from . import writers
    from .writers.graph import OnnxGraph

    dtypes = {node.name: _input_dtype(node, network) for node in network.inputs}
    graph = OnnxGraph(arrays, frozenset(name for name, dtype in dtypes.items() if dtype == INT64))
    for node in network.layers:
        writers.write_node(node, graph)
    outputs = [_output(node, graph) for node in reversed(network.outputs)]
    if reading != "as is":
        outputs[0] = _probabilities(outputs[0].name, network.outputs[-1], reading, graph)
    description = _output_description(network, reading)
    outputs[0].doc_string = description
    output_names = {output.name for output in outputs}
    message = helper.make_model(
        helper.make_graph(
            graph.nodes,
            network.name or "network",
            [_value_info(node.name, node, dtypes[node.name]) for node in network.inputs],
            outputs,
            graph.initializers,
            value_info=[_value_info(node.name, node) for node in network.layers if node.name not in output_names],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="convscope",
    )
    described = {name: json.dumps(value, ensure_ascii=False) for name, value in (properties or {}).items()}
    helper.set_model_props(message, {"output": description, "task": task or "none", **described})
    return message


def _output(node: Node, graph: OnnxGraph) -> Any:
    if node.inputs:
        return _value_info(node.name, node)
    # A graph's input cannot be its output as well.
    name = f"{node.name}/output"
    graph.add("Identity", [node.name], name)
    return _value_info(name, node)


def _probabilities(name: str, node: Node, reading: Reading, graph: OnnxGraph) -> Any:
    operator, attributes = _PROBABILITY_OPERATORS[reading]
    return _value_info(graph.add(operator, [name], f"{node.name}/{PROBABILITIES}", **attributes), node)


def _output_description(network: Network, reading: Reading) -> str:
    last = network.outputs[-1].name
    descriptions = {
        "softmax": f"probabilities: softmax of {last} over axis 1",
        "sigmoid": f"probabilities: sigmoid of {last}",
    }
    return descriptions.get(reading, f"output of {last}")


def _value_info(name: str, node: Node, dtype: int = FLOAT) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, dtype, ["N", *node.output_shape])


def _input_dtype(node: Node, network: Network) -> int:
    """Return int64 for an input that only embeddings use, otherwise float."""
    users = network.consumers(node.name)
    return INT64 if users and all(isinstance(user.layer, Embedding) for user in users) else FLOAT
