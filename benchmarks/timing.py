"""Median times of two functions that alternate in one process."""

from __future__ import annotations

import gc
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable


def machine() -> str:
    """Name the machine in one line."""
    return f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Return the median time of a call, after one warm-up call."""
    work()
    return statistics.median(_seconds(work) for _ in range(runs))


def alternately(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the median seconds of both, run in turn, after one run each for warming up."""
    ours()
    theirs()
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(runs)]
    return statistics.median(one for one, _ in pairs), statistics.median(two for _, two in pairs)


def processes(ours: list[str], theirs: list[str], runs: int) -> tuple[float, float]:
    """Return the median seconds of two whole Python processes, run in turn, as the shell sees them."""
    pairs = [(_process_seconds(ours), _process_seconds(theirs)) for _ in range(runs)]
    return statistics.median(one for one, _ in pairs), statistics.median(two for _, two in pairs)


def _process_seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _seconds(work: Callable[[], object]) -> float:
    """Time one run without the garbage collector, as `timeit` does."""
    gc.disable()
    try:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    finally:
        gc.enable()
