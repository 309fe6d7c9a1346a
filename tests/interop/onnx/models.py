"""Small ONNX models made for the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from convscope.interop.onnx import reader

Array = np.ndarray[Any, Any]
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def model(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str | None],
    tensors: Mapping[str, Array] | None = None,
    opset: int = 21,
    outputs: Sequence[str] = ("y",),
    **more: Any,
) -> onnx.ModelProto:
    """Return a model of nodes from input x to the outputs, its tensors stored by name."""
    graph = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info("x", more.pop("kind", FLOAT), shape), *more.pop("inputs", [])],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (tensors or {}).items()],
        value_info=more.pop("value_info", []),
    )
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", [])]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=10, **more)
    for output in made.graph.output:
        if not output.type.tensor_type.HasField("shape"):
            output.type.CopyFrom(helper.make_tensor_type_proto(FLOAT, None))
    return made


def saved(made: onnx.ModelProto, folder: Path, name: str = "made") -> Path:
    """Write a model and return its path."""
    path = folder / f"{name}.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def one(
    operator: str, attributes: Mapping[str, Any] | None = None, inputs: Sequence[str] = ("x",), **more: Any
) -> Any:
    """Return a node called `made` that makes y."""
    return helper.make_node(operator, list(inputs), ["y"], "made", **(attributes or {}), **more)


def field(number: int, content: bytes) -> bytes:
    """Return a protocol buffer's field that holds a message or a text."""
    return reader._varint(number << 3 | 2) + reader._varint(len(content)) + content


def numbers(shape: Sequence[int], seed: int = 3) -> Array:
    """Return float32 numbers in [-1, 1), no two alike."""
    return (np.random.default_rng(seed).random(tuple(shape)) * 2 - 1).astype(np.float32)


def inferred_shape(made: onnx.ModelProto, name: str = "y") -> tuple[int | str, ...] | None:
    """Return a value's shape as ONNX's own inference finds it; None where it does not."""
    known = onnx.shape_inference.infer_shapes(made, strict_mode=True, data_prop=True)
    for value in (*known.graph.value_info, *known.graph.output):
        if value.name == name and value.type.tensor_type.HasField("shape"):
            return tuple(dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim)
    return None


def whole(*values: int) -> np.ndarray:
    """Return whole numbers as an array."""
    return np.array(values, np.int64)
