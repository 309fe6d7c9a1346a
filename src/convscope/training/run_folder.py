"""Run folders: settings, log and checkpoints.

A folder has run.json, log.jsonl, last.safetensors, previous.safetensors, best.safetensors (the epoch with the
lowest loss), .lock, and history/ if a ring of checkpoints is kept. Every file is written atomically, so that a run
may be killed at any time.

Checkpoints after each epoch and every `checkpoint_every` steps are scheduled. The others, saved after a time or
when training is interrupted, are overwritten by the next one and never become previous.safetensors. An
interrupted run therefore leaves the same files as an uninterrupted one.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..data.config import DataConfig
from ..data.dataset import Dataset
from ..data.normalization import Normalization
from ..engines.protocol import LayerStatistics
from ..errors import BadFile, BadSetting, suggest
from ..files.atomic import remove_unfinished
from ..files.json_kinds import COUNT, FLOAT, TEXT, first_misfit
from ..text.language import Message, localize
from ..text.lists import join_or
from .configuration import Configuration
from .history import Event, Log, read_log
from .lock import RunLock
from .model_io import (
    ModelFile,
    arrays_of,
    damaged_metadata,
    describe,
    describe_normalization,
    differences,
    encode_model_file,
    listed,
    make_folder,
    peek_metadata,
    read_model_file,
    size_of,
    write_model_file,
)
from .monitoring import Observer
from .ring import FOLDER, MOST, Ring, checkpoints_of, missing_step
from .run_document import NAME, SCHEMA, UNCHECKED_SCHEMA, read_run_document, write_run_document

if TYPE_CHECKING:
    from ..model import Model

_KINDS = {
    "epoch": COUNT,
    "batch": COUNT,
    "step": COUNT,
    "loss_sum": FLOAT,
    "correct": COUNT,
    "count": COUNT,
    "best": FLOAT.or_null(),
    "stale": COUNT,
    "log_bytes": COUNT,
    "finished": TEXT.or_null(),
    "level": FLOAT.or_null().maybe(),
    "high_since": COUNT.or_null().maybe(),
}


@dataclass
class TrainingState:
    """Progress of a run, between two steps. Sums are over the images of the current epoch so far.

    `best` is the lowest loss of an epoch, `stale` the number of epochs since, `log_bytes` the valid length of the
    log, `finished` the reason why the run ended. `level` is the initial level of the loss that divergence is
    measured by, `high_since` the first of the latest consecutive steps with a loss above the limit.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    count: int = 0
    best: float | None = None
    stale: int = 0
    log_bytes: int = 0
    finished: str | None = None
    level: float | None = None
    high_since: int | None = None

    @property
    def high_steps(self) -> int:
        """Return the number of consecutive steps, up to the last one, with a loss above the limit."""
        return 0 if self.high_since is None else self.step - self.high_since

    def begin_epoch(self) -> None:
        """Advance to the first batch of the next epoch."""
        self.epoch += 1
        self.batch = 0
        self.loss_sum, self.correct, self.count = 0.0, 0, 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, from which floats are restored exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Any) -> TrainingState:
        """Return the state in a JSON document.

        Raises:
            ValueError: If a value is missing, unknown or of the wrong type.
        """
        misfit = first_misfit(document, _KINDS)
        if misfit is None:
            unknown = next((key for key in document if key not in _KINDS), None)
            misfit = None if unknown is None else Message("an unknown key {key!r}", key=unknown)
        if misfit is not None:
            raise ValueError(Message("a position with {misfit}", misfit=misfit))
        return cls(**document)


LAST, PREVIOUS, BEST = "last.safetensors", "previous.safetensors", "best.safetensors"


