"""Run one kernel in this thread, and time it while alternating with other functions."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from convscope.engines.native.codegen.compiler import Loader
from convscope.engines.native.codegen.kernel import Kernel, argument_names
from convscope.engines.native.codegen.target import host_cpu

Work = Callable[[], object]

BLOCK_SECONDS = 0.002
"""Each works so long before the other's turn."""


@lru_cache
def loader() -> Loader:
    return Loader(host_cpu())


def aligned(*shape: int) -> np.ndarray:
    """Return random numbers that start at a cache line."""
    size = math.prod(shape)
    space = np.random.default_rng(0).normal(size=size + 16).astype(np.float32)
    skip = (-space.ctypes.data % 64) // 4
    return space[skip : skip + size].reshape(shape)


def bound(
    kernel: Kernel, batch: int, arrays: Mapping[str, np.ndarray], numbers: Mapping[str, float] | None = None
) -> Work:
    """Return the kernel's call on arrays, in this thread."""
    kept = {**arrays, "scratch": aligned(max(1, kernel.scratch_floats(host_cpu())))}
    names, given = argument_names(kernel, host_cpu()), {"batch": batch, **(numbers or {})}
    table = np.zeros(len(names), np.int64)
    for slot, name in enumerate(names):
        if name in kernel.reals:
            table[slot : slot + 1].view(np.float32)[0] = given[name]
        else:
            table[slot] = kept[name].ctypes.data if name in kept else given[name]
    address = loader().addresses([kernel])[kernel]
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    place, items = table.ctypes.data, kernel.items(batch)
    return lambda _kept=(table, kept): function(place, 0, items, 0)


def least_seconds(works: Sequence[Work], seconds: float) -> list[float]:
    """Return the least time of each, in turn in short blocks: other programs may run on the machine."""
    once = [_seconds(work, 3) for work in works]
    counts = [max(1, int(BLOCK_SECONDS / one)) for one in once]
    least, start, rounds = [math.inf] * len(works), time.perf_counter(), 0
    while rounds < 5 or time.perf_counter() - start < seconds:
        blocks = [_seconds(work, count) for work, count in zip(works, counts, strict=True)]
        least, rounds = [min(pair) for pair in zip(least, blocks, strict=True)], rounds + 1
    return least


def _seconds(work: Work, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count
