"""Ctrl-C, and the signals that ask a process to end, between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C; what ends a process politely; what a closed terminal sends. Not every system has all."""


def interrupted(number: int) -> KeyboardInterrupt:
    """Return the error of a training that a signal stopped, everything being saved.

    It is Python's own, of which alone the interpreter makes the exit status that shells expect.
    """
    return KeyboardInterrupt(number)


def signal_of(error: KeyboardInterrupt) -> int | None:
    """Return the signal that stopped a training; None for a Ctrl-C that came when nothing was there to save it."""
    return error.args[0] if error.args else None


class Interruption:
    """While entered, the first of these signals only sets `requested`; then Ctrl-C acts as ever.

    A signal that the process was started to ignore, as by nohup or in the background, stays ignored. Python
    delivers signals to the main thread only: in others nothing changes.
    """

    def __init__(self) -> None:
        self.requested = False
        self.number: int = signal.SIGINT
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in list(self._before):
            self._restore(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self.requested:
            self.requested, self.number = True, number
        # A closed terminal sends its signal more than once: only Ctrl-C is meant to end the saving, too.
        self._restore(signal.SIGINT)

    def _restore(self, number: int) -> None:
        if number in self._before:
            signal.signal(number, self._before.pop(number))