class RunFolder:
    """The files of one run. As a context manager, it releases the lock at the end.

    Raises:
        BadFile: [run-exists], [run-locked], [no-run], [damaged-run], [other-network], [other-data],
            [no-checkpoint]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RunLock(path)
        self._keep_last = True
        self._ring: Ring | None = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def lock(self) -> None:
        """Lock the folder for this process, if there is a run in it."""
        if os.path.isfile(self.path / NAME):
            self._acquire_lock()

    def refuse_locked(self) -> None:
        """Raise BadFile [run-locked] if the run is being trained."""
        self._lock.refuse_locked()

    @property
    def log_path(self) -> Path:
        return self.path / "log.jsonl"

    def create(
        self,
        model: Model,
        source: Dataset,
        configuration: Configuration,
        notes: Mapping[str, Any],
        observer: Observer,
    ) -> None:
        """Create a run. run.json is written last, so that its presence guarantees a checkpoint."""
        self.begin()
        self.save(model, TrainingState(), observer)
        self.describe(model, source, configuration, notes)

    def begin(self) -> None:
        """Create the folder and lock it.

        Raises:
            BadFile: [folder], [run-locked], [run-exists]
        """
        make_folder(self.path)
        self._acquire_lock()
        if os.path.exists(self.path / NAME):
            raise BadFile(
                "{path!r} already contains a run. Resume it with resume={path!r}, or choose another "
                "folder. [run-exists]",
                path=str(self.path),
            )

    def describe(
        self,
        model: Model,
        source: Dataset,
        configuration: Configuration,
        notes: Mapping[str, Any],
        schema: int = SCHEMA,
    ) -> None:
        """Write run.json."""
        document = {
            "schema": schema,
            **_described(model, source),
            "configuration": configuration.to_dict(),
            "notes": dict(notes),
        }
        write_run_document(self.path, document)

    def read(self) -> dict[str, Any]:
        """Return the contents of run.json."""
        return read_run_document(self.path)

    def log(self, state: TrainingState) -> Log:
        """Open the log, truncated to the length in a state."""
        return Log(self.log_path, state.log_bytes, self._is_checked())

    def events(self) -> list[Event]:
        """Return the events in the log.

        Raises:
            BadFile: [file-missing], [log-line], [log-short], [damaged-run]
        """
        if not os.path.isfile(self.path / NAME):  # a log without a run
            return list(read_log(self.log_path))
        events = list(read_log(self.log_path, self._is_checked()))
        self._refuse_short_log()
        return events

    def refuse_another(self, model: Model, source: Dataset) -> None:
        """Check that the network, seed and data match those that the run was started with."""
        document = self.read()
        now = _described(model, source)
        if document["network"] != now["network"] and not _same_network(document["network"], model):
            lines = difflib.unified_diff(
                document["network"].splitlines(), now["network"].splitlines(), "run", "model", lineterm="", n=0
            )
            raise BadFile(
                "{path!r} is a run of another network than {network}. Create the model from the run's network. "
                "[other-network]{lines}",
                path=str(self.path),
                network=model.network.name,
                lines=listed([line for line in lines if not line.startswith("@@")]),
            )
        for key in ("seed", "dtype", "classes", "images", "normalization"):
            if document.get(key) != now.get(key):
                raise BadFile(
                    "{path!r} was started with other settings or data (got {key}={got!r}, not {recorded!r}). Use "
                    "the same model settings and data. [other-data]",
                    path=str(self.path),
                    key=key,
                    got=now.get(key),
                    recorded=document.get(key),
                )

    def update_configuration(self, configuration: Configuration) -> None:
        """Store the settings that a resumed run may change."""
        write_run_document(self.path, {**self.read(), "configuration": configuration.to_dict()})

    def save(self, model: Model, state: TrainingState, observer: Observer, scheduled: bool = True) -> None:
        """Write the last checkpoint. The one it replaces becomes the previous one if it was scheduled."""
        keep_as = self.path / PREVIOUS if self._keep_last else None
        write_model_file(self.path / LAST, *_checkpoint(model, state, observer, scheduled), keep_as)
        self._keep_last = scheduled

    def open_ring(self, limit: int | None, model: Model, state: TrainingState) -> None:
        """Keep a ring of checkpoints from a state on, in at most `limit` bytes; None keeps none from there on."""
        if limit is None:
            if checkpoints_of(self.path):
                Ring(self.path, MOST, state.step)
            return
        self._ring = Ring(self.path, limit // _largest_size(model), state.step)

    def remember(self, model: Model, state: TrainingState, observer: Observer, log: Log, scheduled: bool) -> None:
        """Write a checkpoint into the ring, if there is one and the step is among those to keep."""
        if self._ring is not None:
            state.log_bytes = log.flush()
            self._ring.save(state.step, lambda: encode_model_file(*_checkpoint(model, state, observer, scheduled)))

    def save_best(self, model: Model) -> None:
        """Write the parameters as the best ones so far."""
        write_model_file(self.path / BEST, arrays_of(model), describe(model))

    def restore(self, model: Model, observer: Observer, say: Callable[[str], None]) -> TrainingState:
        """Load the newest intact checkpoint into the model and observer. Damaged ones are reported to `say`."""
        ring = [f"{FOLDER}/{path.name}" for path in checkpoints_of(self.path).values()]
        for name in (LAST, PREVIOUS, *reversed(ring)):
            try:
                read = read_model_file(self.path / name, own=True)
                state = restore_state(read, self.path / name, observer)
            except BadFile as error:
                say(localize("{error} The previous checkpoint is used, if there is one.", error=error))
                continue
            put_state(model, read, self.path / name)
            model.steps = state.step
            # A damaged checkpoint must not replace the previous one.
            self._keep_last = name == LAST and read.metadata.get("scheduled", True) is True
            return state
        raise BadFile(
            "{path!r} has no intact checkpoint. Start the run again in another folder. [no-checkpoint]",
            path=str(self.path),
        )

    def resume_hint(self) -> Message:
        """Return how to resume the run: with a command if its data has a name, else from Python."""
        document = self.read()
        if document["notes"].get("data") is None and document["configuration"].get("data") is None:
            return Message("checkpoint saved, resume with resume={path!r}", path=str(self.path))
        path = shlex.quote(str(self.path))
        return Message("checkpoint saved\nresume with: convscope train --resume {path}", path=path)

    def _acquire_lock(self) -> None:
        self._lock.acquire()
        remove_unfinished(self.path)
        remove_unfinished(self.path / FOLDER)

    def _is_checked(self) -> bool:
        return bool(self.read()["schema"] != UNCHECKED_SCHEMA)

    def _refuse_short_log(self) -> None:
        """Compare the length of the log with that in the newest intact checkpoint."""
        size = self.log_path.read_bytes().rfind(b"\n") + 1  # an incomplete last line does not count
        for name in (LAST, PREVIOUS):
            path = self.path / name
            if size >= _log_bytes(peek_metadata(path)):
                return
            try:
                written = _log_bytes(read_model_file(path, own=True).metadata)
            except BadFile:
                continue
            raise BadFile(
                "{log_path!r} is shorter than at the last checkpoint (got {size:,} bytes in complete "
                "lines, not {written:,}). Restore the original log. [log-short]",
                log_path=str(self.log_path),
                size=size,
                written=written,
            )


def _log_bytes(metadata: Mapping[str, Any]) -> int:
    try:
        return TrainingState.from_dict(metadata.get("position")).log_bytes
    except ValueError:
        return 0


def _checkpoint(
    model: Model, state: TrainingState, observer: Observer, scheduled: bool
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and metadata of a full checkpoint."""
    arrays = {name: model.program.read(name) for name in model.program.names()} | observer.state()
    return arrays, {**describe(model), "position": state.to_dict(), "scheduled": scheduled}


