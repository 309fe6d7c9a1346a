"""Run folders that the page can follow: the run that was opened, and those in the explorer's own folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import BadFile, ConvscopeError
from ..training.configuration import Configuration
from ..training.fork import stored_steps
from ..training.lock import NAME as LOCK
from ..training.lock import RunLock
from ..training.model_io import make_folder, peek_metadata
from ..training.ring import checkpoints_of
from ..training.run_document import NAME, read_run_document
from ..training.run_folder import LAST, PREVIOUS, TrainingState

Progress = Literal["running", "finished", "killed", "interrupted", "deleted"]
"""What the files of a run say: it is being trained, ended by itself, was killed, was saved early, is gone."""

MOST_RUNS = 500


@dataclass(frozen=True)
class RunState:
    """The progress of a run, and what is stored of it: steps whose weights can be shown, the step it resumes from.

    `passing` are those of the steps that are not in the ring, which the next checkpoints replace.

    `reason` is why a finished run ended: "epochs", "patience" or "diverged".
    """

    progress: Progress
    steps: tuple[int, ...] = ()
    passing: tuple[int, ...] = ()
    saved: int | None = None
    reason: str | None = None


class FollowedRun:
    """One run folder, read each time, as another process writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        self._stale: tuple[int, int] | None = None
        self._positions: dict[str, tuple[tuple[int, int], TrainingState | None]] = {}

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.path.name

    @property
    def log_path(self) -> Path:
        """Return the log."""
        return self.path / "log.jsonl"

    @property
    def is_there(self) -> bool:
        """Return whether the folder has a run."""
        return os.path.isfile(self.path / NAME)

    def document(self) -> dict[str, Any]:
        """Return the contents of run.json.

        Raises:
            BadFile: [run-gone] if the folder was deleted, and those of `read_run_document`.
        """
        if not self.is_there:
            raise BadFile(
                "The run folder {path!r} is gone. What is loaded stays on the page; open another run. [run-gone]",
                path=str(self.path),
            )
        return read_run_document(self.path)

    def configuration(self) -> Configuration:
        """Return the settings of the run."""
        return Configuration.from_dict(self.document()["configuration"])

    def state(self) -> RunState:
        """Return the progress of the run."""
        if not self.is_there:
            return RunState("deleted")
        last, previous = self._position(LAST), self._position(PREVIOUS)
        known = {one.step for one in (last, previous) if one is not None}
        ring = checkpoints_of(self.path)
        steps, passing = tuple(sorted({*ring, *known})), tuple(sorted(known - ring.keys()))
        saved = None if last is None else last.step
        lock = _stamp(self.path / LOCK)
        if lock is not None and lock != self._stale:
            if RunLock(self.path).is_held():
                return RunState("running", steps, passing, saved)
            self._stale = lock
        reason = None if last is None else self._ended(last)
        if reason is not None:
            return RunState("finished", steps, passing, saved, reason)
        return RunState("interrupted" if lock is None else "killed", steps, passing, saved)

    def steps(self) -> list[int]:
        """Return the steps with a full checkpoint."""
        return [*stored_steps(self.path)]

    def _ended(self, last: TrainingState) -> str | None:
        if last.finished is not None:
            return last.finished
        try:
            document = self.document()
            configuration = Configuration.from_dict(document["configuration"])
        except ConvscopeError:
            return None
        is_full = last.batch >= configuration.batches(document["images"])
        return "epochs" if last.epoch + is_full >= configuration.epochs else None

    def _position(self, name: str) -> TrainingState | None:
        """Return the training state in a checkpoint, read once for each version of the file."""
        stamp = _stamp(self.path / name)
        if stamp is None:
            return None
        known = self._positions.get(name)
        if known is None or known[0] != stamp:
            try:
                found = TrainingState.from_dict(peek_metadata(self.path / name).get("position"))
            except (ValueError, BadFile):
                found = None
            known = self._positions[name] = stamp, found
        return known[1]


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with each version of a file, or None without the file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


class Runs:
    """Runs by id. The page names a run by its id only, never by a path."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._known: dict[str, FollowedRun] = {}

    @property
    def root(self) -> Path:
        """Return the folder in which runs are started."""
        if self._root is None:
            self._root = default_root()
        return self._root

    def add(self, path: Path) -> FollowedRun:
        """Add a run folder, and return its entry."""
        run = FollowedRun(Path(os.path.abspath(path)))
        return self._known.setdefault(run.id, run)

    def get(self, key: str) -> FollowedRun | None:
        """Return a run by its id."""
        if key not in self._known:
            self._scan()
        return self._known.get(key)

    def all(self) -> list[FollowedRun]:
        """Return all runs that are there, the newest last."""
        self._scan()
        return sorted((run for run in self._known.values() if run.is_there), key=_age)

    def new_folder(self, name: str) -> Path:
        """Create a folder below the root: NAME, numbered from 2 where it is taken.

        Raises:
            BadFile: [folder]
        """
        plain = re.sub(r"[^\w.-]+", "-", name)[:60].strip("-.") or "run"
        make_folder(self.root)
        number = 1
        while True:
            folder = self.root / (plain if number == 1 else f"{plain}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
            except OSError:
                make_folder(folder)  # raises with the reason
            else:
                return folder

    def _scan(self) -> None:
        for folder in _run_folders(self.root):
            self.add(folder)


def _run_folders(root: Path) -> Iterator[Path]:
    """Return the folders with a run in a folder, up to a limit."""
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return
    folders = (root / name for name in names if os.path.isfile(root / name / NAME))
    for _, folder in zip(range(MOST_RUNS), folders, strict=False):
        yield folder


def _age(run: FollowedRun) -> tuple[int, str]:
    stamp = _stamp(run.path / NAME)
    return (0 if stamp is None else stamp[1]), run.name


def default_root() -> Path:
    """Return the folder for runs of the page in the user's data directory, or `runs` without a home directory."""
    from platformdirs import user_data_path

    try:
        base = user_data_path("convscope", appauthor=False)
    except RuntimeError:
        base = Path()
    return (base if base.is_absolute() else Path()) / "runs"
