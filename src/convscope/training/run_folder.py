"""How far a run has come: all that a resumed run must know beside its arrays."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..data.config import DataConfig
from ..data.dataset import Dataset
from ..errors import BadFile, BadSetting, nearest
from ..files.atomic import remove_unfinished
from ..files.json_kinds import COUNT, FLOAT, TEXT, first_misfit
from .configuration import Configuration
from .history import Event, Log, read_log
from .lock import RunLock
from .model_io import (
    ModelFile,
    arrays_of,
    damaged_metadata,
    describe,
    differences,
    make_folder,
    peek_metadata,
    read_model_file,
    write_model_file,
)
from .observers import Observer
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
    """The place between two steps. Sums are over the images of the epoch so far.

    `best` is the lowest loss of an epoch so far, `stale` the epochs since, `log_bytes` how much of the log is
    valid, `finished` why the run ended. `level` is the loss that divergence is measured by, `high_since` the first
    of the steps in a row whose loss is far above it.
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
        """Return how many steps in a row, up to the last one, had a loss far above the start."""
        return 0 if self.high_since is None else self.step - self.high_since

    def begin_epoch(self) -> None:
        """Go on to the first batch of the next epoch."""
        self.epoch += 1
        self.batch = 0
        self.loss_sum, self.correct, self.count = 0.0, 0, 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, from which floats come back bit for bit."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Any) -> TrainingState:
        """Return the position of a JSON document.

        Errors:   ValueError that says what the document lacks
        """
        misfit = first_misfit(document, _KINDS)
        if misfit is None:
            misfit = next((f"an unknown key {key!r}" for key in document if key not in _KINDS), None)
        if misfit is not None:
            raise ValueError(f"a position with {misfit}")
        return cls(**document)


LAST, PREVIOUS, BEST = "last.safetensors", "previous.safetensors", "best.safetensors"


class RunFolder:
    """The files of one run. While entered, `claim` keeps other trainings out.

    Errors:   BadFile [run-exists], [run-locked], [no-run], [damaged-run], [other-network], [other-data],
              [no-checkpoint]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = RunLock(path)
        self._keep_last = True

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def claim(self) -> None:
        """Keep other trainings out of a run; a folder without a run in it is left alone."""
        if os.path.isfile(self.path / NAME):
            self._claim()

    def refuse_claimed(self) -> None:
        """Raise where the run is being trained."""
        self._lock.refuse_held()

    @property
    def log_path(self) -> Path:
        """Return where the log is."""
        return self.path / "log.jsonl"

    def create(
        self,
        model: Model,
        source: Dataset,
        configuration: Configuration,
        notes: Mapping[str, Any],
        observer: Observer,
    ) -> None:
        """Begin a run. run.json is written last: where it is, there is a checkpoint to go on from."""
        make_folder(self.path)
        self._claim()
        if os.path.exists(self.path / NAME):
            raise BadFile(
                f"{str(self.path)!r} must be a new folder; got one with a run in it; "
                f"go on with it by resume={str(self.path)!r}, or choose another folder. [run-exists]"
            )
        self.save(model, TrainingState(), observer)
        document = {
            "schema": SCHEMA,
            **_described(model, source),
            "configuration": configuration.to_dict(),
            "notes": dict(notes),
        }
        write_run_document(self.path, document)

    def read(self) -> dict[str, Any]:
        """Return run.json."""
        return read_run_document(self.path)

    def log(self, position: TrainingState) -> Log:
        """Return the log, to be written from a position on."""
        return Log(self.log_path, position.log_bytes, self._is_checked())

    def events(self) -> list[Event]:
        """Return the log's events.

        Errors:   BadFile [file-missing], [log-line], [log-short], [damaged-run]
        """
        if not os.path.isfile(self.path / NAME):  # a log by itself
            return list(read_log(self.log_path))
        events = list(read_log(self.log_path, self._is_checked()))
        self._refuse_short_log()
        return events

    def refuse_another(self, model: Model, source: Dataset) -> None:
        """Compare what a run was begun with, with what it should go on with."""
        document = self.read()
        now = _described(model, source)
        if document["network"] != now["network"] and not _same_network(document["network"], model):
            lines = difflib.unified_diff(
                document["network"].splitlines(), now["network"].splitlines(), "the run", "here", lineterm="", n=0
            )
            listed = "".join(f"\n  {line}" for line in lines if not line.startswith("@@"))
            raise BadFile(
                f"{str(self.path)!r} must be a run of {model.network.name}; got one of another network; "
                f"make the model from the run's network. [other-network]{listed}"
            )
        for key in ("seed", "dtype", "classes", "images"):
            if document[key] != now[key]:
                raise BadFile(
                    f"{str(self.path)!r} must go on with the {key} it was begun with ({document[key]!r}); "
                    f"got {key}={now[key]!r}; use the same model settings and data. [other-data]"
                )

    def update_configuration(self, configuration: Configuration) -> None:
        """Write down settings that may change when a run goes on."""
        write_run_document(self.path, {**self.read(), "configuration": configuration.to_dict()})

    def save(self, model: Model, position: TrainingState, observer: Observer, scheduled: bool = True) -> None:
        """Write the last checkpoint; the one before is kept if it was scheduled."""
        arrays = {name: model.program.read(name) for name in model.program.names()} | observer.state()
        described = {**describe(model), "position": position.to_dict(), "scheduled": scheduled}
        keep_as = self.path / PREVIOUS if self._keep_last else None
        write_model_file(self.path / LAST, arrays, described, keep_as)
        self._keep_last = scheduled

    def save_best(self, model: Model) -> None:
        """Write the best parameters so far."""
        write_model_file(self.path / BEST, arrays_of(model), describe(model))

    def restore(self, model: Model, observer: Observer, say: Callable[[str], None]) -> TrainingState:
        """Put the last whole checkpoint into model and observer; a damaged one is named by `say`."""
        for name in (LAST, PREVIOUS):
            try:
                read = read_model_file(self.path / name, own=True)
                position = _position(read, self.path / name, observer)
            except BadFile as error:
                say(f"{error} The checkpoint before is used, if there is one.")
                continue
            _put_state(model, read, self.path / name)
            model.steps = position.step
            # One that is damaged must not take the place of the one before.
            self._keep_last = name == LAST and read.metadata.get("scheduled", True) is True
            return position
        raise BadFile(
            f"{str(self.path)!r} must have a whole checkpoint; got none; begin the run anew in another folder. "
            "[no-checkpoint]"
        )

    def way_on(self) -> str:
        """Say how to go on: by a command where the run's data has a name, else from Python."""
        document = self.read()
        if document["notes"].get("data") is None and document["configuration"].get("data") is None:
            return f", go on with resume={str(self.path)!r}"
        return f"\ngo on with: convscope train --resume {shlex.quote(str(self.path))}"

    def _claim(self) -> None:
        self._lock.acquire()
        remove_unfinished(self.path)

    def _is_checked(self) -> bool:
        return bool(self.read()["schema"] != UNCHECKED_SCHEMA)

    def _refuse_short_log(self) -> None:
        """Compare the log with the newest whole checkpoint, which says how long it was then."""
        size = self.log_path.read_bytes().rfind(b"\n") + 1  # whole lines: a last one that was cut off is not read
        for name in (LAST, PREVIOUS):
            path = self.path / name
            if size >= _log_bytes(peek_metadata(path)):
                return
            try:
                written = _log_bytes(read_model_file(path, own=True).metadata)
            except BadFile:
                continue
            raise BadFile(
                f"{str(self.log_path)!r} must have the {written:,} bytes that were written before the last "
                f"checkpoint; got {size:,} in whole lines; use the log as it was written. [log-short]"
            )


