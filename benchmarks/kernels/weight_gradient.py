"""Weight gradients of convolutions compared with PyTorch in its faster memory format, in one thread.

The time includes the sum over parts. Arguments are words that a case must contain.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from convscope.engines.native.codegen.compiler import compiled
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.weight_gradient import ConvolutionWeightGradient, slices_for
from convscope.engines.native.kernels.convolution.weights import weights_layout
from convscope.engines.native.kernels.update.reductions import SumParts
from convscope.engines.native.layout import Blocked
from kernels.running import Work, aligned, bound, least_seconds
from timing import machine

SHAPES = [
    (64, 1, 28, 32, 3, 1, 1),
    (64, 32, 14, 64, 3, 1, 1),
    (16, 64, 56, 64, 3, 1, 1),
    (16, 128, 28, 128, 3, 1, 1),
    (16, 256, 14, 256, 3, 1, 1),
    (16, 512, 7, 512, 3, 1, 1),
    (1, 3, 224, 64, 7, 2, 3),
    (16, 256, 14, 1024, 1, 1, 0),
    (16, 64, 56, 256, 1, 1, 0),
    (1, 3, 227, 96, 11, 4, 0),
    (1, 96, 27, 256, 5, 1, 2),
    (64, 64, 32, 128, 3, 2, 1),
    (64, 3, 32, 64, 3, 1, 1),
    (16, 24, 28, 144, 1, 1, 0),
]
"""Images, channels, size, filters, kernel, stride, padding."""
SECONDS = 2.0
"""Spent on each comparison."""


def shape_of(c: int, size: int, f: int, k: int, s: int, p: int, groups: int = 1) -> ConvolutionShape:
    """Return the shape of a square convolution."""
    out = (size + 2 * p - k) // s + 1
    lanes = host_cpu().width
    return ConvolutionShape(c, size, size, f, (k, k), (s, s), (p, p), (1, 1), (out, out), groups, lanes)


def torch_gradient(n: int, shape: ConvolutionShape, wanted: int) -> list[Work]:
    """Return PyTorch's gradient of input 0, weight 1, in both memory formats."""
    x = torch.randn(n, shape.channels, shape.height, shape.width)
    dy = torch.randn(n, shape.filters, *shape.output)
    w = torch.randn(shape.filters, shape.channels // shape.groups, *shape.kernel)
    mask = [number == wanted for number in range(3)]
    works: list[Work] = []
    for form in (torch.contiguous_format, torch.channels_last):
        given = [array.contiguous(memory_format=form) for array in (dy, x, w)]
        options = (None, shape.stride, shape.before, shape.dilation, False, [0, 0], shape.groups, mask)
        works.append(lambda given=given, options=options: torch.ops.aten.convolution_backward(*given, *options))
    return works


def our_gradient(n: int, shape: ConvolutionShape, kernel: ConvolutionWeightGradient) -> Work:
    """Return our gradient: the kernel, and the sum where there are parts."""
    layout = weights_layout(shape)
    x = aligned(n, Blocked(shape.channels, shape.height, shape.width, shape.lanes).floats)
    dy = aligned(n, Blocked(shape.filters, *shape.output, shape.lanes).floats)
    parts, out = aligned(kernel.slices, layout.floats), aligned(layout.floats)
    first = bound(kernel, n, {"x": x, "dy": dy, "parts": parts}, {})
    if kernel.slices == 1:
        return first
    second = bound(SumParts(kernel.slices), n, {"parts": parts, "out": out}, {"floats": layout.floats})
    return lambda: (first(), second())


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print(machine(), f"PyTorch {torch.__version__}", "one thread", sep=", ")
    ratios = []
    for n, *sizes in SHAPES:
        shape = shape_of(*sizes)
        name = ",".join(map(str, (n, *sizes)))
        if not all(word in name for word in sys.argv[1:]):
            continue
        kernel = ConvolutionWeightGradient(shape, shape.channels < shape.lanes, slices_for(shape))
        start = time.perf_counter()
        compiled(kernel, host_cpu())
        made = time.perf_counter() - start
        ours, *theirs = least_seconds([our_gradient(n, shape, kernel), *torch_gradient(n, shape, 1)], SECONDS)
        ratios.append(min(theirs) / ours)
        rate = 2e-9 * shape.macs(n) / ours
        figures = f"{1e6 * ours:10.1f} µs {rate:7.1f} GFLOP/s, compiled in {1e3 * made:4.0f} ms"
        print(f"{name:24} {figures}, PyTorch ÷ ours {ratios[-1]:6.2f}", flush=True)
    print(f"geometric mean {np.exp(np.log(ratios).mean()):.2f}")


if __name__ == "__main__":
    main()
