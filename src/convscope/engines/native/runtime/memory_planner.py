"""Memory for buffers: where each lies, so that those never needed together share a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..layout import Floats
from ..plan import Buffer, KernelCall, Plan, Role

ALIGNMENT = 64
"""Floats between the starts of two buffers are a multiple of this: four cache lines."""


@dataclass(frozen=True)
class Arrangement:
    """Offsets of buffers in one piece of memory, in floats."""

    offsets: Mapping[Buffer, int]
    floats: int


def rounded(floats: int) -> int:
    """Return a size filled up to whole alignments."""
    return -(-floats // ALIGNMENT) * ALIGNMENT


def in_a_row(buffers: Iterable[Buffer]) -> Arrangement:
    """Place buffers of fixed size one after the other."""
    offsets: dict[Buffer, int] = {}
    at = 0
    for buffer in buffers:
        offsets[buffer] = at
        at += rounded(buffer.fixed)
    return Arrangement(offsets, at)


def by_lifetime(plan: Plan, batch: int) -> Arrangement:
    """Place the activations of a plan so that buffers share memory where their lives do not meet.

    Large ones first, each at the lowest place that is free while it lives: near the best that can be had, and
    never less than what is needed at the busiest moment.
    """
    lives, hosts = shared_lifetimes(plan)
    order = sorted(lives, key=lambda buffer: (-buffer.floats(batch), lives[buffer]))
    first, last, start, end = (np.zeros(len(order), np.int64) for _ in range(4))
    offsets: dict[Buffer, int] = {}
    for count, buffer in enumerate(order):
        size, (born, dies) = rounded(buffer.floats(batch)), lives[buffer]
        meeting = np.flatnonzero((first[:count] <= dies) & (last[:count] >= born))
        at = _lowest_gap(start[:count][meeting], end[:count][meeting], size)
        first[count], last[count], start[count], end[count] = born, dies, at, at + size
        offsets[buffer] = at
    offsets |= {guest: offsets[host] for guest, host in hosts.items()}
    return Arrangement(offsets, int(end.max(initial=0)))


def _lowest_gap(starts: NDArray[np.int64], ends: NDArray[np.int64], size: int) -> int:
    at = 0
    for place in np.argsort(starts, kind="stable"):
        if starts[place] - at >= size:
            break
        at = max(at, int(ends[place]))
    return at


def lifetimes(plan: Plan) -> dict[Buffer, tuple[int, int]]:
    """Return the first and the last step at which each activation is needed."""
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
    """Return lifetimes, and the buffers that live on in another one's place, which they were written over.

    A kernel may write its result over an input that nobody needs any more, if it says so: then the memory is in a
    cache already, and less of it is needed.
    """
    lives, hosts = lifetimes(plan), dict[Buffer, Buffer]()
    for moment, step in enumerate(plan.steps):
        if not isinstance(step, KernelCall):
            continue
        for written, read in step.kernel.in_place:
            guest, place = step.operands[written], step.operands[read]
            assert isinstance(guest, Buffer)
            assert isinstance(place, Buffer)
            host = hosts.get(place, place)
            sizes = (guest.per_image, guest.fixed) == (place.per_image, place.fixed)
            new = guest in lives and lives[guest][0] == moment and guest not in hosts
            if sizes and new and host in lives and host is not guest and lives[host][1] == moment:
                hosts[guest] = host
                lives[host] = (lives[host][0], lives.pop(guest)[1])
                break
    return lives, hosts


def busiest_moment(plan: Plan, batch: int) -> int:
    """Return the floats needed at once when most are: no arrangement can do with less."""
    changes = np.zeros(len(plan.steps) + 2, np.int64)
    for buffer, (born, dies) in shared_lifetimes(plan)[0].items():
        changes[born] += rounded(buffer.floats(batch))
        changes[dies + 1] -= rounded(buffer.floats(batch))
    return int(np.cumsum(changes).max(initial=0))


def aligned(floats: int) -> Floats:
    """Return zeros that start at a multiple of 256 bytes; the system gives memory when it is touched."""
    space = np.zeros(floats + ALIGNMENT, np.float32)
    skip = (-space.ctypes.data % (4 * ALIGNMENT)) // 4
    return space[skip : skip + floats]
