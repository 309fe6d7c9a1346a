"""Thread pool that runs lists of kernel calls in generated code, without Python in between.

A list is an array of records (function, argument table, work items). Every thread walks the whole list; it runs
its share of each record's items and then waits at a barrier. Idle threads spin on a counter for a while, then
return to Python and sleep on a semaphore.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import BadSetting
from ..codegen.compiler import Loader
from .locks import MAKING, POOL, ForkLock
from .pool_code import COUNT, GENERATION, LINE, SLEEPING, STOP, THREADS, YIELD, pool_code

RECORD = np.dtype([("function", np.int64), ("table", np.int64), ("items", np.int64)])
"""One kernel call."""

MAX_THREADS = 1024
"""More than the cores of any processor. All threads meet at a barrier after each kernel."""


def thread_count() -> int:
    """Return CONVSCOPE_THREADS, or the number of processors this process may use.

    Errors:   BadSetting [threads]
    """
    named = os.environ.get("CONVSCOPE_THREADS", "").strip()
    if named:
        if not named.isdecimal() or len(named) > 9 or not 1 <= int(named) <= MAX_THREADS:
            value = named if len(named) <= 40 else f"{named[:40]}…"
            raise BadSetting(
                "CONVSCOPE_THREADS must be an integer from 1 to {limit} (got {value!r}). Unset it to use every "
                "core. [threads]",
                limit=MAX_THREADS,
                value=value,
            )
        return int(named)
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MAX_THREADS)
    return min(os.cpu_count() or 1, MAX_THREADS)


class ThreadPool:
    """Thread pool of a process. The calling thread participates as worker 0."""

    def __init__(self, loader: Loader, threads: int) -> None:
        self.threads, self._loader = threads, loader  # keeps the functions alive
        found = loader.functions(("run", "resume", "claim", "serve"), pool_code(loader.target))
        take = ctypes.CFUNCTYPE
        word, address = ctypes.c_int64, ctypes.c_void_p
        self._run = take(word, address, address, word, word)(found["run"])
        self._resume = take(None, address)(found["resume"])
        self._claim = take(word, address, word)(found["claim"])
        self._serve = take(word, address, word, address)(found["serve"])
        self._state = aligned_words(SLEEPING + LINE * (threads + 1))
        self._state[YIELD] = _yield_function()
        self._at = self._state.ctypes.data
        self._semaphores = [threading.Semaphore(0) for _ in range(threads)]
        self._workers: list[threading.Thread] = []
        self._busy = ForkLock(POOL)

    def run(self, records: NDArray[Any], alone: bool = False) -> None:
        """Run a list of records and wait for it. With `alone`, only the calling thread works."""
        self.run_at(records.ctypes.data, len(records), alone)

    def run_at(self, address: int, count: int, alone: bool) -> None:
        """Run the list of records at an address."""
        with self._busy:
            if self.threads > 1 and not alone and not self._workers:
                self._start()
            used = 1 if alone else 1 + len(self._workers)
            if self._run(self._at, address, count, used):
                self._wake()
                self._resume(self._at)

    def close(self) -> None:
        """Stop the threads. They are started again when needed."""
        with self._busy:
            if not self._workers:
                return
            self._state[STOP] = 1
            self._state[COUNT], self._state[THREADS] = 0, 1 + len(self._workers)
            self._state[GENERATION] += 1
            self._wake()
            for worker in self._workers:
                worker.join()
            self._workers = []
            self._state[STOP] = 0

    def forget(self) -> None:
        """Reset the pool in a forked process, where only the forking thread exists."""
        self._workers = []
        self._semaphores = [threading.Semaphore(0) for _ in range(self.threads)]
        self._state[SLEEPING:] = 0
        self._state[STOP] = 0

    def _start(self) -> None:
        for number in range(1, self.threads):
            known = aligned_words(1)
            known[0] = self._state[GENERATION]
            worker = threading.Thread(
                target=self._work, args=(number, known), name=f"convscope-{number}", daemon=True
            )
            try:
                worker.start()
            except RuntimeError:  # the system's limit: results do not depend on the number of threads
                self.threads = number
                return
            self._workers.append(worker)

    def _work(self, number: int, known: NDArray[np.int64]) -> None:
        while self._serve(self._at, number, known.ctypes.data):
            self._semaphores[number].acquire()

    def _wake(self) -> None:
        for number in range(1, 1 + len(self._workers)):
            if self._claim(self._at, number):
                self._semaphores[number].release()


def aligned_words(count: int) -> NDArray[np.int64]:
    """Return zeros aligned to 128 bytes."""
    space = np.zeros(count + 16, np.int64)
    skip = (-space.ctypes.data % 128) // 8
    return space[skip : skip + count]


def _yield_function() -> int:
    """Return the address of the system's function that yields the processor."""
    system = getattr(ctypes, "windll").kernel32 if os.name == "nt" else ctypes.CDLL(None)  # noqa: B009
    function = system.SwitchToThread if os.name == "nt" else system.sched_yield
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


_POOL: ThreadPool | None = None
_MAKING = ForkLock(MAKING)


def pool(loader: Loader) -> ThreadPool:
    """Return the pool of this process, created at first use."""
    global _POOL
    with _MAKING:
        if _POOL is None:
            _POOL = ThreadPool(loader, thread_count())
            atexit.register(_POOL.close)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_POOL.forget)
        return _POOL
