"""Batch normalization with ReLU in training, and merges, compared with PyTorch, in one thread.

PyTorch uses its faster memory format and an in-place ReLU. GB/s counts what must be read and written: in
forward x twice and y; in backward x and dy twice and dx. The GB/s of a plain copy are shown for comparison.
"""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent.parent))

from convscope.engines.native.codegen.compiler import Loader, compiled
from convscope.engines.native.codegen.kernel import Kernel, argument_names
from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.merge.concatenation import Concatenate
from convscope.engines.native.kernels.merge.merges import ScaleKernel, SumKernel
from convscope.engines.native.kernels.normalization.batch_norm import (
    ChannelMoments,
    Normalize,
    NormGradient,
    NormGradientFinish,
    NormGradientSums,
    NormStatistics,
)
from convscope.engines.native.kernels.normalization.group_norm import (
    GroupGradientSums,
    GroupStatistics,
)
from convscope.engines.native.kernels.normalization.layer_norm import LayerNormGradient, LayerNormKernel
from convscope.engines.native.layout import Blocked
from timing import machine

SHAPES = [(64, 64, 32, 32), (64, 128, 16, 16), (64, 256, 8, 8), (1, 64, 56, 56)]
LAYER_NORM_SHAPES = [(16, 96, 56, 56), (16, 384, 14, 14), (1, 768, 7, 7)]
SLICES = 16
SECONDS = 1.0
"""Spent on each comparison."""
FORMATS = (torch.contiguous_format, torch.channels_last)

Work = Callable[[], object]
Sizes = tuple[int, int, int, int]


@dataclass(frozen=True)
class Case:
    """Work done by both; `floats` are those that must be read and written."""

    name: str
    kernels: Sequence[Kernel]
    ours: Sequence[Work]
    theirs: Sequence[Work]
    floats: int


@lru_cache
def loader() -> Loader:
    return Loader(host_cpu())


def aligned(size: int) -> np.ndarray:
    space = np.random.default_rng(0).normal(size=size + 16).astype(np.float32)
    skip = (-space.ctypes.data % 64) // 4
    return space[skip : skip + size]


def bound(kernel: Kernel, batch: int, arrays: Mapping[str, np.ndarray], **given: str) -> Work:
    """Return the kernel's call on arrays, in this thread."""
    floats = max(array.size for array in arrays.values())
    own = {name: arrays[given.get(name, name)] for name in kernel.pointers}
    own["scratch"] = aligned(kernel.scratch_floats(host_cpu()))
    numbers = {"batch": batch, "floats": floats}
    table = np.array(
        [own[name].ctypes.data if name in own else numbers[name] for name in argument_names(kernel, host_cpu())],
        np.int64,
    )
    address = loader().addresses([kernel])[kernel]
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    place, items = table.ctypes.data, kernel.items(batch)
    return lambda _kept=(table, own): function(place, 0, items, 0)


def normalization(sizes: Sizes) -> Iterator[Case]:
    n, *image = sizes
    layout = Blocked(*image, host_cpu().width)
    kernel_sizes, row = (*image, layout.lanes), layout.blocks * layout.lanes
    arrays = {name: aligned(n * layout.floats) for name in ("x", "y", "dy0", "dx")}
    names = ("weight", "bias", "running_mean", "running_var", "scale", "offset", "mean", "inverse")
    names += ("dweight", "dbias")
    arrays |= {name: np.abs(aligned(row)) for name in names}
    arrays |= {name: aligned(2 * SLICES * row) for name in ("parts", "coefficients")}
    forward = [
        ChannelMoments(*kernel_sizes, SLICES),
        NormStatistics(*kernel_sizes, SLICES, 1e-5, 0.1, True),
        Normalize(*kernel_sizes, relu=True),
    ]
    backward = [
        NormGradientSums(*kernel_sizes, relu=True, slices=SLICES),
        NormGradientFinish(*kernel_sizes, SLICES, True),
        NormGradient(*kernel_sizes, relu=True),
    ]
    theirs = [their_normalization(sizes, kind) for kind in FORMATS]
    for name, kernels, passes in (("forward", forward, 3), ("backward", backward, 5)):
        ours = [bound(kernel, n, arrays) for kernel in kernels]
        yield Case(
            f"batch norm {name} {sizes}", kernels, ours, [one[name] for one in theirs], passes * n * layout.floats
        )


def their_normalization(sizes: Sizes, kind: torch.memory_format) -> dict[str, Work]:
    channels = sizes[1]
    x, dy = (torch.randn(sizes).to(memory_format=kind) for _ in range(2))
    w, b, mean, var = torch.ones(channels), torch.zeros(channels), torch.zeros(channels), torch.ones(channels)
    y, saved_mean, saved_inverse = torch.native_batch_norm(x, w, b, mean, var, True, 0.1, 1e-5)
    y = functional.relu(y)

    def forward() -> None:
        functional.batch_norm(x, mean, var, w, b, training=True).relu_()

    def backward() -> None:
        g = torch.ops.aten.threshold_backward(dy, y, 0)
        torch.ops.aten.native_batch_norm_backward(
            g, x, w, mean, var, saved_mean, saved_inverse, True, 1e-5, [True] * 3
        )

    return {"forward": forward, "backward": backward}


