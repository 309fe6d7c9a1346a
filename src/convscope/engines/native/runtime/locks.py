"""Locks that are safe to use in a process that forks.

A fork copies all memory but only the forking thread. A lock held by another thread would stay locked in the child,
and the state it guards would be half-changed. So a fork first acquires every such lock, which lets the work in
progress finish, and then parent and child release them.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from weakref import WeakSet


class ForkLock:
    """A reentrant lock that a fork acquires before it copies the process.

    A thread that holds one may acquire only locks of a higher `rank`: a fork acquires them in that order too.
    """

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self._lock = threading.RLock()
        with _registry:
            _known.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def acquire(self) -> None:
        """Acquire it, as a fork does."""
        self._lock.acquire()

    def release(self) -> None:
        """Release it."""
        self._lock.release()

    def renew(self) -> None:
        """Replace it by a free lock."""
        self._lock = threading.RLock()


PROGRAM, MAKING, LOADER, POOL = range(4)
"""Ranks: a program runs, creates the process's loader and pool, compiles, and uses the threads."""

_known: WeakSet[ForkLock] = WeakSet()
_registry = threading.Lock()
_taken: dict[int, list[ForkLock]] = {}
"""The locks held by each thread about to fork. It also holds the registry, so that no lock is added."""


def _before_fork() -> None:
    me = threading.get_ident()
    while True:
        with _registry:
            wanted = sorted(_known, key=lambda lock: (lock.rank, id(lock)))  # the same order in every thread
        held: list[ForkLock] = []
        try:
            for lock in wanted:
                lock.acquire()
                held.append(lock)
            _registry.acquire()
        except BaseException:  # the user interrupts: the fork proceeds, and the child renews its locks
            _release(held)
            raise
        if set(_known) <= set(held):
            _taken[me] = held
            return
        _registry.release()
        _release(held)


def _after_in_parent() -> None:
    held = _taken.pop(threading.get_ident(), None)
    if held is not None:
        _registry.release()
        _release(held)


def _after_in_child() -> None:
    global _registry
    held = _taken.pop(threading.get_ident(), [])
    _taken.clear()
    _registry = threading.Lock()
    for lock in set(_known) - set(held):
        lock.renew()
    _release(held)


def _release(held: list[ForkLock]) -> None:
    for lock in reversed(held):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
