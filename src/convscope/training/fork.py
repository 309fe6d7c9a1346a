"""Forks: runs that start from a checkpoint of another run, with other settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.dataset import Dataset
from ..errors import BadFile, BadSetting
from ..files.atomic import write_durably
from ..files.regular import open_regular
from .configuration import Configuration
from .model_io import ModelFile, peek_metadata, read_model_file
from .monitoring import Observer
from .ring import checkpoints_of, list_steps, missing_step
from .run_folder import BEST, LAST, PREVIOUS, RunFolder, TrainingState, put_state, restore_state

if TYPE_CHECKING:
    from ..model import Model

_FIXED = ("loss", "data", "validation")


def stored_steps(run: Path) -> dict[int, list[Path]]:
    """Return the files of a run with a full checkpoint, by step: the ring, the last and the previous one."""
    found: dict[int, list[Path]] = {step: [path] for step, path in checkpoints_of(run).items()}
    for name in (LAST, PREVIOUS):
        position = peek_metadata(run / name).get("position")
        step = position.get("step") if isinstance(position, dict) else None
        if isinstance(step, int):
            found.setdefault(step, []).append(run / name)
    return dict(sorted(found.items()))


def read_step(run: Path, step: int | None) -> tuple[ModelFile, Path]:
    """Read the checkpoint of one step.

    Raises:
        BadFile: [fork-step] if there is none, or none that is intact.
    """
    stored = stored_steps(run)
    problem: BadFile | None = None
    for path in stored.get(-1 if step is None else step, []):
        try:
            return read_model_file(path, own=True), path
        except BadFile as error:
            problem = error
            del stored[step or 0]
    if step is None:
        raise BadSetting(
            "A fork needs the step to start from (got at=None). Use one that {run!r} has stored: {steps}. "
            "[fork-step]",
            run=str(run),
            steps=list_steps([*stored]),
        )
    raise missing_step(run, step, [*stored], problem)


def fork_configuration(run: Path, settings: Mapping[str, Any]) -> Configuration:
    """Return the settings of a run with some changed.

    Raises:
        BadSetting: [fork-setting]
    """
    recorded = Configuration.from_dict(RunFolder(run).read()["configuration"])
    wanted = replace(recorded, **settings)
    for name in _FIXED:
        if name in settings and getattr(wanted, name) != getattr(recorded, name):
            raise _fixed(f"fit.{name}", getattr(wanted, name), getattr(recorded, name))
    if type(wanted.optimizer) is not type(recorded.optimizer):
        raise _fixed("fit.optimizer", wanted.optimizer, recorded.optimizer)
    return wanted


def _fixed(setting: str, got: object, recorded: object) -> BadSetting:
    return BadSetting(
        "{setting} cannot change in a fork (got {got!r}, not {recorded!r}). Leave it out, or start a new run. "
        "[fork-setting]",
        setting=setting,
        got=got,
        recorded=recorded,
    )


def begin_fork(
    folder: RunFolder,
    parent: RunFolder,
    step: int | None,
    model: Model,
    source: Dataset,
    configuration: Configuration,
    notes: Mapping[str, Any],
    observer: Observer,
) -> TrainingState:
    """Create a run from one step of another, which stays as it is; the model and observer get its state.

    The log up to there is copied, so that its curves are whole. run.json names the other run and the step.

    Raises:
        BadFile: [fork-step], [other-network], [log-short], and those of `RunFolder.begin`.
        BadSetting: [fork-step], [fork-setting]
    """
    read, path = read_step(parent.path, step)
    document = parent.read()
    recorded = Configuration.from_dict(document["configuration"])
    state = restore_state(read, path, observer)
    if configuration.batch_size != recorded.batch_size and state.batch == recorded.batches(len(source)):
        state.begin_epoch()
        observer.clear()
    _refuse_changes(model, read, state, configuration, recorded)
    log = _log_until(parent, state)
    best = _best_of(parent, state)
    folder.begin()
    put_state(model, read, path)
    model.steps = state.step
    if configuration != recorded:
        state.finished = None
        if best is None:  # that of a later epoch of the other run is not this one's
            state.best, state.stale = None, 0
    write_durably(folder.log_path, log)
    if best is not None:
        write_durably(folder.path / BEST, best)
    folder.save(model, state, observer, read.metadata.get("scheduled", True) is True)
    noted = {**document["notes"], **notes, "fork": {"run": os.path.abspath(parent.path), "step": state.step}}
    folder.describe(model, source, configuration, noted, document["schema"])
    return state


def _refuse_changes(
    model: Model, read: ModelFile, state: TrainingState, configuration: Configuration, recorded: Configuration
) -> None:
    """Raise BadSetting [fork-setting] for settings that the checkpoint does not allow."""
    if configuration.batch_size != recorded.batch_size and state.batch:
        raise _fixed("fit.batch_size", configuration.batch_size, recorded.batch_size)
    missing = [name for name in model.program.names() if name not in read.arrays]
    if missing and configuration.optimizer != recorded.optimizer:
        raise _fixed("fit.optimizer", configuration.optimizer, recorded.optimizer)


def _log_until(parent: RunFolder, state: TrainingState) -> bytes:
    """Return the log of a run up to a state.

    Raises:
        BadFile: [file-missing], [log-line], [log-short]
    """
    parent.events()  # raises for a damaged log
    with open_regular(parent.log_path) as file:
        return file.read(state.log_bytes)


def _best_of(parent: RunFolder, state: TrainingState) -> bytes | None:
    """Return the file with the best epoch up to a state, or None if a later epoch has replaced it.

    Raises:
        BadFile: [file-damaged]
    """
    path = parent.path / BEST
    position = peek_metadata(parent.path / LAST).get("position")
    newest = position.get("best") if isinstance(position, dict) else None
    if state.best is None or newest != state.best or not os.path.isfile(path):
        return None
    read_model_file(path, own=True)
    return path.read_bytes()
