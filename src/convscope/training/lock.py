"""Exclusive lock of a run folder, which the system releases when the process ends.

The file `.lock` exists during training. It is deleted while locked, so a process that acquires the lock must check
that the file is still in the folder. Otherwise two processes could lock two files of the same name. On file
systems without locks nothing is locked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ..errors import BadFile, reason_of
from ..text.language import Message

NAME = ".lock"

_LOCKED_ELSEWHERE = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_WINDOWS_BYTE = 1 << 30
"""Windows locks bytes and makes them unreadable. This byte is beyond the process number."""


class RunLock:
    """Lock of one folder.

    Raises:
        BadFile: [run-locked] if another process has the lock, [folder] if the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number: int | None = None

    def acquire(self) -> None:
        """Acquire the lock, and write the process number into the file."""
        path = self._folder / NAME
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise BadFile(
                "{folder!r} cannot be written to ({reason}). Choose another folder. [folder]",
                folder=str(self._folder),
                reason=reason_of(error),
            ) from None
        if not _lock(number):
            holder = _holder(number)
            os.close(number)
            raise BadFile(
                "Run {folder!r} is being trained by {holder}. Wait until it ends, or stop it with Ctrl-C, then "
                "resume. [run-locked]",
                folder=str(self._folder),
                holder=holder,
            )
        if not _is_still(number, path):  # its owner has just deleted it
            os.close(number)
            self.acquire()
            return
        self._number = number
        _held.add(self)
        with contextlib.suppress(OSError):  # the number is used in the error message only
            os.truncate(number, 0)
            os.write(number, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Release the lock, if this process has it."""
        if self._number is not None:
            with contextlib.suppress(OSError):  # Windows cannot delete open files
                os.truncate(self._number, 0)
                os.unlink(self._folder / NAME)
            self._close()

    def refuse_locked(self) -> None:
        """Raise BadFile [run-locked] if a process has the lock."""
        if os.path.isfile(self._folder / NAME):
            probe = RunLock(self._folder)
            probe.acquire()
            probe.release()

    def is_held(self) -> bool:
        """Return whether a process has the lock. The file is left as it is."""
        try:
            number = os.open(self._folder / NAME, os.O_RDWR)
        except OSError:
            return False
        try:
            return not _lock(number)
        finally:
            os.close(number)

    def _close(self) -> None:
        number, self._number = self._number, None
        if number is not None:
            os.close(number)
        _held.discard(self)


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """Close the locks that a forked child inherits: they belong to its parent."""
    for lock in list(_held):
        lock._close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _is_still(number: int, path: Path) -> bool:
    """Return whether an open file is still the one at this path."""
    try:
        return os.path.samestat(os.fstat(number), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(number: int) -> bool:
    """Lock an open file without waiting. Return False if another process has locked it."""
    try:
        _lock_function()(number)
    except OSError as error:
        # Other errors mean that the file system has no locks.
        return error.errno not in _LOCKED_ELSEWHERE
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


def _holder(number: int) -> Message:
    try:
        written = os.read(number, 20).split()
    except OSError:
        written = []
    if written and written[0].isdigit():
        return Message("process {number}", number=int(written[0]))
    return Message("another process")
