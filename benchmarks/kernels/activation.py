"""Activations and their gradients compared with PyTorch, in one thread, without allocations.

GB/s counts what must be read and written. Sizes of 25 MB and more leave the caches.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.activation.pointwise import Activate, ActivateGradient, kind_of
from convscope.engines.native.layout import Blocked
from convscope.layers import activation as layers
from convscope.layers.base import Layer
from kernels.running import Work, aligned, bound, least_seconds
from timing import machine

SHAPES = [(64, 32, 28, 28), (64, 64, 14, 14), (64, 64, 32, 32), (1, 64, 28, 28)]
SECONDS = 0.6
"""Spent on each comparison."""

aten: Any = torch.ops.aten
Peer = tuple[Layer, Any, tuple[Any, ...], Any, tuple[Any, ...], str]
"""A layer; PyTorch's function and its settings; its gradient, settings, and what that reads."""
PEERS: list[Peer] = [
    (layers.ReLU(), aten.clamp_min.out, (0.0,), aten.threshold_backward.grad_input, (0.0,), "y"),
    (layers.ReLU6(), aten.hardtanh.out, (0.0, 6.0), aten.hardtanh_backward.grad_input, (0.0, 6.0), "x"),
    (layers.LeakyReLU(), aten.leaky_relu.out, (), aten.leaky_relu_backward.grad_input, (0.01, False), "x"),
    (layers.Hardswish(), aten.hardswish.out, (), aten.hardswish_backward.out, (), "x"),
    (layers.Hardsigmoid(), aten.hardsigmoid.out, (), aten.hardsigmoid_backward.grad_input, (), "x"),
    (layers.Sigmoid(), aten.sigmoid.out, (), aten.sigmoid_backward.grad_input, (), "y"),
    (layers.Tanh(), aten.tanh.out, (), aten.tanh_backward.grad_input, (), "y"),
    (layers.ELU(), aten.elu.out, (), aten.elu_backward.grad_input, (1.0, 1.0, 1.0, True), "y"),
    (layers.GELU(), aten.gelu.out, (), aten.gelu_backward.grad_input, (), "x"),
    (layers.SiLU(), aten.silu.out, (), aten.silu_backward.grad_input, (), "x"),
    (layers.Mish(), aten.mish.out, (), aten.mish_backward, (), "x"),
    (layers.Softplus(), aten.softplus.out, (), aten.softplus_backward.grad_input, (1.0, 20.0), "x"),
]


def pairs(peer: Peer, shape: tuple[int, int, int, int]) -> Iterator[tuple[str, Work, Work, float]]:
    """Yield a name, our work, theirs and the gigabytes that move."""
    layer, function, settings, backward, backward_settings, reads = peer
    n, c, h, w = shape
    floats, lanes = Blocked(c, h, w, host_cpu().width).floats, host_cpu().width
    found = kind_of(layer)
    assert found is not None
    own = {name: aligned(n, floats) for name in ("x", "y", "dy", "dx")}
    x, y, dy, dx = (torch.randn(shape) for _ in range(4))
    forwards = Activate(*found, c, h, w, lanes)
    backwards = ActivateGradient(*found, c, h, w, lanes)
    ours = bound(forwards, n, own)
    ours()
    function(x, *settings, out=y)
    yield f"{layer.kind}", ours, lambda: function(x, *settings, out=y), 8e-9 * x.numel()
    kept, target = {"x": x, "y": y}[reads], {"grad_input": dx} if "grad_input" in str(backward) else {"out": dx}
    if layer.kind == "Mish":
        target = {}
    arguments = (
        (dy, *backward_settings, kept) if reads == "y" and layer.kind == "ELU" else (dy, kept, *backward_settings)
    )
    theirs: Work = lambda: backward(*arguments, **target)  # noqa: E731
    yield f"{layer.kind} gradient", bound(backwards, n, own), theirs, 12e-9 * x.numel()


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    wanted = sys.argv[1:]
    print(machine(), f"PyTorch {torch.__version__}", "one thread", sep=", ")
    for shape in SHAPES:
        for peer in PEERS:
            for name, ours, theirs, gigabytes in pairs(peer, shape):
                title = f"{name} {'×'.join(map(str, shape))}"
                if all(word in title for word in wanted):
                    own, other = least_seconds((ours, theirs), SECONDS)
                    rate = f"{gigabytes / own:7.1f} GB/s"
                    print(f"{title:36} {1e6 * own:9.1f} µs {rate}  PyTorch ÷ ours {other / own:5.2f}", flush=True)


if __name__ == "__main__":
    main()