def _log_bytes(metadata: Mapping[str, Any]) -> int:
    try:
        return TrainingState.from_dict(metadata.get("position")).log_bytes
    except ValueError:
        return 0


def _position(read: ModelFile, path: Path, observer: Observer) -> TrainingState:
    """Return a checkpoint's position, and put what was observed so far into `observer`."""
    try:
        position = TrainingState.from_dict(read.metadata.get("position"))
        observer.restore(read.arrays)
    except ValueError as error:
        raise damaged_metadata(path, str(error)) from None
    return position


def _described(model: Model, source: Dataset) -> dict[str, Any]:
    words = describe(model)
    return {
        "network": words["network"],
        "seed": words["seed"],
        "dtype": words["dtype"],
        "classes": list(source.classes),
        "images": len(source),
    }


def _same_network(text: str, model: Model) -> bool:
    from ..notation import parse_yaml

    return parse_yaml(text) == model.network


def _put_state(model: Model, read: ModelFile, path: Path) -> None:
    names = model.program.names()
    shapes = {name: model.program.read(name).shape for name in names}
    known = {name: array for name, array in read.arrays.items() if name in shapes}
    lines = differences(shapes, known)
    if lines:
        listed = "".join(f"\n  {line}" for line in lines)
        raise BadFile(
            f"{str(path)!r} must be a checkpoint of this run; got another file; restore it. "
            f"[other-network]{listed}"
        )
    for name in names:
        model.program.write(name, known[name])


CHECKPOINTS = ("best", "last", "previous")


class SavedRun:
    """What lies in a run's folder; a model saved by itself has no log and no data.

    Errors:   BadFile [no-model] for a path where nothing was saved
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not os.path.exists(self.path):
            raise BadFile(
                f"{str(path)!r} must be a run's folder; got no such folder; {_way_to(self.path)} [no-model]"
            )

    @property
    def is_run(self) -> bool:
        """Tell whether this is a run, with a log, and not a model saved by itself."""
        return os.path.isfile(self.path / "run.json")

    @cached_property
    def document(self) -> dict[str, Any]:
        """Return run.json.

        Errors:   BadFile [no-run], [damaged-run]
        """
        return RunFolder(self.path).read()

    @property
    def data(self) -> DataConfig | None:
        """Return the data that the run was begun with; None where it had no name."""
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
                f"{str(self.path / 'run.json')!r} must name its data; got {error}; restore it, or name the data "
                "by --data. [damaged-run]"
            ) from None

    def events(self) -> list[Event]:
        """Return the log's events.

        Errors:   as `RunFolder.events`
        """
        return RunFolder(self.path).events()

    def model(self, checkpoint: str | None = None, engine: str | None = None) -> Model:
        """Return the model: the best one, or that of another checkpoint.

        Errors:   BadSetting [checkpoint]; BadFile as Model.load
        """
        from ..model import Model

        if checkpoint is None:
            return Model.load(self.path, engine)
        if checkpoint not in CHECKPOINTS:
            raise BadSetting(
                f"checkpoint must be one of {', '.join(CHECKPOINTS)}; got {checkpoint!r}; "
                f"{nearest(checkpoint, CHECKPOINTS)} [checkpoint]"
            )
        return Model.load(self.path / f"{checkpoint}.safetensors", engine)


def _way_to(path: Path) -> str:
    """Name the runs that lie beside a path."""
    folder = path.parent
    runs = (
        [str(folder / entry.parent.name) for entry in folder.glob("*/run.json")] if os.path.isdir(folder) else []
    )
    return nearest(str(path), runs) if runs else "make one by `convscope train`."
