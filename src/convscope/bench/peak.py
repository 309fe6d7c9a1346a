"""Measured peak of this processor: multiply-adds in registers, bytes copied in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ..engines.native.codegen.compiler import this_loader
from ..engines.native.codegen.kernel import Kernel
from ..engines.native.ir import Code, fma
from ..engines.native.runtime.memory_planner import aligned
from ..engines.native.runtime.threads import RECORD, pool
from .timing import fastest

_ROUNDS = 100_000
_SUMS = 12
_COPY_FLOATS = 1 << 25


class Peak(NamedTuple):
    """Measured peak of all threads together.

    Units:    floating-point operations per second (a multiply-add is two); bytes per second, read and written
    """

    flops: float
    bytes: float


@dataclass(frozen=True)
class PeakMultiplyAdds(Kernel):
    """Independent multiply-adds in registers."""

    @property
    def pointers(self) -> tuple[str, ...]:
        """Return where the sum goes, so that the work is not left out."""
        return ("out",)

    def items(self, batch: int) -> int:
        """Return one item for each thread."""
        return batch

    def write(self, code: Code) -> None:
        """Write a loop over independent sums."""
        out, lanes = code.pointer("out"), code.target.width
        factor = out.broadcast(code.first * lanes)
        starts = [code.constant(number) for number in range(_SUMS)]  # equal sums would be computed once
        with code.loop(code.first, code.last) as item:
            with code.loop(0, _ROUNDS, carry=starts) as loop:
                loop.next([fma(factor, factor, value) for value in loop.values])
            total = loop.results[0]
            for value in loop.results[1:]:
                total = total + value
            out.store(total, item.index * lanes)


@dataclass(frozen=True)
class Copy(Kernel):
    """Copy of a large array."""

    @property
    def pointers(self) -> tuple[str, ...]:
        """Return source and goal."""
        return ("x", "y")

    def items(self, batch: int) -> int:
        """Return pieces of 64 Ki floats."""
        return _COPY_FLOATS >> 16

    def write(self, code: Code) -> None:
        """Write the loop."""
        x, y, lanes = code.pointer("x"), code.pointer("y"), code.target.width
        with code.loop(code.first, code.last) as item, code.loop(0, 1 << 16, 4 * lanes) as at:
            for part in range(4):
                place = item.index * (1 << 16) + at.index + part * lanes
                y.store(x.load(place), place)


def measured_peak(seconds: float = 1.0) -> Peak:
    """Measure the peak of this machine."""
    loader = this_loader()
    threads = pool(loader)
    found = loader.addresses([PeakMultiplyAdds(), Copy()])
    lanes = loader.target.width
    out = aligned(64 * lanes)
    x, y = aligned(_COPY_FLOATS), aligned(_COPY_FLOATS)
    tables = np.array([out.ctypes.data, x.ctypes.data, y.ctypes.data], np.int64)
    multiply, copy = np.zeros(1, RECORD), np.zeros(1, RECORD)
    multiply["function"], multiply["table"], multiply["items"] = (
        found[PeakMultiplyAdds()],
        tables.ctypes.data,
        threads.threads,
    )
    copy["function"], copy["table"], copy["items"] = found[Copy()], tables.ctypes.data + 8, Copy().items(1)
    one, two = (fastest(partial(threads.run, own), seconds / 2) for own in (multiply, copy))
    return Peak(2.0 * _ROUNDS * _SUMS * lanes * threads.threads / one, 8.0 * _COPY_FLOATS / two)
