"""Ring of full checkpoints of a run: dense at the start, then thinned geometrically, bounded in bytes.

The files are history/STEP.safetensors, as many as fit the limit at their largest size. Which ones are kept depends
on the steps alone: a power of two precedes the middle between two of them, this the quarters, these the eighths,
and what is last is dropped first. So the gaps grow in proportion to the step, and a run that was killed and
resumed ends with the same checkpoints as one that was not.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import BadFile
from ..files.atomic import remove_unfinished, write_durably
from ..text.language import Message
from .model_io import Chunks

FOLDER = "history"
_SUFFIX = ".safetensors"
MOST = sys.maxsize
"""The count of a ring without a limit."""
_NAME = re.compile(r"(0|[1-9][0-9]{0,17})\.safetensors")


def priority(step: int) -> tuple[int, int]:
    """Return the key by which the checkpoints of a run are ordered; the last ones are dropped first.

    Formula:  the position of a step between 2^n and 2^(n+1), as a binary fraction of d digits, gives d
    """
    if step == 0:
        return 0, 0
    digits, zeros = step.bit_length() - 1, (step & -step).bit_length() - 1
    return digits - zeros, step


class Ring:
    """The files of a ring, at most `count` of them.

    Raises:
        BadFile: [write-failed]
    """

    def __init__(self, run: Path, count: int, until: int) -> None:
        """Open the ring of a run; the checkpoints after step `until`, which is trained from again, are removed."""
        self.folder = run / FOLDER
        self.count = count
        remove_unfinished(self.folder)
        self._order = sorted(map(priority, checkpoints_of(run)))
        for own in [own for own in self._order if own[1] > until]:
            self._remove(own)
        while len(self._order) > count:
            self._remove(self._order[-1])

    def save(self, step: int, encode: Callable[[], Chunks]) -> None:
        """Write a checkpoint, unless it would be the first to be dropped."""
        own = priority(step)
        if own in self._order[bisect_left(self._order, own) :][:1]:
            self._remove(own)
        if len(self._order) >= self.count:
            if not self._order or own > self._order[-1]:
                return
            self._remove(self._order[-1])  # first, so that the size is never exceeded
        self.folder.mkdir(exist_ok=True)
        # Not flushed: after a crash of the system a damaged file is recognized by its checksum.
        write_durably(self._path(step), encode(), flush=False)
        insort(self._order, own)

    def _path(self, step: int) -> Path:
        return self.folder / f"{step}{_SUFFIX}"

    def _remove(self, own: tuple[int, int]) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path(own[1]).unlink()
        del self._order[bisect_left(self._order, own)]


def checkpoints_of(run: Path) -> dict[int, Path]:
    """Return the files of a run's ring by step, in order."""
    try:
        names = os.listdir(run / FOLDER)
    except OSError:
        return {}
    steps = sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))
    return {step: run / FOLDER / f"{step}{_SUFFIX}" for step in steps}


def missing_step(run: Path, step: int, stored: Sequence[int], problem: BadFile | None = None) -> BadFile:
    """Return the error for a step without an intact checkpoint."""
    return BadFile(
        "{run!r} has no intact checkpoint of step {step}{problem}. Use a stored step: {steps}. Train with "
        "a larger history to store more, such as 256MB. [fork-step]",
        run=str(run),
        step=step,
        problem="" if problem is None else Message(" ({error})", error=problem),
        steps=list_steps(stored),
    )


def list_steps(steps: Sequence[int], most: int = 24) -> str:
    """Return steps in words: consecutive ones as a range, many shortened in the middle."""
    parts: list[str] = []
    start = 0
    for place, step in enumerate(steps):
        if place + 1 < len(steps) and steps[place + 1] == step + 1:
            continue
        parts.append(str(step) if steps[start] == step else f"{steps[start]}-{step}")
        start = place + 1
    if len(parts) > most:
        parts = [*parts[: most // 2], "…", *parts[-(most // 2) :]]
    return ", ".join(parts) if parts else Message("none")
