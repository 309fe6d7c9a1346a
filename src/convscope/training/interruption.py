"""Deferred handling of Ctrl-C and termination signals during training."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that save a checkpoint before the process ends. Not every system has all of them."""


def interrupted(number: int) -> KeyboardInterrupt:
    """Return the exception for a training that a signal stopped after saving a checkpoint.

    Only for KeyboardInterrupt itself does Python exit with the status that shells expect.
    """
    return KeyboardInterrupt(number)


def signal_of(error: KeyboardInterrupt) -> int | None:
    """Return the signal that stopped a training, or None for a Ctrl-C outside the training loop."""
    return error.args[0] if error.args else None


class Interruption:
    """Context manager in which the first signal only sets `requested`. A second Ctrl-C acts as usual.

    Signals that the process ignores, as under nohup or in the background, stay ignored. Python delivers signals to
    the main thread only: in other threads nothing changes.
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
        # A closed terminal sends its signal repeatedly: only Ctrl-C may interrupt the saving.
        self._restore(signal.SIGINT)

    def _restore(self, number: int) -> None:
        if number in self._before:
            signal.signal(number, self._before.pop(number))