def check_history(limit: int | None, model: Model) -> None:
    """Check that a ring of `limit` bytes can hold a checkpoint.

    Raises:
        BadSetting: [history-size]
    """
    size = _largest_size(model)
    if limit is not None and size > limit:
        raise BadSetting(
            "{setting} must hold at least one checkpoint of this network, {size:,} bytes (got {got:,}). "
            "{enough}MB would hold 16. [history-size]",
            setting="fit.history",
            size=size,
            got=limit,
            enough=-(-16 * size // 1_000_000),
        )


def _largest_size(model: Model) -> int:
    """Return the size that no checkpoint of a run exceeds: all layers observed, all values at their longest."""
    node_channels = {node.name: node.output_shape[0] if node.output_shape else 1 for node in model.network.nodes}
    observer = Observer()
    observer.add(
        {name: LayerStatistics(np.ones(channels), 0.5, 0.5, 0.5, 0.5) for name, channels in node_channels.items()}
    )
    longest, many = -sys.float_info.min, 10**18
    state = TrainingState(many, many, many, longest, many, many, longest, many, many, "diverged", longest, many)
    return size_of(encode_model_file(*_checkpoint(model, state, observer, False)))


def restore_state(read: ModelFile, path: Path, observer: Observer) -> TrainingState:
    """Return the training state in a checkpoint, and restore the observer."""
    try:
        state = TrainingState.from_dict(read.metadata.get("position"))
        observer.restore(read.arrays)
    except ValueError as error:
        raise damaged_metadata(path, error.args[0]) from None
    return state


def _described(model: Model, source: Dataset) -> dict[str, Any]:
    words = describe(model)
    return {
        "network": words["network"],
        "seed": words["seed"],
        "dtype": words["dtype"],
        "classes": list(source.classes),
        "images": len(source),
        **describe_normalization(model),
    }


def _same_network(text: str, model: Model) -> bool:
    from ..notation import parse_yaml

    return parse_yaml(text) == model.network


def put_state(model: Model, read: ModelFile, path: Path) -> None:
    """Write the arrays of a checkpoint into a model, or raise BadFile [other-network]."""
    names = model.program.names()
    shapes = {name: model.program.read(name).shape for name in names}
    known = {name: array for name, array in read.arrays.items() if name in shapes}
    lines = differences(shapes, known)
    if lines:
        raise BadFile(
            "{path!r} is not a checkpoint of this run. Restore the original file. [other-network]{lines}",
            path=str(path),
            lines=listed(lines),
        )
    for name in names:
        model.program.write(name, known[name])


CHECKPOINTS = ("best", "last", "previous")
_STEP = re.compile(r"0|[1-9][0-9]{0,17}")


class SavedRun:
    """A run folder, or a saved model, for evaluation. A saved model has no log and no data.

    Raises:
        BadFile: [no-model]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not os.path.exists(self.path):
            raise BadFile(
                "There is no run folder {path!r}. {hint} [no-model]",
                path=str(path),
                hint=_suggest_runs(self.path),
            )

    @property
    def is_run(self) -> bool:
        """Return whether this is a run, with a log, and not just a saved model."""
        return os.path.isfile(self.path / "run.json")

    @cached_property
    def document(self) -> dict[str, Any]:
        """Return the contents of run.json.

        Raises:
            BadFile: [no-run], [damaged-run]
        """
        return RunFolder(self.path).read()

    @property
    def data(self) -> DataConfig | None:
        """Return the dataset that the run was trained on, or None if it has no name."""
        if not self.is_run:
            return None
        noted = self.document["notes"].get("data")
        if noted is None:
            named = self.document["configuration"].get("data")
            noted = None if named is None else {"name": named}
        try:
            return None if noted is None else DataConfig.from_dict(noted)
        except ValueError as error:
            raise BadFile(
                "{path!r} does not name its data ({reason}). Restore the file, or pass --data. [damaged-run]",
                path=str(self.path / "run.json"),
                reason=error.args[0],
            ) from None

    @property
    def normalization(self) -> Normalization | None:
        """Return the normalization of the run's images.

        Raises:
            BadFile: [damaged-run]
        """
        described = self.document.get("normalization")
        try:
            return None if described is None else Normalization.from_dict(described)
        except ValueError as error:
            raise BadFile(
                "{path!r} has no valid normalization ({reason}). Restore the file. [damaged-run]",
                path=str(self.path / "run.json"),
                reason=error.args[0],
            ) from None

    def events(self) -> list[Event]:
        """Return the events in the log.

        Raises:
            BadFile: As `RunFolder.events`.
        """
        return RunFolder(self.path).events()

    @property
    def steps(self) -> list[int]:
        """Return the steps of the ring of checkpoints, which `model` takes and a fork may start from."""
        return [*checkpoints_of(self.path)]

    def model(self, checkpoint: str | int | None = None, engine: str | None = None) -> Model:
        """Return the best model, or that of another checkpoint: "best", "last", "previous" or a step of the ring.

        Raises:
            BadSetting: [checkpoint]
            BadFile: As Model.load.
        """
        from ..model import Model

        if checkpoint is None:
            return Model.load(self.path, engine)
        step = str(checkpoint)
        if _STEP.fullmatch(step) and int(step) in self.steps:
            return Model.load(checkpoints_of(self.path)[int(step)], engine)
        if checkpoint not in CHECKPOINTS:
            if _STEP.fullmatch(step):
                raise missing_step(self.path, int(step), self.steps)
            raise BadSetting(
                "{setting} must be {known} (got {got!r}). [checkpoint]",
                setting="SavedRun.checkpoint",
                known=join_or(CHECKPOINTS),
                got=checkpoint,
            )
        return Model.load(self.path / f"{checkpoint}.safetensors", engine)


def _suggest_runs(path: Path) -> Message:
    """Suggest runs in the parent folder of a path."""
    folder = path.parent
    runs = (
        [str(folder / entry.parent.name) for entry in folder.glob("*/run.json")] if os.path.isdir(folder) else []
    )
    return suggest(str(path), runs) if runs else Message("Create one with `convscope train`.")
