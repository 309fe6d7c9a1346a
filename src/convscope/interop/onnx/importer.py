"""Read an ONNX file as a network, with its weights if asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from ...engines.common.arrays import ComputedArrays
from ...engines.protocol import Array
from ...errors import BadFile
from ...input_shapes import InputShape
from ...layers.structural import Identity, Input, Parameter
from ...network import Network
from .builder import Builder
from .converter import GraphConverter, ModelContext
from .graph import GraphInput, graph_inputs, image_shape
from .reader import OnnxFile, bad_file, read_structure
from .values import Constant, Flow, Value

if TYPE_CHECKING:
    from ...model import Model

MAX_COMPUTED_WEIGHTS = 1 << 26
"""Weights that a file describes by a value and a shape, and that are written out when a Model is made."""


@overload
def from_onnx(
    path: str | os.PathLike[str],
    parameters: Literal[False] = False,
    input_shape: InputShape | None = None,
) -> Network: ...


@overload
def from_onnx(
    path: str | os.PathLike[str], parameters: Literal[True], input_shape: InputShape | None = None
) -> Model: ...


@overload
def from_onnx(
    path: str | os.PathLike[str], parameters: bool, input_shape: InputShape | None = None
) -> Network | Model: ...


def from_onnx(
    path: str | os.PathLike[str], parameters: bool = False, input_shape: InputShape | None = None
) -> Network | Model:
    """Return the network of an ONNX file, or with `parameters` a Model that has its weights.

    Layers have the nodes' names, with signs replaced that the notation needs. Weights stay in the file unless
    they are asked for. An operator that no layer says becomes Opaque, with status unknown.

    Units:    input_shape is the first input's, or a mapping from names of inputs to shapes, batch left out:
              for files that leave sizes open, or other sizes
    Errors:   MissingExtra [missing-onnx]; BadFile for a file that is damaged, hostile or of a kind not read;
              BadShape for an image that does not fit
    """
    file = Path(os.fspath(path))
    network, weights = read_network(file, input_shape)
    return _with_weights(network, weights, file) if parameters else network


def read_network(path: Path, input_shape: InputShape | None = None) -> tuple[Network, dict[str, Constant]]:
    """Return a file's network, and by "layer.name" where its parameters and statistics are to be read.

    Errors:   as `from_onnx`
    """
    file = read_structure(path)
    from . import operators  # noqa: F401 - registers them

    builder = Builder()
    _build(file, builder, input_shape)
    held = {
        f"{layer}.{part}": constant
        for layer, parameters in builder.parameters.items()
        for part, constant in parameters.items()
    }
    return Network(builder.entries, path.stem), held


def _build(file: OnnxFile, builder: Builder, input_shape: InputShape | None) -> None:
    graph = file.model.graph
    shared = ModelContext(file, builder)
    values: dict[str, Value | None] = {}
    scope = GraphConverter(shared, values, file.opsets)
    scope.initializers(graph)
    given, shared.sizes = graph_inputs(graph, values, file.path, input_shape)
    for item in given:
        values[item.name] = flow = _input(builder, item)
        shared.first = shared.first or flow
    outputs = scope.run(graph.node, [item.name for item in graph.output])
    flows = [builder.settle(value) for value in outputs if isinstance(value, Flow)]
    if not flows:
        raise BadFile(
            f"{str(file.path)!r} must make its output from its input; got constants only; "
            "export the model in evaluation mode. [onnx-input]"
        )
    _end_with(builder, flows[0])


def _input(builder: Builder, item: GraphInput) -> Flow:
    image = image_shape(item)
    flow = builder.add(Input(image), (), item.name, None)
    return Flow(flow.layer, item.shape, item.batch, image, item.dtype)


def _end_with(builder: Builder, flow: Flow) -> None:
    """Make the graph's first output the network's last layer, which is the one that a Model gives out."""
    used = {name for entry in builder.entries for name in entry.inputs}
    if flow.layer in used:
        builder.add(Identity(), (flow,), f"{flow.layer}.output", None)
        return
    index = next(i for i, entry in enumerate(builder.entries) if entry.name == flow.layer)
    builder.entries.append(builder.entries.pop(index))


def _with_weights(network: Network, weights: Mapping[str, Constant], path: Path) -> Model:
    from ...model import Model

    made = sum(max(0, constant.size - constant.weights) for constant in weights.values())
    if made > MAX_COMPUTED_WEIGHTS + path.stat().st_size:
        raise bad_file(
            path,
            f"ask for at most {MAX_COMPUTED_WEIGHTS:,} weights that are not stored in it",
            f"{made:,}",
            "import its structure alone",
            "onnx-weights",
        )

    # A mask that is added before a softmax has minus infinity where nothing may be attended to.
    fixed = {
        f"{node.name}.value"
        for node in network.nodes
        if isinstance(node.layer, Parameter) and not node.layer.learned
    }

    def read(name: str) -> Array:
        try:
            array = weights[name].array
        except RecursionError:
            raise bad_file(
                path,
                "make its weights from stored ones in a few steps",
                f"too many for {name!r}",
                "simplify the model with an ONNX optimizer",
                "onnx-weights",
            ) from None
        if array.dtype != np.float32:
            array = array.astype(np.float32)
        if name in fixed:
            sound, rule, got = not bool(np.isnan(array).any()), "constants of {} must be numbers", "NaN"
        else:
            sound = bool(np.isfinite(array).all())
            rule, got = "weights of {} must be finite numbers", "NaN or infinity"
        if not sound:
            raise BadFile(
                f"{rule.format(repr(str(path)))}; got {got} in {name!r}; export the model again. [onnx-weights]"
            )
        return array

    return Model(network, parameters=ComputedArrays(weights, read))
