"""Direct convolution and its input gradient compared with PyTorch, in one thread.

PyTorch uses its faster memory format. The input gradient includes the transposition of the weights, which
a training step needs once; PyTorch reorders weights at every call.
"""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent.parent))

from convscope.engines.native.codegen.compiler import Loader, compiled
from convscope.engines.native.codegen.kernel import Kernel, argument_names
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.direct import Convolution, ConvolutionInputGradient
from convscope.engines.native.kernels.convolution.weights import (
    TransposedWeights,
    transposed_layout,
    weights_layout,
)
from convscope.engines.native.layout import Blocked
from timing import machine

SHAPES = [
    (64, 1, 28, 32, 3, 1, 1),
    (64, 32, 14, 64, 3, 1, 1),
    (16, 64, 56, 64, 3, 1, 1),
    (16, 128, 28, 128, 3, 1, 1),
    (16, 256, 14, 256, 3, 1, 1),
    (16, 512, 7, 512, 3, 1, 1),
    (1, 64, 56, 64, 3, 1, 1),
    (1, 256, 14, 256, 3, 1, 1),
    (1, 3, 224, 64, 7, 2, 3),
    (16, 256, 14, 1024, 1, 1, 0),
    (1, 3, 227, 96, 11, 4, 0),
    (1, 96, 27, 256, 5, 1, 2),
    (64, 64, 32, 128, 3, 2, 1),
    (64, 64, 32, 128, 1, 2, 0),
    (64, 512, 4, 512, 3, 1, 1),
]
"""Images, channels, height and width, filters, kernel, stride, padding."""
SECONDS = 1.5
"""Spent on each comparison."""
BLOCK_SECONDS = 0.03
"""Seconds before the other takes its turn."""

Work = Callable[[], object]


@lru_cache
def loader() -> Loader:
    return Loader(host_cpu())


def aligned(*shape: int) -> np.ndarray:
    size = math.prod(shape)
    space = np.random.default_rng(0).normal(size=size + 16).astype(np.float32)
    skip = (-space.ctypes.data % 64) // 4
    return space[skip : skip + size].reshape(shape)


def bound(kernel: Kernel, batch: int, arrays: Mapping[str, np.ndarray]) -> Work:
    """Return the kernel's call on arrays, in this thread."""
    names = argument_names(kernel, host_cpu())
    table = np.array([batch if name == "batch" else arrays[name].ctypes.data for name in names], np.int64)
    address = loader().addresses([kernel])[kernel]
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    place, items = table.ctypes.data, kernel.items(batch)
    return lambda _kept=(table, arrays): function(place, 0, items, 0)


def shape_of(c: int, h: int, f: int, k: int, s: int, p: int) -> ConvolutionShape:
    out = (h + 2 * p - k) // s + 1
    return ConvolutionShape(c, h, h, f, (k, k), (s, s), (p, p), (1, 1), (out, out), 1, host_cpu().width)


def theirs(n: int, c: int, h: int, f: int, k: int, s: int, p: int, gradient: bool) -> list[Work]:
    """Return PyTorch's work, in both memory formats."""
    works: list[Work] = []
    for kind in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(n, c, h, h).to(memory_format=kind)
        w = torch.randn(f, c, k, k).to(memory_format=kind)
        y = functional.conv2d(x, w, stride=s, padding=p)
        dy = torch.randn_like(y)
        if not gradient:
            works.append(lambda x=x, w=w: functional.conv2d(x, w, stride=s, padding=p))
            continue
        given = (dy, x, w, None, [s, s], [p, p], [1, 1], False, [0, 0], 1, [True, False, False])
        works.append(lambda given=given: torch.ops.aten.convolution_backward(*given))
    return works


def in_turns(works: Sequence[Work], seconds: float) -> list[float]:
    """Return the least processor time of each, worked in turns: others on the machine disturb it least."""
    best = [math.inf] * len(works)
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for number, work in enumerate(works):
            work()
            stop = time.thread_time() + BLOCK_SECONDS
            while time.thread_time() < stop:
                start = time.thread_time()
                work()
                best[number] = min(best[number], time.thread_time() - start)
    return best


def compile_ms(kernel: Kernel) -> float:
    start = time.thread_time()
    compiled(kernel, host_cpu())
    return 1e3 * (time.thread_time() - start)


def report(name: str, kernel: Kernel, n: int, ours: Sequence[Work], others: Sequence[Work]) -> None:
    first, *rest = in_turns([lambda: [work() for work in ours], *others], SECONDS)
    speed = 2e-9 * kernel.macs(n) / first
    ratio, compiling = min(rest) / first, compile_ms(kernel)
    print(f"{name:42} {1e3 * first:9.3f} ms {speed:7.1f} GFLOP/s {ratio:6.2f}× {compiling:6.0f} ms")


def forward(sizes: tuple[int, ...]) -> None:
    n, *rest = sizes
    shape = shape_of(*rest)
    kernel = Convolution(shape, plain_input=shape.channels <= 4)
    own = {
        "x": aligned(n, max(shape.channels, shape.channel_blocks * shape.lanes), shape.height, shape.width),
        "weight": aligned(weights_layout(shape).floats),
        "y": aligned(n, Blocked(shape.filters, *shape.output, shape.lanes).floats),
    }
    report(f"forward {sizes}", kernel, n, [bound(kernel, n, own)], theirs(*sizes, gradient=False))


def gradient(sizes: tuple[int, ...]) -> None:
    n, *rest = sizes
    shape = shape_of(*rest)
    kernel, turned = ConvolutionInputGradient(shape), TransposedWeights(shape)
    own = {
        "dx": aligned(n, Blocked(shape.channels, shape.height, shape.width, shape.lanes).floats),
        "weight": aligned(weights_layout(shape).floats),
        "weight_t": aligned(transposed_layout(shape).floats),
        "dy": aligned(n, Blocked(shape.filters, *shape.output, shape.lanes).floats),
    }
    ours = [bound(turned, n, own), bound(kernel, n, own)]
    report(f"input gradient {sizes}", kernel, n, ours, theirs(*sizes, gradient=True))


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    print(f"{machine()}, {host_cpu()}; PyTorch {torch.__version__}, one thread each, float32")
    print(f"{'':42} {'ours':>12} {'':>15} {'PyTorch ÷ ours':>6} compile")
    chosen = [int(number) for number in sys.argv[1:]] or range(len(SHAPES))
    for work in (forward, gradient):
        for number in chosen:
            work(SHAPES[number])


if __name__ == "__main__":
    main()
