"""The same network, exported to ONNX, in ONNX Runtime and OpenVINO."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..model import Model

Work = Callable[[], object]
RUNTIMES = {"ONNX Runtime": "onnxruntime", "OpenVINO f32": "openvino"}
"""Display names of the runtimes, and their modules."""


def missing() -> list[str]:
    """Return the runtimes that are not available; without the package `onnx`, none is."""
    return [name for name, module in RUNTIMES.items() if not (find_spec(module) and find_spec("onnx"))]


def inference(model: Model, x: np.ndarray, threads: int) -> dict[str, Callable[[], Work]]:
    """Return, for each installed runtime, a function that prepares a float32 forward pass."""
    makers = {"ONNX Runtime": _onnx_runtime, "OpenVINO f32": _openvino}
    absent = missing()
    return {name: partial(_made, make, model, x, threads) for name, make in makers.items() if name not in absent}


def _made(make: Callable[[Path, np.ndarray, int], Work], model: Model, x: np.ndarray, threads: int) -> Work:
    from ..exchange import to_onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        to_onnx(model, path)
        return make(path, x, threads)


def _onnx_runtime(path: Path, x: np.ndarray, threads: int) -> Work:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x}
    return lambda: session.run(None, feed)


def _openvino(path: Path, x: np.ndarray, threads: int) -> Work:
    import openvino

    core = openvino.Core()
    network = core.read_model(path)
    network.reshape(list(x.shape))
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
    }
    request = core.compile_model(network, "CPU", settings).create_infer_request()
    tensor = openvino.Tensor(x)
    return lambda: request.infer([tensor])
