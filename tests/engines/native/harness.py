"""Run one kernel on arrays that end, and then start, at memory nobody may touch."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from convscope.engines.native.codegen.compiler import Loader
from convscope.engines.native.codegen.kernel import Kernel, argument_names
from convscope.engines.native.codegen.target import Target, host_cpu, named, names_here

from . import emulated

PAGE = mmap.PAGESIZE
SMALLER = tuple(name for name in ("haswell", "x86-64") if name in names_here())
"""Processors with smaller instruction sets whose code this one executes: AVX2 and SSE2."""
KINDS = ("host", *SMALLER)
"""Processors whose code tests run: this one, and those."""


def target_named(kind: str) -> Target:
    if kind == "host":
        return host_cpu()
    return named(kind, host_cpu().triple if kind in names_here() else "")


@lru_cache
def loader(kind: str) -> Loader:
    return Loader(target_named(kind))


class Guarded:
    """An array between two pages that fault when touched; flush with the one behind it or the one before it."""

    def __init__(self, array: np.ndarray, flush_end: bool) -> None:
        size = max(array.nbytes, 4)
        pages = -(-size // PAGE)
        self.memory = mmap.mmap(-1, (pages + 2) * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        for at in (start, start + (pages + 1) * PAGE):
            if protect(ctypes.c_void_p(at), PAGE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        offset = PAGE + (pages * PAGE - size if flush_end else 0)
        self.array = np.frombuffer(self.memory, array.dtype, array.size, offset).reshape(array.shape)
        self.array[...] = array


def call(
    kernel: Kernel,
    batch: int,
    arrays: Mapping[str, np.ndarray],
    numbers: Mapping[str, int | float] | None = None,
    kind: str = "host",
) -> dict[str, np.ndarray]:
    """Return every array after the kernel ran on it.

    It runs three times: all items at once beside a guard page at the end of every array; the same beside one at the
    start; and item by item, last first, with thread numbers 1 and 0 in turn. All three must give the same bits. Code
    for another architecture runs in an emulator, item by item.
    """
    if kind not in ("host", *names_here()):
        return emulated.run(kernel, target_named(kind), batch, arrays, numbers or {})
    whole = _run(kernel, batch, arrays, numbers or {}, kind, flush_end=True, one_by_one=False)
    for flush_end, one_by_one in ((False, False), (True, True)):
        again = _run(kernel, batch, arrays, numbers or {}, kind, flush_end=flush_end, one_by_one=one_by_one)
        for name, array in whole.items():
            np.testing.assert_array_equal(again[name], array, err_msg=f"{name}: depends on how work is divided")
    return whole


def _run(
    kernel: Kernel,
    batch: int,
    arrays: Mapping[str, np.ndarray],
    numbers: Mapping[str, int | float],
    kind: str,
    *,
    flush_end: bool,
    one_by_one: bool,
) -> dict[str, np.ndarray]:
    own = loader(kind)
    address = own.addresses([kernel])[kernel]
    for name in kernel.pointers:
        assert arrays[name].dtype in (np.float32, np.int32), f"{name} must be float32 or int32"
    guarded = {name: Guarded(np.ascontiguousarray(arrays[name]), flush_end) for name in kernel.pointers}
    scratch = kernel.scratch_floats(own.target)
    if scratch:
        guarded["scratch"] = Guarded(np.full(2 * scratch, np.nan, np.float32), flush_end)
    table = _table(kernel, own.target, guarded, {"batch": batch, **numbers})
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(address)
    items = kernel.items(batch)
    parts = (
        [(at, at + 1, at % 2 if scratch else 0) for at in reversed(range(items))]
        if one_by_one
        else [(0, items, 0)]
    )
    for first, last, thread in parts:
        function(table.ctypes.data, first, last, thread)
    return {name: guarded[name].array.copy() for name in kernel.pointers}


def _table(
    kernel: Kernel, target: Target, guarded: Mapping[str, Guarded], numbers: Mapping[str, int | float]
) -> np.ndarray:
    names = argument_names(kernel, target)
    table = np.zeros(len(names), np.int64)
    for slot, name in enumerate(names):
        if name in guarded:
            table[slot] = guarded[name].array.ctypes.data
        elif name in kernel.reals:
            table[slot : slot + 1].view(np.float32)[0] = numbers[name]
        else:
            table[slot] = numbers[name]
    return table


def assert_close(got: Any, expected: Any, bound: float) -> None:
    """Compare with the float64 reference; `bound` is a share of the largest expected number."""
    scale = max(float(np.abs(expected).max()), 1e-30)
    worst = float(np.abs(np.asarray(got, np.float64) - expected).max())
    assert worst <= bound * scale, f"off by {worst / scale:.2e} of the largest number; the bound is {bound:.0e}"
