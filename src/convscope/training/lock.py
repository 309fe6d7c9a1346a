"""The exclusive lock of a run's folder, which the system gives back when the process that has it ends.

The file `.lock` is there while somebody trains. It is removed under the lock, and who takes the lock makes sure
that the file is still the folder's: else two processes could lock two files of one name. A file system without
locks does without.
"""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ..errors import BadFile

NAME = ".lock"

_HELD_BY_ANOTHER = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_WINDOWS_BYTE = 1 << 30
"""Windows locks bytes and hides them from others: this one is behind the process number."""


class RunLock:
    """The lock of one folder, for one training at a time.

    Errors:   BadFile [run-locked] where it is held; BadFile [folder] where the folder cannot be written
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number: int | None = None

    def acquire(self) -> None:
        """Take the lock, and write down which process has it."""
        path = self._folder / NAME
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise BadFile(
                f"{str(self._folder)!r} must be a folder that can be written; got an error ({reason}); "
                "choose another. [folder]"
            ) from None
        if not _lock(number):
            holder = _holder(number)
            os.close(number)
            raise BadFile(
                f"run {str(self._folder)!r} is being trained by {holder}; wait until it ends, or stop it with "
                "Ctrl-C, then resume. [run-locked]"
            )
        if not _is_still(number, path):  # its holder was just done
            os.close(number)
            self.acquire()
            return
        self._number = number
        _held.add(self)
        with contextlib.suppress(OSError):  # the number only serves the message
            os.truncate(number, 0)
            os.write(number, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the lock back, if this process has it."""
        if self._number is not None:
            with contextlib.suppress(OSError):  # Windows keeps a file that is open
                os.truncate(self._number, 0)
                os.unlink(self._folder / NAME)
            self._close()

    def refuse_held(self) -> None:
        """Raise where a process has the lock, and leave no trace where none has."""
        if os.path.isfile(self._folder / NAME):
            probe = RunLock(self._folder)
            probe.acquire()
            probe.release()

    def _close(self) -> None:
        number, self._number = self._number, None
        if number is not None:
            os.close(number)
        _held.discard(self)


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """Close the locks that a forked child inherits: they are its parent's, and must end with it."""
    for lock in list(_held):
        lock._close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _is_still(number: int, path: Path) -> bool:
    """Tell whether an open file is the one that has this path."""
    try:
        return os.path.samestat(os.fstat(number), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(number: int) -> bool:
    """Lock an open file without waiting; False where another has it."""
    try:
        _lock_function()(number)
    except OSError as error:
        # Any other error means that the file system has no locks.
        return error.errno not in _HELD_BY_ANOTHER
    return True


def _lock_function() -> Callable[[int], None]:
    try:
        fcntl = import_module("fcntl")
    except ImportError:
        pass
    else:
        return lambda number: fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        msvcrt = import_module("msvcrt")
    except ImportError:
        return lambda _number: None

    def lock_byte(number: int) -> None:
        os.lseek(number, _WINDOWS_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(number, 0, os.SEEK_SET)

    return lock_byte


def _holder(number: int) -> str:
    try:
        written = os.read(number, 20).split()
    except OSError:
        written = []
    return f"process {int(written[0])}" if written and written[0].isdigit() else "another process"
