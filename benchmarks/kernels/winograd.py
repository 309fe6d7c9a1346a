"""Winograd convolution compared with PyTorch and with direct convolution: three passes, in one thread.

PyTorch uses its faster memory format. "+ weights" includes the transform of the weights, which training needs at
every step and inference once; the weight gradient always includes the inverse transform. "chosen" is the tile in
training, and for forward passes also at inference. Arguments are words that a line must contain.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from running import Work, aligned, bound, least_seconds

from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.common.shapes import ConvolutionShape
from convscope.engines.native.kernels.convolution.direct import Convolution
from convscope.engines.native.kernels.convolution.weight_gradient import ConvolutionWeightGradient
from convscope.engines.native.kernels.convolution.weights import weights_layout
from convscope.engines.native.kernels.winograd import (
    WinogradConvolution,
    WinogradWeightGradient,
    WinogradWeightGradientFinish,
    WinogradWeights,
    input_gradient_shape,
    slices_for,
    u_floats,
)
from convscope.engines.native.layout import Blocked
from convscope.engines.native.tuning.select import tile_for
from timing import machine

SHAPES = [
    (64, 32, 14, 64),
    (16, 64, 56, 64),
    (16, 128, 28, 128),
    (16, 256, 14, 256),
    (16, 512, 7, 512),
    (1, 64, 56, 64),
    (1, 256, 14, 256),
    (1, 512, 7, 512),
    (64, 16, 28, 16),
    (64, 64, 8, 64),
    (64, 512, 4, 512),
    (4, 48, 5, 80),
]
"""Images, channels, height and width, filters; padding 1."""
TILES = (2, 4)
SECONDS = 1.0
"""Spent on each line."""


@dataclass(frozen=True)
class Arrays:
    """What all passes of one convolution work on."""

    batch: int
    shape: ConvolutionShape

    def of(self, tile: int, transposed: bool = False) -> dict[str, np.ndarray]:
        """Return the kernels' arguments; transposed, for the gradient of the input."""
        shape, n = self.shape, self.batch
        inputs = aligned(n, Blocked(shape.channels, shape.height, shape.width, shape.lanes).floats)
        outputs = aligned(n, Blocked(shape.filters, *shape.output, shape.lanes).floats)
        weights = aligned(weights_layout(shape).floats)
        own = {"weight": weights, "dweight": aligned(weights.size), "dy": outputs}
        own["parts"] = own["dweight"]
        if tile:
            own["u"] = aligned(u_floats(shape, tile, transposed))
            own["parts"] = aligned(slices_for(shape, n, tile) * u_floats(shape, tile))
        x, y = (outputs, inputs) if transposed else (inputs, outputs)
        return own | {"x": x, "y": y}


def forward(arrays: Arrays, tile: int, transposed: bool = False) -> tuple[Work, Work]:
    """Return the transform of the weights, and the convolution."""
    own, shape = arrays.of(tile, transposed), arrays.shape
    weights = bound(WinogradWeights(shape, tile, transposed), 1, own)
    turned = input_gradient_shape(shape) if transposed else shape
    return weights, bound(WinogradConvolution(turned, tile), arrays.batch, own)


def weight_gradient(arrays: Arrays, tile: int) -> tuple[Work, Work]:
    """Return the way back, and the sum over tiles."""
    own, shape, slices = arrays.of(tile), arrays.shape, slices_for(arrays.shape, arrays.batch, tile)
    finish = bound(WinogradWeightGradientFinish(shape, tile, slices), 1, own)
    return finish, bound(WinogradWeightGradient(shape, tile, slices), arrays.batch, own)


def theirs(sizes: tuple[int, int, int, int], name: str) -> list[Work]:
    """Return PyTorch's work, in both memory formats."""
    n, c, h, f = sizes
    wanted = [name == "input gradient", name == "weight gradient", False]
    works: list[Work] = []
    for kind in (torch.contiguous_format, torch.channels_last):
        x, dy = (torch.randn(n, size, h, h).to(memory_format=kind) for size in (c, f))
        w, one = torch.randn(f, c, 3, 3).to(memory_format=kind), [1, 1]
        if name == "forward":
            works.append(lambda x=x, w=w: torch.conv2d(x, w, padding=1))
        else:
            given = (dy, x, w, None, one, one, one, False, [0, 0], 1, wanted)
            works.append(lambda given=given: torch.ops.aten.convolution_backward(*given))
    return works


def plain_kernels(shape: ConvolutionShape, name: str) -> list[Kernel]:
    """Return the kernel that does the same without a transform; the input's gradient is a forward pass, too."""
    return [ConvolutionWeightGradient(shape, False, 1) if name == "weight gradient" else Convolution(shape, False)]


def lines() -> Iterator[str]:
    for sizes in SHAPES:
        n, c, h, f = sizes
        shape = ConvolutionShape(c, h, h, f, (3, 3), (1, 1), (1, 1), (1, 1), (h, h), 1, host_cpu().width)
        arrays = Arrays(n, shape)
        for name in ("forward", "input gradient", "weight gradient"):
            title = f"{name} {n}×{c}×{h}×{h}→{f}"
            if all(word in title for word in sys.argv[1:]):
                yield f"{title:32} {line(arrays, sizes, name)}"


def line(arrays: Arrays, sizes: tuple[int, int, int, int], name: str) -> str:
    pairs = [
        weight_gradient(arrays, tile)
        if name == "weight gradient"
        else forward(arrays, tile, name == "input gradient")
        for tile in TILES
    ]
    others = theirs(sizes, name)
    plain = [bound(kernel, arrays.batch, arrays.of(0)) for kernel in plain_kernels(arrays.shape, name)]
    least = least_seconds([work for pair in pairs for work in pair] + others + plain, SECONDS)
    best, gigas, parts = min(least[4:6]), 2e-9 * arrays.shape.macs(arrays.batch), []
    for number, tile in enumerate(TILES):
        beside, own = least[2 * number : 2 * number + 2]
        if name == "weight gradient":
            own += beside
            parts.append(f"F({tile},3) {best / own:5.2f}× {gigas / own:5.0f} GFLOP/s {'':14}")
        else:
            both = f"{best / (own + beside):5.2f}× + weights"
            parts.append(f"F({tile},3) {best / own:5.2f}× {gigas / own:5.0f} GFLOP/s {both}")
    parts.append(f"plain {best / least[6]:5.2f}×")
    chosen = [tile_for(arrays.shape, sizes[0], name)]
    if name == "forward":
        chosen.append(tile_for(arrays.shape, sizes[0], "inference"))
    return "  ".join(parts) + f"  chosen {chosen}"


def main() -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    print(f"{machine()}, {host_cpu()}; PyTorch {torch.__version__}; PyTorch ÷ ours, one thread each, float32")
    for text in lines():
        print(text, flush=True)


if __name__ == "__main__":
    main()
