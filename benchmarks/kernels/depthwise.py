"""Depthwise convolution and its gradients compared with PyTorch in its faster memory format, in one thread.

GB/s counts what must be read and written: images and their gradients, once. The time of the weight gradient
includes the sum over parts. Arguments are words that a case must contain.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent.parent))

from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.weight_gradient import slices_for
from convscope.engines.native.kernels.depthwise.direct import (
    DepthwiseConvolution,
    DepthwiseInputGradient,
    DepthwiseWeightGradient,
)
from convscope.engines.native.kernels.update.reductions import SumParts
from convscope.engines.native.layout import Blocked, Channels
from kernels.running import Work, aligned, bound, least_seconds
from kernels.weight_gradient import shape_of, torch_gradient
from timing import machine

SHAPES = [(96, 112, 3, 2), (144, 56, 3, 1), (192, 28, 3, 1), (384, 14, 3, 1), (960, 7, 3, 1), (240, 28, 5, 1)]
"""Channels, size, kernel, stride: of MobileNet, and one of EfficientNet."""
BATCHES = (1, 32)
SECONDS = 1.0
"""Spent on each comparison."""


def cases(n: int, shape: ConvolutionShape) -> Iterator[tuple[str, Work, list[Work], int]]:
    """Yield each pass: its name, our work, PyTorch's in both formats, the floats it moves."""
    lanes, slices = shape.lanes, slices_for(shape)
    weights = Channels(shape.channels, lanes, shape.kernel[0] * shape.kernel[1]).floats
    x = aligned(n, Blocked(shape.channels, shape.height, shape.width, lanes).floats)
    y = aligned(n, Blocked(shape.channels, *shape.output, lanes).floats)
    arrays = {"x": x, "y": y, "dx": x, "dy": y, "weight": aligned(weights), "bias": aligned(weights)}
    arrays |= {"parts": aligned(slices, weights), "out": aligned(weights)}
    given = torch.randn(n, shape.channels, shape.height, shape.width)
    kernel, offset = torch.randn(shape.channels, 1, *shape.kernel), torch.randn(shape.channels)
    forward: list[Work] = []
    for form in (torch.contiguous_format, torch.channels_last):
        pair = given.contiguous(memory_format=form), kernel.contiguous(memory_format=form)
        settings = (offset, shape.stride, shape.before, shape.dilation, shape.groups)
        forward.append(lambda pair=pair, settings=settings: functional.conv2d(*pair, *settings))
    yield "forward", bound(DepthwiseConvolution(shape, bias=True), n, arrays), forward, x.size + y.size
    backward = bound(DepthwiseInputGradient(shape), n, arrays)
    yield "input gradient", backward, torch_gradient(n, shape, 0), x.size + y.size
    parts = bound(DepthwiseWeightGradient(shape, slices), n, arrays)
    total = bound(SumParts(slices), n, arrays, {"floats": weights})
    yield "weight gradient", lambda: (parts(), total()), torch_gradient(n, shape, 1), x.size + y.size


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print(machine(), f"PyTorch {torch.__version__}", "one thread", sep=", ")
    ratios: dict[str, list[float]] = {}
    for n in BATCHES:
        for channels, size, k, stride in SHAPES:
            shape = shape_of(channels, size, channels, k, stride, k // 2, channels)
            for name, work, peers, floats in cases(n, shape):
                title = f"{name:15} {n},{channels},{size},{k},{stride}"
                if not all(word in title for word in sys.argv[1:]):
                    continue
                ours, *theirs = least_seconds([work, *peers], SECONDS)
                ratios.setdefault(name, []).append(min(theirs) / ours)
                rates = f"{4e-9 * floats / ours:6.1f} GB/s {2e-9 * shape.macs(n) / ours:6.1f} GFLOP/s"
                print(
                    f"{title:34} {1e6 * ours:9.1f} µs {rates}, PyTorch ÷ ours {ratios[name][-1]:6.2f}", flush=True
                )
    for name, found in ratios.items():
        print(f"geometric mean, {name}: {np.exp(np.log(found).mean()):.2f}")


if __name__ == "__main__":
    main()
