"""Placement of buffers in memory: buffers that are never alive together may overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..layout import Floats
from ..plan import Buffer, KernelCall, Plan, Role

ALIGNMENT = 64
"""Buffers start at multiples of this many floats: four cache lines."""


@dataclass(frozen=True)
class Placement:
    """Offsets of buffers in one allocation, in floats."""

    offsets: Mapping[Buffer, int]
    floats: int


def rounded(floats: int) -> int:
    """Round a size up to a multiple of the alignment."""
    return -(-floats // ALIGNMENT) * ALIGNMENT


def place_in_order(buffers: Iterable[Buffer]) -> Placement:
    """Place buffers of fixed size one after another."""
    offsets: dict[Buffer, int] = {}
    at = 0
    for buffer in buffers:
        offsets[buffer] = at
        at += rounded(buffer.fixed)
    return Placement(offsets, at)


def by_lifetime(plan: Plan, batch: int) -> Placement:
    """Place the activations of a plan so that buffers with disjoint lifetimes may overlap.

    Greedy by size: the largest first, each at the lowest offset that is free during its lifetime. The result is
    close to the lower bound, `busiest_moment`.
    """
    lives, hosts = shared_lifetimes(plan)
    order = sorted(lives, key=lambda buffer: (-buffer.floats(batch), lives[buffer]))
    first, last, start, end = (np.zeros(len(order), np.int64) for _ in range(4))
    offsets: dict[Buffer, int] = {}
    for count, buffer in enumerate(order):
        size, (born, dies) = rounded(buffer.floats(batch)), lives[buffer]
        overlapping = np.flatnonzero((first[:count] <= dies) & (last[:count] >= born))
        at = _lowest_gap(start[:count][overlapping], end[:count][overlapping], size)
        first[count], last[count], start[count], end[count] = born, dies, at, at + size
        offsets[buffer] = at
    offsets |= {guest: offsets[host] for guest, host in hosts.items()}
    return Placement(offsets, int(end.max(initial=0)))


def _lowest_gap(starts: NDArray[np.int64], ends: NDArray[np.int64], size: int) -> int:
    at = 0
    for index in np.argsort(starts, kind="stable"):
        if starts[index] - at >= size:
            break
        at = max(at, int(ends[index]))
    return at


def lifetimes(plan: Plan) -> dict[Buffer, tuple[int, int]]:
    """Return the first and the last step that uses each activation."""
    lives: dict[Buffer, tuple[int, int]] = {}
    for moment, step in enumerate(plan.steps):
        for buffer in step.buffers:
            if buffer.role is Role.ACTIVATION:
                lives[buffer] = (lives.get(buffer, (moment, moment))[0], moment)
    for buffer in plan.kept:
        if buffer.role is Role.ACTIVATION:
            lives[buffer] = (0, len(plan.steps))
    return lives


def shared_lifetimes(plan: Plan) -> tuple[dict[Buffer, tuple[int, int]], dict[Buffer, Buffer]]:
    """Return lifetimes, and the buffers that are computed in place of another.

    A kernel that supports it overwrites an input that is not needed any more. The memory is then in the cache
    already, and less of it is needed.
    """
    lives, hosts = lifetimes(plan), dict[Buffer, Buffer]()
    for moment, step in enumerate(plan.steps):
        if not isinstance(step, KernelCall):
            continue
        for written, read in step.kernel.in_place:
            guest, source = step.operands[written], step.operands[read]
            assert isinstance(guest, Buffer)
            assert isinstance(source, Buffer)
            host = hosts.get(source, source)
            sizes = (guest.per_image, guest.fixed) == (source.per_image, source.fixed)
            new = guest in lives and lives[guest][0] == moment and guest not in hosts
            if sizes and new and host in lives and host is not guest and lives[host][1] == moment:
                hosts[guest] = host
                lives[host] = (lives[host][0], lives.pop(guest)[1])
                break
    return lives, hosts


def busiest_moment(plan: Plan, batch: int) -> int:
    """Return the largest number of floats alive at once: a lower bound of any placement."""
    changes = np.zeros(len(plan.steps) + 2, np.int64)
    for buffer, (born, dies) in shared_lifetimes(plan)[0].items():
        changes[born] += rounded(buffer.floats(batch))
        changes[dies + 1] -= rounded(buffer.floats(batch))
    return int(np.cumsum(changes).max(initial=0))


def aligned(floats: int) -> Floats:
    """Return zeros aligned to 256 bytes. The system provides the memory when it is first touched."""
    space = np.zeros(floats + ALIGNMENT, np.float32)
    skip = (-space.ctypes.data % (4 * ALIGNMENT)) // 4
    return space[skip : skip + floats]
