"""The same network, written as ONNX, in the runtimes that are made for inference."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..model import Model


def inference(model: Model, x: np.ndarray, threads: int) -> dict[str, Callable[[], object]]:
    """Return a forward pass in each runtime that is installed: ONNX Runtime, OpenVINO in float32."""
    runtimes = {"ONNX Runtime": ("onnxruntime", _onnx_runtime), "OpenVINO f32": ("openvino", _openvino)}
    there = {name: make for name, (module, make) in runtimes.items() if find_spec(module) and find_spec("onnx")}
    if not there:
        return {}
    from ..interop.onnx.export import to_onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        to_onnx(model, path)
        return {name: make(path, x, threads) for name, make in there.items()}


def _onnx_runtime(path: Path, x: np.ndarray, threads: int) -> Callable[[], object]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x}
    return lambda: session.run(None, feed)


def _openvino(path: Path, x: np.ndarray, threads: int) -> Callable[[], object]:
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
