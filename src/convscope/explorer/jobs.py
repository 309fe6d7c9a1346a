"""Trainings that the page starts: child processes of `convscope train`, controlled by lines on their input.

A child writes a normal run folder. If the explorer dies, its input ends: training continues, and one that is
paused ends with everything saved. If a child dies, the run can be resumed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ..errors import BadSetting
from ..text.language import current_language
from .runs import FollowedRun

COMMANDS = ("pause", "step", "go", "stop")
MOST_JOBS = 4
LONGEST_MESSAGE = 2000
PREFIX = "convscope: "
SIGNALED = 128
"""From here on an exit code says that a signal, or a stop, ended the process."""


class Job:
    """One child process."""

    def __init__(self, arguments: Sequence[str], first: str, folder: Path) -> None:
        self._folder = folder
        # A file and no pipe, as a child must not fail when the explorer is gone.
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the job
        self._process = subprocess.Popen(
            [sys.executable, "-m", "convscope", "train", *arguments, "--control", "--lang", current_language()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            env={**os.environ, "PYTHONUTF8": "1"},
            start_new_session=True,  # Ctrl-C is for the explorer, which then stops its children
        )
        self.is_paused = False
        self._problem: str | None = None
        self.obey(first)

    @property
    def is_alive(self) -> bool:
        """Return whether the process is running."""
        if self._process.poll() is None:
            return True
        if not self._said.closed:
            self._problem = self._read_problem(self._process.returncode)
            self._close_files()
        return False

    @property
    def problem(self) -> str | None:
        """Return the message of a process that failed."""
        return None if self.is_alive else self._problem

    def obey(self, command: str) -> None:
        """Pass a command on; a process that has ended obeys nothing."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{command}\n".encode())
            self._process.stdin.flush()
        except (OSError, ValueError):
            return
        self.is_paused = command in ("pause", "step")

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended.

        Raises:
            subprocess.TimeoutExpired: After so many seconds.
        """
        self._process.wait(seconds)
        self._close_files()

    def _read_problem(self, code: int) -> str | None:
        if code == 0 or code < 0 or code >= SIGNALED:
            return None
        self._said.seek(0)
        said = self._said.read()[-LONGEST_MESSAGE:].decode("utf-8", "replace")
        lines = [line for line in said.splitlines() if line.strip()]
        first = next((k for k, line in enumerate(lines) if line.startswith(PREFIX)), max(0, len(lines) - 1))
        return "\n".join(lines[first:]).removeprefix(PREFIX).strip() or f"exit code {code}"

    def _close_files(self) -> None:
        self._said.close()
        with contextlib.suppress(OSError):
            self._folder.rmdir()  # if a process that failed left it empty
        with contextlib.suppress(OSError):  # what was not written to a process that has ended
            if self._process.stdin is not None:
                self._process.stdin.close()


class Jobs:
    """The trainings of this explorer by the id of their run."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def get(self, key: str) -> Job | None:
        """Return the last training of a run."""
        return self._jobs.get(key)

    def start(self, run: FollowedRun, arguments: Sequence[str], first: str = "go") -> None:
        """Start a training of a run with the arguments of `convscope train`; `first` is its first command.

        Raises:
            BadSetting: [many-trainings]
        """
        if sum(job.is_alive for job in self._jobs.values()) >= MOST_JOBS:
            raise BadSetting(
                "{count} trainings are running already. Stop one of them, or wait. [many-trainings]",
                count=MOST_JOBS,
            )
        self._jobs[run.id] = Job(arguments, first, run.path)

    def close(self) -> list[str]:
        """Ask all trainings to save and end, without waiting, and return the ids of their runs."""
        alive = [key for key, job in self._jobs.items() if job.is_alive]
        for key in alive:
            self._jobs[key].obey("stop")
        return alive

    def wait(self, seconds: float) -> None:
        """Wait until all trainings have ended."""
        for job in self._jobs.values():
            job.wait(seconds)
