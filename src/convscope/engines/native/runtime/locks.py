"""Locks that a fork waits for.

A fork copies all memory, but only the thread that forks. A lock that another thread holds would stay locked in the
child, and what it guards half-changed. So a fork first takes every lock of this kind, as any other thread would,
which lets the work in progress end; then parent and child release them.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from weakref import WeakSet


class ForkLock:
    """A reentrant lock that a fork takes before it copies the process.

    A thread that holds one may take others of a higher `rank` only: in that order a fork takes them, too.
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
        """Take it, as a fork does."""
        self._lock.acquire()

    def release(self) -> None:
        """Release it."""
        self._lock.release()

    def renew(self) -> None:
        """Start from a free lock, whoever held it."""
        self._lock = threading.RLock()


PROGRAM, MAKING, LOADER, POOL = range(4)
"""Ranks: a program runs, which may make the process's own loader and pool, compile, and use the threads."""

_known: WeakSet[ForkLock] = WeakSet()
_registry = threading.Lock()
_taken: dict[int, list[ForkLock]] = {}
"""The locks taken by each thread that is about to fork; it holds the registry then, so that none is added."""


def _before_fork() -> None:
    me = threading.get_ident()
    while True:
        with _registry:
            wanted = sorted(_known, key=lambda lock: (lock.rank, id(lock)))  # one order for all that fork
        held: list[ForkLock] = []
        try:
            for lock in wanted:
                lock.acquire()
                held.append(lock)
            _registry.acquire()
        except BaseException:  # somebody is tired of waiting: the fork goes on, and the child renews its locks
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
