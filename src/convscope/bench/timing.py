"""Median times of several pieces of work, run in turn."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence

Work = Callable[[], object]

BLOCK_SECONDS = 0.3
"""Work is repeated for so long before the next takes its turn: other libraries' threads go on looking for work for
some milliseconds, and would take a processor away from whoever comes next."""
SETTLING_SHARE = 0.4
"""Fraction of a block that is discarded as warm-up."""


def medians(works: Sequence[Work], seconds: float, least_rounds: int = 3) -> list[float]:
    """Return the median seconds of each piece of work, run in turn for about `seconds` in total.

    The median is over blocks; within a block it is over the runs after the first ones.
    """
    for work in works:
        work()
    found: list[list[float]] = [[] for _ in works]
    end = time.perf_counter() + seconds
    while len(found[0]) < least_rounds or time.perf_counter() < end:
        for own, work in zip(found, works, strict=True):
            own.append(_block(work))
    return [statistics.median(own) for own in found]


def _block(work: Work) -> float:
    times: list[float] = []
    gc.disable()
    try:
        end = time.perf_counter() + BLOCK_SECONDS
        while len(times) < 2 or time.perf_counter() < end:
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    finally:
        gc.enable()
    return statistics.median(times[int(len(times) * SETTLING_SHARE) :])


def fastest(work: Work, seconds: float) -> float:
    """Return the shortest time of a piece of work, with the least interference."""
    end, best = time.perf_counter() + seconds, float("inf")
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best
