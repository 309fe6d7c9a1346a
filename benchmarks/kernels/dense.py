"""Dense layers, softmax with cross-entropy, optimizers and dropout compared with PyTorch, in one thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent.parent))

from convscope.engines.native.codegen.target import host_cpu
from convscope.engines.native.kernels.activation.softmax import SoftmaxCrossEntropy
from convscope.engines.native.kernels.dense.product import DenseInputGradient, DenseKernel, DenseWeightGradient
from convscope.engines.native.kernels.merge.packing import Pack, Unpack
from convscope.engines.native.kernels.update.dropout import DropoutKernel
from convscope.engines.native.kernels.update.optimizers import AdamUpdate, SgdUpdate, SquaredNorm
from convscope.engines.native.layout import Blocked, blocks_of
from kernels.running import Work, aligned, bound, least_seconds
from timing import machine

SHAPES = [(64, 3136, 128), (64, 128, 10), (16, 25088, 4096), (1, 2048, 1000), (128, 512, 512), (1, 25088, 4096)]
"""Images, inputs, outputs."""
CLASSES = [(64, 10), (256, 100), (32, 1000)]
FLOATS = [20_000, 420_000, 4_000_000]
IMAGES = [(64, 3, 32, 32), (16, 64, 28, 28), (16, 3, 224, 224), (64, 512, 7, 7)]
SECONDS = 1.0
"""Spent on each comparison."""


@dataclass(frozen=True)
class Case:
    """A piece of work done by both; `gigas` says how much of what is done a time."""

    name: str
    ours: Work
    theirs: Work
    gigas: float
    unit: str


def dense_cases() -> Iterator[Case]:
    for n, depth, outputs in SHAPES:
        lanes = host_cpu().width
        width = blocks_of(outputs, lanes) * lanes
        own = {"x": aligned(n, depth), "dx": aligned(n, depth), "y": aligned(n, width), "dy": aligned(n, width)}
        own |= {"weight": aligned(width * depth), "dweight": aligned(width * depth), "bias": aligned(width)}
        x, dy, w = torch.randn(n, depth), torch.randn(n, outputs), torch.randn(outputs, depth)
        b = torch.randn(outputs)
        works = {
            "forward": (DenseKernel(depth, outputs, lanes, True, None), partial(functional.linear, x, w, b)),
            "input gradient": (DenseInputGradient(depth, outputs, lanes), lambda dy=dy, w=w: dy @ w),
            "weight gradient": (DenseWeightGradient(depth, outputs, lanes), lambda dy=dy, x=x: dy.t() @ x),
        }
        for name, (kernel, theirs) in works.items():
            title = f"{name} {n}×{depth}→{outputs}"
            yield Case(title, bound(kernel, n, own, {}), theirs, 2e-9 * kernel.macs(n), "GFLOP/s")


def loss_cases() -> Iterator[Case]:
    for n, classes in CLASSES:
        kernel = SoftmaxCrossEntropy(classes, host_cpu().width, 0.0)
        width = blocks_of(classes, host_cpu().width) * host_cpu().width
        labels = np.random.default_rng(1).integers(0, classes, n).astype(np.int32)
        own = {"logits": aligned(n, width), "dlogits": aligned(n, width), "losses": aligned(n), "hits": aligned(n)}
        x, wanted = torch.randn(n, classes, requires_grad=True), torch.from_numpy(labels.astype(np.int64))

        def theirs(x: torch.Tensor = x, wanted: torch.Tensor = wanted) -> None:
            x.grad = None
            functional.cross_entropy(x, wanted).backward()

        ours = bound(kernel, n, {**own, "labels": labels}, {"scale": 1 / n})
        yield Case(f"softmax + cross-entropy {n}×{classes}", ours, theirs, 8e-9 * n * classes, "GB/s")


def flat_cases() -> Iterator[Case]:
    for floats in FLOATS:
        names = ("weight", "gradient", "momentum", "first_moment", "second_moment", "parts", "x", "y")
        own = {name: np.abs(aligned(floats)) for name in names}
        given = {"floats": floats, "lr": 1e-6, "scale": 1.0, "first_correction": 1.0, "second_correction": 1.0}
        given |= {"key_low": 1, "key_high": 2}
        optimizers = {
            SgdUpdate(0.9): (lambda p: torch.optim.SGD([p], lr=1e-6, momentum=0.9, fused=True), 20),
            AdamUpdate(): (lambda p: torch.optim.Adam([p], lr=1e-6, fused=True), 28),
        }
        for kernel, (make, moved) in optimizers.items():
            parameter = torch.randn(floats, requires_grad=True)
            parameter.grad = torch.randn(floats)
            title = f"{type(kernel).__name__} {floats}"
            yield Case(title, bound(kernel, 1, own, given), make(parameter).step, 1e-9 * moved * floats, "GB/s")
        g, x = torch.randn(floats), torch.randn(floats)
        norm = bound(SquaredNorm(16), 1, own, given)
        yield Case(f"norm {floats}", norm, lambda g=g: torch.linalg.vector_norm(g), 4e-9 * floats, "GB/s")
        drop = bound(DropoutKernel(0.5), 1, own, given)
        yield Case(f"dropout {floats}", drop, lambda x=x: functional.dropout(x, 0.5), 8e-9 * floats, "GB/s")


def packing_cases() -> Iterator[Case]:
    for n, c, h, w in IMAGES:
        sizes = (c, h, w, host_cpu().width)
        own = {"x": aligned(n, max(c * h * w, Blocked(*sizes).floats))}
        x = torch.randn(n, c, h, w)
        last = x.contiguous(memory_format=torch.channels_last)
        theirs = {
            Pack: lambda x=x: x.contiguous(memory_format=torch.channels_last),
            Unpack: lambda last=last: last.contiguous(),
        }
        for kernel, work in theirs.items():
            ours = bound(kernel(*sizes), n, own | {"y": aligned(*own["x"].shape)})
            title = f"{kernel.__name__.lower()} {n}×{c}×{h}×{w} (NHWC)"
            yield Case(title, ours, work, 8e-9 * x.numel(), "GB/s")


def main() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    wanted = sys.argv[1:]
    print(machine(), f"PyTorch {torch.__version__}", "one thread", sep=", ")
    for cases in (dense_cases, loss_cases, flat_cases, packing_cases):
        for case in cases():
            if all(word in case.name for word in wanted):
                ours, theirs = least_seconds((case.ours, case.theirs), SECONDS)
                rate = f"{case.gigas / ours:7.1f} {case.unit}"
                ratio = f"PyTorch ÷ ours {theirs / ours:6.2f}"
                print(f"{case.name:38} {1e6 * ours:10.1f} µs {rate:16} {ratio}", flush=True)


if __name__ == "__main__":
    main()
