"""Run ONNX models by ONNX Runtime, and imported networks by the reference engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from convscope import Network
from convscope.engines.reference.layers import run
from convscope.interop.onnx.importer import read_network
from interop.onnx.models import saved

Array = np.ndarray[Any, Any]


def by_runtime(model: Path | bytes, inputs: Mapping[str, Array]) -> list[Array]:
    """Return the outputs of a file or a serialized model."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    source = str(model) if isinstance(model, Path) else model
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, dict(inputs)))


def by_reference(path: Path, inputs: Mapping[str, Array]) -> tuple[Network, Array]:
    """Return a file's network and its last layer's output, computed with the file's weights in float64."""
    network, weights = read_network(path)
    arrays = {name: constant.array.astype(np.float64) for name, constant in weights.items()}
    given = {name: array.astype(np.float64) for name, array in inputs.items()}
    return network, run(network, given, arrays, arrays).output


def assert_close(ours: Array, theirs: Array, relative: float = 1e-5) -> None:
    """Compare relative to the largest value: values near 0 have no relative precision in float32."""
    assert ours.shape == theirs.shape
    scale = max(float(np.abs(theirs).max(initial=0)), 1e-30)
    assert np.abs(ours - theirs).max(initial=0) <= relative * scale


def kinds(network: Network) -> list[str]:
    """Return the types of a network's layers."""
    return [layer.kind for layer in network.layers]


def assert_imported_matches_runtime(made, x, folder, relative=1e-5):
    """Import a model, compare its output with ONNX Runtime's, and return the network."""
    network, ours = by_reference(saved(made, folder), {"x": x})
    theirs = by_runtime(made.SerializeToString(), {"x": x})[0]
    assert_close(ours.reshape(theirs.shape), theirs, relative)
    return network
