"""The same work in other frameworks: PyTorch, and ONNX Runtime and OpenVINO on the exported network."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..engines.native.kernels.common.shapes import ConvolutionShape
from ..model import Model

Work = Callable[[], object]
LAYOUTS = ("contiguous_format", "channels_last")


def torch_module(threads: int) -> Any | None:
    """Return PyTorch with as many threads as the engine, or None if it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(threads)
    return torch


def convolution_work(
    torch: Any, shape: ConvolutionShape, batch: int, layout: str, seed: int = 0
) -> dict[str, Callable[[], object]]:
    """Return forward, input gradient and weight gradient of one convolution."""
    draw = torch.Generator().manual_seed(seed)
    memory_format = getattr(torch, layout)

    def tensor(*sizes: int) -> Any:
        return torch.randn(*sizes, generator=draw).contiguous(memory_format=memory_format)

    x = tensor(batch, shape.channels, shape.height, shape.width)
    weight = tensor(shape.filters, shape.channels // shape.groups, *shape.kernel)
    bias = torch.zeros(shape.filters)
    dy = tensor(batch, shape.filters, *shape.output)
    settings = (list(shape.stride), list(shape.before), list(shape.dilation))

    def forward() -> Any:
        return torch.nn.functional.conv2d(x, weight, bias, *settings, shape.groups)

    def gradient(wanted: list[bool]) -> Callable[[], object]:
        def work() -> Any:
            arguments = (dy, x, weight, [shape.filters], *settings, False, [0, 0], shape.groups, wanted)
            return torch.ops.aten.convolution_backward(*arguments)

        return work

    return {
        "forward": forward,
        "input gradient": gradient([True, False, False]),
        "weight gradient": gradient([False, True, False]),
    }


def training_step(
    torch: Any, model: Model, x: np.ndarray, labels: np.ndarray, layout: str, compiled: bool = False
) -> Callable[[], object]:
    """Return a training step of the same model with cross-entropy and fused SGD with momentum."""
    from ..exchange import to_torch

    whole: Any = to_torch(model).train()
    module = whole.to(memory_format=getattr(torch, layout))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, fused=True)
    images = torch.from_numpy(x).contiguous(memory_format=getattr(torch, layout))
    classes = torch.from_numpy(labels)

    def loss_of(batch: Any, wanted: Any) -> Any:
        return torch.nn.functional.cross_entropy(module(batch), wanted)

    computed = torch.compile(loss_of) if compiled else loss_of

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        computed(images, classes).backward()
        optimizer.step()

    return step


def torch_inference(
    torch: Any, model: Model, x: np.ndarray, layout: str, compiled: bool = False
) -> Callable[[], object]:
    """Return a forward pass without gradients."""
    from ..exchange import to_torch

    whole: Any = to_torch(model).eval()
    module = whole.to(memory_format=getattr(torch, layout))
    computed = torch.compile(module) if compiled else module
    images = torch.from_numpy(x).contiguous(memory_format=getattr(torch, layout))

    def work() -> Any:
        with torch.inference_mode():
            return computed(images)

    return work


RUNTIMES = {"ONNX Runtime": "onnxruntime", "OpenVINO f32": "openvino"}
"""Display names of the runtimes, and their modules."""


def missing_runtimes() -> list[str]:
    """Return the runtimes that are not available; without the package `onnx`, none is."""
    return [name for name, module in RUNTIMES.items() if not (find_spec(module) and find_spec("onnx"))]


def onnx_inference(model: Model, x: np.ndarray, threads: int) -> dict[str, Callable[[], Work]]:
    """Return, for each installed runtime, a function that prepares a float32 forward pass."""
    makers = {"ONNX Runtime": _onnx_runtime, "OpenVINO f32": _openvino}
    absent = missing_runtimes()
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
