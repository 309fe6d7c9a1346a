"""A thread that computes for the server, newest request first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from functools import partial
from threading import Condition, Thread
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

MOST_WAITING = 64


class Busy(Exception):
    """Too many calls are waiting."""


class _Call(NamedTuple):
    future: Future[Any]
    context: Context
    function: Callable[[], Any]


class Worker:
    """Runs calls one at a time on a daemon thread, so that ending the server does not wait for them.

    The newest call runs first: it is what the user looks at.
    """

    def __init__(self, name: str) -> None:
        self._waiting: deque[_Call] = deque()
        self._changed = Condition()
        Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, function: Callable[..., T], *arguments: object) -> Future[T]:
        """Queue a call in the current context, and return its future result.

        Raises:
            Busy: If `MOST_WAITING` calls are waiting.
        """
        future: Future[T] = Future()
        call = _Call(future, copy_context(), partial(function, *arguments))
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                raise Busy
            self._waiting.append(call)
            self._changed.notify()
        return future

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a call in the current context, and return its result.

        Raises:
            Busy: If `MOST_WAITING` calls are waiting.
        """
        return await asyncio.wrap_future(self.submit(function, *arguments))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                call = self._waiting.pop()
            if not call.future.set_running_or_notify_cancel():
                continue
            try:
                result = call.context.run(call.function)
            except BaseException as error:
                call.future.set_exception(error)
            else:
                call.future.set_result(result)