def merges(sizes: Sizes) -> Iterator[Case]:
    n, *image = sizes
    layout = Blocked(*image, host_cpu().width)
    kernel_sizes, floats = (*image, layout.lanes), n * layout.floats
    arrays = {name: aligned(floats) for name in ("x", "x0", "x1", "y")}
    arrays |= {"gate": aligned(n * layout.blocks * layout.lanes)}
    pairs = [[torch.randn(sizes).to(memory_format=kind) for _ in range(2)] for kind in FORMATS]
    gates = torch.randn(n, image[0], 1, 1)
    add, scale = SumKernel(2, True), ScaleKernel(*kernel_sizes)
    theirs = [lambda one=one, two=two: (one + two).relu_() for one, two in pairs]
    yield Case(f"sum and ReLU {sizes}", [add], [bound(add, n, arrays)], theirs, 3 * floats)
    theirs = [lambda one=one: one * gates for one, _ in pairs]
    yield Case(f"channel factors {sizes}", [scale], [bound(scale, n, arrays)], theirs, 2 * floats)
    for channels in ((32, image[0] - 32), (24, image[0] - 24)):
        join = Concatenate(channels, *kernel_sizes[1:])
        parts = [torch.split(one, channels, dim=1) for one, _ in pairs]
        parts = [
            [part.contiguous(memory_format=kind) for part in own] for own, kind in zip(parts, FORMATS, strict=True)
        ]
        theirs = [lambda own=own: torch.cat(own, 1) for own in parts]
        yield Case(f"concatenate {channels} {sizes}", [join], [bound(join, n, arrays)], theirs, 2 * floats)


def layer_norm(sizes: Sizes) -> Iterator[Case]:
    n, *image = sizes
    layout = Blocked(*image, host_cpu().width)
    row, floats = layout.blocks * layout.lanes, n * layout.floats
    arrays = {name: aligned(floats) for name in ("x", "y", "dy", "dx")}
    arrays |= {"weight": aligned(row), "bias": aligned(row), "parts": aligned(2 * SLICES * row)}
    given = (*image, layout.lanes, 1e-6, True)
    forward, backward = LayerNormKernel(*given), LayerNormGradient(*given, SLICES)
    x, dy = (torch.randn(n, *image[1:], image[0]) for _ in range(2))
    w, b = torch.ones(image[0]), torch.zeros(image[0])
    _, mean, inverse = torch.native_layer_norm(x, [image[0]], w, b, 1e-6)
    theirs = [lambda: functional.layer_norm(x, [image[0]], w, b, 1e-6)]
    yield Case(f"layer norm forward {sizes}", [forward], [bound(forward, n, arrays)], theirs, 2 * floats)
    theirs = [
        lambda: torch.ops.aten.native_layer_norm_backward(dy, x, [image[0]], mean, inverse, w, b, [True] * 3)
    ]
    yield Case(f"layer norm backward {sizes}", [backward], [bound(backward, n, arrays)], theirs, 3 * floats)


def group_norm(sizes: Sizes) -> Iterator[Case]:
    n, *image = sizes
    layout, groups = Blocked(*image, host_cpu().width), 32
    row, floats, given = layout.blocks * layout.lanes, n * layout.floats, (*image, host_cpu().width)
    arrays = {name: aligned(floats) for name in ("x", "y", "dy", "dx")}
    arrays |= {name: aligned(n * row) for name in ("scale", "offset", "mean", "inverse")}
    arrays |= {name: aligned(row) for name in ("weight", "bias")}
    arrays |= {name: aligned(2 * n * row) for name in ("parts", "coefficients")}
    forward = [GroupStatistics(*given, groups, 1e-5, True), Normalize(*given, per_image=True)]
    backward = [GroupGradientSums(*given, groups, True), NormGradient(*given, per_image=True)]
    x, dy = torch.randn(sizes), torch.randn(sizes)
    w, b, pixels = torch.ones(image[0]), torch.zeros(image[0]), image[1] * image[2]
    _, mean, inverse = torch.native_group_norm(x, w, b, n, image[0], pixels, groups, 1e-5)
    ours = [bound(kernel, n, arrays) for kernel in forward]
    theirs = [lambda: functional.group_norm(x, groups, w, b)]
    yield Case(f"group norm forward {sizes}", forward, ours, theirs, 3 * floats)
    ours = [bound(kernel, n, arrays, dy0="dy") for kernel in backward]
    given_back = (n, image[0], pixels, groups, [True] * 3)
    theirs = [lambda: torch.ops.aten.native_group_norm_backward(dy, x, mean, inverse, w, *given_back)]
    yield Case(f"group norm backward {sizes}", backward, ours, theirs, 5 * floats)


def least_seconds(works: Sequence[Work], seconds: float) -> list[float]:
    """Return the least time of each, worked in turns, so that the machine's moods meet all of them."""
    best = [math.inf] * len(works)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for number, work in enumerate(works):
            work()
            for _ in range(5):
                start = time.perf_counter()
                work()
                best[number] = min(best[number], time.perf_counter() - start)
    return best


def report(case: Case) -> None:
    one, two = aligned(case.floats // 2), aligned(case.floats // 2)
    works = [lambda: [work() for work in case.ours], *case.theirs, lambda: np.copyto(two, one)]
    own, *theirs, copy = least_seconds(works, SECONDS)
    start = time.perf_counter()
    for kernel in case.kernels:
        compiled(kernel, host_cpu())
    compiling = time.perf_counter() - start
    speed, copied = 4e-9 * case.floats / own, 4e-9 * case.floats / copy
    print(
        f"{case.name:42} {1e3 * own:8.3f} ms {speed:6.1f} GB/s, a copy {copied:6.1f} {min(theirs) / own:6.2f}× "
        f"(compiled in {1e3 * compiling:.0f} ms)",
        flush=True,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{machine()}, {host_cpu()}, one thread; PyTorch {torch.__version__}")
    print(f"{'':42} {'ours':>11} {'':>26} {'PyTorch ÷ ours':>10}")
    for shape in SHAPES:
        for case in (*normalization(shape), *merges(shape), *group_norm(shape)):
            report(case)
    for shape in LAYER_NORM_SHAPES:
        for case in layer_norm(shape):
            report(case)
