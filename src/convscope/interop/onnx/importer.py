"""Read an ONNX file as a network, and its weights on demand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Array, ComputedArrays
from ...errors import BadFile
from ...files.json_kinds import OBJECT, TEXT, list_of, parse_json
from ...input_shapes import InputShape
from ...layers.structural import Input, Parameter
from ...network import Network
from .call import Builder
from .converter import GraphConverter, ModelContext
from .graph import GraphInput, graph_inputs, image_shape
from .reader import OnnxFile, read_structure
from .values import Constant, Flow, Value

MAX_COMPUTED_WEIGHTS = 1 << 26
"""Weights that a file may describe by a value and a shape instead of storing them."""


def read_network(path: Path, input_shape: InputShape | None = None) -> tuple[Network, dict[str, Constant]]:
    """Return a file's network, and its parameters and statistics by "layer.name", still unread.

    Errors:   MissingExtra [missing-onnx]; BadFile for a file that is damaged, hostile or not an ONNX model;
              BadShape for an input shape that does not fit
    """
    file = read_structure(path)
    builder = Builder()
    outputs = _convert(file, builder, input_shape)
    return builder.build([flow.layer for flow in outputs], path.stem), builder.weights()


def read_weights(network: Network, stored: Mapping[str, Constant], path: Path) -> Mapping[str, Array]:
    """Return the arrays of a network read from `path`, in float32, each read when it is asked for.

    Errors:   BadFile [onnx-weights] at once, or for an array when it is read
    """
    computed = sum(max(0, constant.size - constant.weights) for constant in stored.values())
    if computed > MAX_COMPUTED_WEIGHTS + path.stat().st_size:
        raise BadFile(
            "{path!r} must describe at most {limit:,} weights without storing them (got {computed:,}). Import its "
            "structure only. [onnx-weights]",
            path=str(path),
            limit=MAX_COMPUTED_WEIGHTS,
            computed=computed,
        )
    # An attention mask contains minus infinity, learned weights must not.
    masks = {
        f"{node.name}.value"
        for node in network.nodes
        if isinstance(node.layer, Parameter) and not node.layer.learned
    }

    def read(name: str) -> Array:
        try:
            array = stored[name].array
        except RecursionError:
            raise BadFile(
                "{path!r} must compute its weights from stored ones in a few steps (got too many for {name!r}). "
                "Simplify the model with an ONNX optimizer. [onnx-weights]",
                path=str(path),
                name=name,
            ) from None
        if array.dtype != np.float32:
            array = array.astype(np.float32)
        if name in masks and np.isnan(array).any():
            raise BadFile(
                "Constant {name!r} of {path!r} contains NaN. Export the model again. [onnx-weights]",
                name=name,
                path=str(path),
            )
        if name not in masks and not np.isfinite(array).all():
            raise BadFile(
                "Weights {name!r} of {path!r} contain NaN or infinity. Export the model again. [onnx-weights]",
                name=name,
                path=str(path),
            )
        return array

    return ComputedArrays(stored, read)


PROPERTIES = {"classes": list_of(TEXT), "normalization": OBJECT}
"""JSON values in the metadata of files that convscope has written."""


def read_properties(path: Path) -> dict[str, Any]:
    """Return the class names and the normalization in a file's metadata. Values of another kind are left out.

    Errors:   as `read_network`
    """
    found = {}
    for entry in read_structure(path).model.metadata_props:
        if entry.key in PROPERTIES:
            try:
                value = parse_json(entry.value)
            except ValueError:
                continue
            if PROPERTIES[entry.key].fits(value):
                found[entry.key] = value
    return found


def _convert(file: OnnxFile, builder: Builder, input_shape: InputShape | None) -> list[Flow]:
    """Return the graph's outputs, leaving out constants."""
    graph = file.model.graph
    context = ModelContext(file, builder)
    values: dict[str, Value | None] = {}
    converter = GraphConverter(context, values, file.opsets)
    converter.add_initializers(graph)
    inputs, context.sizes = graph_inputs(graph, values, file.path, input_shape)
    for item in inputs:
        values[item.name] = flow = _add_input(builder, item)
        context.first_input = context.first_input or flow
    outputs = converter.run(graph.node, [item.name for item in graph.output])
    flows = [builder.settle(value) for value in outputs if isinstance(value, Flow)]
    if not flows:
        raise BadFile(
            "No output of {path!r} depends on its input. Export the model in evaluation mode. [onnx-input]",
            path=str(file.path),
        )
    return flows


def _add_input(builder: Builder, item: GraphInput) -> Flow:
    image = image_shape(item)
    flow = builder.add(Input(image), (), item.name, None)
    return Flow(flow.layer, item.shape, item.batch, image, item.dtype)
