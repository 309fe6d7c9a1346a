"""Control of a training from outside: pause, step, go and stop, between two steps.

The commands are given by another thread, or are lines on a stream, such as the standard input of
`convscope train --control`. The end of the stream means that whoever gave them is gone: training continues, but
one that is paused stops, as nobody could let it go.
"""

from __future__ import annotations

import os
from threading import Condition, Thread

LONGEST_LINE = 4096


class Control:
    """Commands for a training, which asks for its turn before every step.

    >>> control = Control()
    >>> control.obey("pause"), control.is_paused
    (True, True)
    >>> control.obey("step"), control.await_turn(), control.is_paused
    (True, True, True)
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._left: int | None = None
        self.is_stopped = False

    @property
    def is_paused(self) -> bool:
        """Return whether the next step has to wait."""
        return self._left == 0 and not self.is_stopped

    def obey(self, command: str) -> bool:
        """Carry out "pause", "step", "go" or "stop", and return whether the command is one of these."""
        with self._changed:
            match command.strip():
                case "pause":
                    self._left = 0
                case "step":
                    self._left = (self._left or 0) + 1
                case "go":
                    self._left = None
                case "stop":
                    self.is_stopped = True
                case _:
                    return False
            self._changed.notify_all()
        return True

    def close(self) -> None:
        """Give no further command: a paused training stops, another continues."""
        with self._changed:
            if self._left is not None:
                self.is_stopped = True
            self._changed.notify_all()

    def await_turn(self, seconds: float | None = None) -> bool:
        """Wait until a step may be made, and count it. Return False after a stop, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._left != 0 or self.is_stopped, seconds)
            if self._left == 0 or self.is_stopped:
                return False
            if self._left is not None:
                self._left -= 1
            return True


def control_by_stream(number: int) -> Control:
    """Return a control that obeys the lines of an open file, by its descriptor, on a thread of its own."""
    control = Control()
    Thread(target=_read, args=(number, control), name="control", daemon=True).start()
    return control


def _read(number: int, control: Control) -> None:
    """Pass lines on until the stream ends; os.read, as a buffered file would be locked when Python exits."""
    rest = b""
    while True:
        try:
            part = os.read(number, LONGEST_LINE)
        except OSError:
            part = b""
        if not part:
            break
        *lines, rest = (rest + part).split(b"\n")
        rest = rest[-LONGEST_LINE:]
        for line in lines:
            control.obey(line.decode("ascii", "replace"))
    control.close()
