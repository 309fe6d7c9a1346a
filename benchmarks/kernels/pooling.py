"""Pooling compared with PyTorch in its faster memory format, in one thread, without allocations.

The gradient of max pooling is compared with PyTorch's, including ReLU, which ours computes in the same pass with
the sums by channel that a convolution's bias needs. GB/s counts what must be read and written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.common.shapes import PoolingShape
from convscope.engines.native.kernels.pooling.adaptive import AdaptiveAveragePool, AdaptiveAveragePoolGradient
from convscope.engines.native.kernels.pooling.average import (
    AveragePool,
    AveragePoolGradient,
    GlobalAveragePool,
    GlobalAveragePoolGradient,
)
from convscope.engines.native.kernels.pooling.maximum import MaxPoolGradient, MaxPoolKernel
from convscope.engines.native.layout import Blocked, Channels
from kernels.running import Work, aligned, bound, least_seconds
from timing import machine

Sizes = tuple[int, int, int, int]
WINDOWS = [
    ((64, 32, 28, 28), 2, 2, 0),
    ((64, 64, 14, 14), 2, 2, 0),
    ((64, 64, 32, 32), 2, 2, 0),
    ((64, 64, 32, 32), 3, 2, 1),
    ((1, 64, 112, 112), 3, 2, 1),
    ((16, 192, 28, 28), 3, 1, 1),
]
"""Images, kernel, stride, padding."""
GLOBAL = [(64, 256, 8, 8), (1, 2048, 7, 7)]
ADAPTIVE = [((16, 64, 32, 32), (5, 7)), ((16, 256, 14, 14), (7, 7))]
SLICES = 16
SECONDS = 0.6
"""Spent on each comparison."""
FORMATS = (torch.contiguous_format, torch.channels_last)

aten: Any = torch.ops.aten
Pair = tuple[str, Work, list[Work], float]
"""A name, our work, theirs in each format, the gigabytes that move."""


def our_arrays(images: Sizes, output: tuple[int, int]) -> dict[str, Any]:
    n, c, h, w = images
    source, target = Blocked(c, h, w, host_cpu().width), Blocked(c, *output, host_cpu().width)
    own = {"x": aligned(n, source.floats).clip(0), "dx": aligned(n, source.floats)}
    own |= {"y": aligned(n, target.floats), "dy": aligned(n, target.floats)}
    return own | {"parts": aligned(SLICES, Channels(c, host_cpu().width).floats)}


def theirs_in(kind: torch.memory_format, images: Sizes, output: tuple[int, int]) -> list[torch.Tensor]:
    """Return PyTorch's x, dx, y, dy."""
    sizes = [images, images, (*images[:2], *output), (*images[:2], *output)]
    return [torch.randn(size).relu().contiguous(memory_format=kind) for size in sizes]


def maxima(images: Sizes, kernel: int, stride: int, pad: int) -> Iterator[Pair]:
    n, c, h, w = images
    output = ((h + 2 * pad - kernel) // stride + 1, (w + 2 * pad - kernel) // stride + 1)
    own = our_arrays(images, output)
    shape = PoolingShape(c, h, w, (kernel, kernel), (stride, stride), (pad, pad), (1, 1), output, host_cpu().width)
    setting: list[Any] = [[kernel, kernel], [stride, stride], [pad, pad], [1, 1], False]
    rest: list[Any] = [False, True, None]
    forwards, backwards, averages, average_gradients = [], [], [], []
    for kind in FORMATS:
        x, dx, y, dy = theirs_in(kind, images, output)
        found, between = (
            torch.zeros(y.shape, dtype=torch.int64).contiguous(memory_format=kind),
            torch.empty_like(x),
        )
        forwards.append(lambda x=x, y=y, i=found: aten.max_pool2d_with_indices.out(x, *setting, out=y, indices=i))
        forwards[-1]()

        def theirs(x: Any = x, dx: Any = dx, dy: Any = dy, i: Any = found, between: Any = between) -> None:
            aten.max_pool2d_with_indices_backward.grad_input(dy, x, *setting, i, grad_input=between)
            aten.threshold_backward.grad_input(between, x, 0.0, grad_input=dx)

        backwards.append(theirs)
        averages.append(lambda x=x, y=y: aten.avg_pool2d.out(x, *setting[:3], *rest, out=y))
        average_gradients.append(
            lambda x=x, dx=dx, dy=dy: aten.avg_pool2d_backward.grad_input(
                dy, x, *setting[:3], *rest, grad_input=dx
            )
        )
    inputs, outputs = n * c * h * w, n * c * output[0] * output[1]
    name = f"{kernel}×{kernel} stride {stride}"
    ours = bound(MaxPoolKernel(shape), n, own)
    ours()
    yield f"max {name}", ours, forwards, 4e-9 * (inputs + outputs)
    both = bound(MaxPoolGradient(shape, True, SLICES), n, own)
    yield f"max gradient {name}, ReLU, sums", both, backwards, 8e-9 * (inputs + outputs)
    settings = (shape, True, (pad, pad))
    yield f"average {name}", bound(AveragePool(*settings), n, own), averages, 4e-9 * (inputs + outputs)
    gradient = bound(AveragePoolGradient(*settings), n, own)
    yield f"average gradient {name}", gradient, average_gradients, 4e-9 * (inputs + outputs)


def bins(images: Sizes, output: tuple[int, int]) -> Iterator[Pair]:
    n, c, h, w = images
    own, lanes = our_arrays(images, output), host_cpu().width
    forwards, backwards = [], []
    for kind in FORMATS:
        x, _, y, dy = theirs_in(kind, images, output)
        forwards.append(lambda x=x, y=y: aten.adaptive_avg_pool2d.out(x, list(output), out=y))
        backwards.append(lambda x=x, dy=dy: aten._adaptive_avg_pool2d_backward(dy, x))
    kernels: tuple[Kernel, Kernel] = (
        AdaptiveAveragePool(c, h, w, output, lanes), AdaptiveAveragePoolGradient(c, h, w, output, lanes)
    )  # fmt: skip
    if output == (1, 1):
        kernels = GlobalAveragePool(c, h, w, lanes), GlobalAveragePoolGradient(c, h, w, lanes)
    moved = 4e-9 * n * c * (h * w + output[0] * output[1])
    name = "global average" if output == (1, 1) else f"adaptive average {output[0]}×{output[1]}"
    yield name, bound(kernels[0], n, own), forwards, moved
    yield f"{name} gradient", bound(kernels[1], n, own), backwards, moved


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    wanted = sys.argv[1:]
    print(machine(), f"PyTorch {torch.__version__}", "one thread", sep=", ")
    cases = [(one[0], lambda one=one: maxima(*one)) for one in WINDOWS]
    cases += [(one, lambda one=one: bins(one, (1, 1))) for one in GLOBAL]
    cases += [(one[0], lambda one=one: bins(*one)) for one in ADAPTIVE]
    for images, make in cases:
        for name, ours, theirs, gigabytes in make():
            title = f"{name} {'×'.join(map(str, images))}"
            if all(word in title for word in wanted):
                own, *others = least_seconds((ours, *theirs), SECONDS)
                rate = f"{gigabytes / own:7.1f} GB/s"
                print(
                    f"{title:52} {1e6 * own:9.1f} µs {rate}  PyTorch ÷ ours {min(others) / own:5.2f}", flush=True
                )


if __name__ == "__main__":
    main()
