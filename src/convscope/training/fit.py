"""Start, resume and run training."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..arrays import Array
from ..data.batches import Data, as_dataset, check_dataset
from ..data.dataset import Dataset, Split
from ..data.load import load_data
from ..data.normalization import normalize_dataset
from ..data.transforms import Augmentation, parse_augmentation
from ..engines.protocol import StepResult
from ..errors import BadSetting, NotFinite
from ..optim.losses import loss_for
from ..optim.randomness import generator
from ..text.language import Message, localize
from .configuration import Configuration
from .control import Control
from .fork import begin_fork, fork_configuration
from .history import Epoch, Event, History, Log, history_of, loss_text
from .interruption import Interruption, interrupted
from .monitoring import FACTOR, Observer, chance_loss, constant_class, has_diverged
from .progress import Progress
from .run_folder import RunFolder, TrainingState, check_history

if TYPE_CHECKING:
    from ..model import Model

SECONDS_BETWEEN_CHECKPOINTS = 30.0
SECONDS_BETWEEN_LINES = 0.2
"""After so long the log is handed to the system, so that others can follow a run."""

SECONDS_OF_WAITING = 0.1
"""A paused training looks for signals this often."""


@dataclass
class TrainingLoop:
    """The training loop and its state."""

    model: Model
    source: Dataset
    validation: Dataset | None
    settings: Configuration
    progress: Progress
    log: Log
    folder: RunFolder | None = None
    state: TrainingState = field(default_factory=TrainingState)
    observer: Observer = field(default_factory=Observer)
    on_event: Callable[[Event], None] | None = None
    control: Control | None = None
    _lr: float = 0.0
    _last_loss: float = 0.0
    _saved: float = 0.0
    _saved_step: int | None = None
    _flushed: float = 0.0

    def run(self) -> History:
        """Train from the current state to the end.

        Raises:
            NotFinite: [not-finite]
            KeyboardInterrupt: After Ctrl-C, SIGTERM or SIGHUP. A checkpoint has been saved.
        """
        with Interruption() as interruption:
            self._saved, self._saved_step = time.monotonic(), self.state.step
            if self._has_more():
                self._remember()
            while self._has_more():
                self._epoch(interruption)
        return history_of(self.log.events, self.state.finished or "epochs")

    def _has_more(self) -> bool:
        return self.state.epoch < self.settings.epochs and self.state.finished is None

    @property
    def batches(self) -> int:
        """Return the steps per epoch."""
        return self.settings.batches(len(self.source))

    def _epoch(self, interruption: Interruption) -> None:
        state, batches = self.state, self.batches
        order = generator(self.model.seed, "shuffle", state.epoch).permutation(len(self.source))
        augmentation = parse_augmentation(self.settings.augment or "")
        self.progress.begin_epoch(state.batch)
        while state.batch < batches:
            self._await_turn(interruption)
            size = self.settings.batch_size
            x, labels = self.source.batch(order[state.batch * size : (state.batch + 1) * size])
            result = self._step(self._augmented(augmentation, x), labels, batches)
            self._last_loss = result.loss
            self.progress.step(state.epoch + 1, state.batch, batches, len(x), result.loss)
            if state.batch == batches:
                self._end_epoch()
            elif has_diverged(state.high_steps, batches, ended=False):
                self._stop("diverged")
                self._save()
                return
            self._remember()  # before other checkpoints, so that every resumed run has what came before
            if interruption.requested:
                self._interrupted(interruption.number)
            self._save_if_due()
        state.begin_epoch()
        self.observer.clear()

    def _await_turn(self, interruption: Interruption) -> None:
        """Wait while training is paused, with everything saved."""
        if self.control is None:
            return
        if self.control.is_paused and self._saved_step != self.state.step:
            self._save()
        while not self.control.await_turn(SECONDS_OF_WAITING):
            if self.control.is_stopped or interruption.requested:
                self._interrupted(interruption.number)

    def _augmented(self, augmentation: Augmentation, x: Array) -> Array:
        if not augmentation.steps:
            return x
        return augmentation(x, generator(self.model.seed, "augment", self.state.step))

    def _step(self, x: Array, labels: Array, batches: int) -> StepResult:
        state = self.state
        lr = self._lr = self._rate()
        observe = self.observer.wants(state.batch, batches)
        try:
            result = self.model.step(x, labels, lr, observe)
        except NotFinite as error:
            self._log({"event": "stop", "reason": "not finite", "step": state.step, "layer": error.layer})
            self.log.sync()
            raise
        if observe:
            self.observer.add(self.model.program.statistics())
        if state.step % self.settings.log_every == 0:
            self._log({"event": "step", "step": state.step, "loss": result.loss, "lr": lr})
        self._watch_loss(result.loss, labels)
        state.loss_sum += result.loss * len(x)
        state.correct += result.correct or 0
        state.count += len(x)
        state.step += 1
        state.batch += 1
        return result

    def _watch_loss(self, loss: float, labels: Array) -> None:
        """Record since when the loss has been above the divergence limit."""
        state = self.state
        if state.level is None:
            outputs = self.model.network.outputs[-1].output_shape[0]
            state.level = max(loss, chance_loss(self.settings.loss, outputs, labels))
        if loss <= FACTOR * state.level:
            state.high_since = None
        elif state.high_since is None:
            state.high_since = state.step

    def _rate(self) -> float:
        lr = self.settings.optimizer.lr
        return self.settings.schedule.rate(lr, self.state.step, self.batches * self.settings.epochs)

    def _end_epoch(self) -> None:
        state = self.state
        checked = self.model.evaluate(self.validation) if self.validation is not None else {}
        epoch = Epoch(
            state.epoch + 1,
            state.step,
            self._lr,
            state.loss_sum / state.count,
            state.correct / state.count,
            checked.get("loss"),
            checked.get("accuracy"),
        )
        layers = self.observer.summary()
        self._log({"event": "epoch", **epoch._asdict(), **self._constant(epoch), "layers": layers})
        dead, units = (sum(seen.get(name, 0) for seen in layers.values()) for name in ("dead", "units"))
        self.progress.end_epoch(epoch, dead, units)
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        sound = state.high_since is None and math.isfinite(loss)
        if sound and (state.best is None or loss < state.best):
            state.best, state.stale = loss, 0
            if self.folder is not None:
                self.folder.save_best(self.model)
        else:
            state.stale += 1
        tired = self.settings.patience is not None and state.stale >= self.settings.patience
        if has_diverged(state.high_steps, self.batches, tired or epoch.epoch >= self.settings.epochs):
            self._stop("diverged")
        elif tired:
            self._stop("patience")

    def _constant(self, epoch: Epoch) -> dict[str, str]:
        """Return the class that is predicted for every image, if any. Skipped if the loss is well below chance."""
        outputs = self.model.network.outputs[-1].output_shape[0]
        if 2 * epoch.loss < chance_loss(self.settings.loss, outputs, np.zeros(1)):
            return {}
        found = constant_class(self.model, self.source if self.validation is None else self.validation)
        if found is None:
            return {}
        classes = self.source.classes
        return {"constant": classes[found] if found < len(classes) else f"output {found}"}

    def _stop(self, reason: str) -> None:
        """End the run before its last epoch, and log the reason."""
        state = self.state
        state.finished = reason
        event: Event = {"event": "stop", "reason": reason, "step": state.step}
        if reason == "diverged" and state.level is not None:
            event |= {"since": state.high_since, "loss": self._last_loss, "level": state.level}
            self.progress.say(
                localize(
                    "Training diverged: the loss has been above {limit} ({factor:g} times its initial level) "
                    "since step {since}, and is {loss} after step {step}. Lower the learning rate, or clip the "
                    "gradient norm to 1. [diverged]",
                    limit=loss_text(FACTOR * state.level),
                    factor=FACTOR,
                    since=state.high_since,
                    loss=loss_text(self._last_loss),
                    step=state.step - 1,
                )
            )
        self._log(event)

    def _log(self, event: Event) -> None:
        self.log.write(event)
        if time.monotonic() - self._flushed > SECONDS_BETWEEN_LINES:
            self.log.flush()
            self._flushed = time.monotonic()
        if self.on_event is not None:
            self.on_event(event)

    def _save_if_due(self) -> None:
        late = self.settings.checkpoint_every is None
        late = late and time.monotonic() - self._saved > SECONDS_BETWEEN_CHECKPOINTS
        if late or self._is_scheduled():
            self._save()

    def _is_scheduled(self) -> bool:
        """Return whether an uninterrupted run saves a checkpoint at this step, too."""
        state, every = self.state, self.settings.checkpoint_every
        return state.batch == self.batches or state.step == 0 or (every is not None and state.step % every == 0)

    def _remember(self) -> None:
        if self.folder is not None:
            self.folder.remember(self.model, self.state, self.observer, self.log, self._is_scheduled())

    def _save(self) -> None:
        if self.folder is not None:
            self.state.log_bytes = self.log.sync()
            self.folder.save(self.model, self.state, self.observer, self._is_scheduled())
        self._saved, self._saved_step = time.monotonic(), self.state.step

    def _interrupted(self, number: int) -> NoReturn:
        if self._saved_step != self.state.step:
            self._save()
        if self.folder is None:
            hint = Message("the model keeps its parameters; set a run folder to be able to resume")
        else:
            hint = self.folder.resume_hint()
        self.progress.say(localize("stopped after step {step}: {hint}", step=self.state.step, hint=hint))
        raise interrupted(number)


Augment = str | Augmentation
"""Augmentation as text, "shift=2,rotate=10", or parsed."""

_MAY_CHANGE = ("epochs", "checkpoint_every", "patience", "history", "log_every")


@dataclass(frozen=True)
class RunOptions:
    """Files of a run: a new folder, or the one to resume. `notes` are stored in run.json.

    `fork` names a run, of which the new one continues the step `at`. `control` pauses and stops the training.
    """

    run: str | os.PathLike[str] | None = None
    resume: str | os.PathLike[str] | None = None
    tensorboard: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)
    fork: str | os.PathLike[str] | None = None
    at: int | None = None
    control: Control | None = None


def fit(
    model: Model,
    data: Data | str | None,
    validation: Data | str | None,
    settings: Mapping[str, Any],
    options: RunOptions,
    progress: bool = True,
) -> History:
    """Train a model. If training is interrupted, the model keeps the parameters learned so far.

    Args:
        model: The model.
        data: A dataset, (x, labels), or a name that `load_data` knows.
        validation: Validation data of the same kinds. By default the validation part of named data.
        settings: Settings of `Configuration`. None and missing ones are those that the model was compiled with.
        options: The run folder. A resumed run continues from its last checkpoint with its original settings and
            gives bit-identical results; only `epochs`, `checkpoint_every`, `patience`, `history` and `log_every`
            may change. A fork continues another run in a new folder, with settings that may differ.
        progress: Whether to show progress on stderr.

    Raises:
        BadSetting: [data-missing], [run-and-resume], [resume-setting], [tensorboard-folder], [fork-run],
            [fork-step], [fork-setting], [history-size], [all-frozen], and the errors of Configuration.
        BadData: If the data does not fit the network.
        BadFile: If a folder cannot be used.
        NotFinite: [not-finite]
    """
    model.refuse_all_frozen()
    settings = {name: value for name, value in settings.items() if value is not None}
    folder = _folder(options)
    with folder or nullcontext():
        if folder is not None and options.resume is not None:
            folder.lock()
        return _train(model, data, validation, settings, options, progress, folder)


def _train(
    model: Model,
    data: Data | str | None,
    validation: Data | str | None,
    settings: Mapping[str, Any],
    options: RunOptions,
    progress: bool,
    folder: RunFolder | None,
) -> History:
    configuration = _configuration(model, data, validation, settings, options)
    source = _source(model, data if data is not None else configuration.data, "train")
    check_dataset(model.network, source, "data")
    checked = _validation(model, validation if validation is not None else configuration.validation)
    if checked is not None:
        check_dataset(model.network, checked, "validation")
    parent = None if options.fork is None else RunFolder(Path(options.fork))
    if parent is not None:
        parent.refuse_another(model, source)
    elif options.resume is not None:
        assert folder is not None
        folder.refuse_another(model, source)
    model.compile(configuration.optimizer, configuration.loss, configuration.schedule, configuration.clip_norm)
    model.classes = source.classes
    check_history(configuration.history_bytes, model)
    shown = Progress(configuration.epochs, progress)
    observer = Observer()
    if folder is None:
        state, log = TrainingState(), Log()
    elif options.resume is not None:
        state = folder.restore(model, observer, shown.say)
        folder.update_configuration(configuration)
        log = folder.log(state)
    elif parent is not None:
        state = begin_fork(folder, parent, options.at, model, source, configuration, options.notes, observer)
        log = folder.log(state)
    else:
        state = TrainingState()
        folder.create(model, source, configuration, options.notes, observer)
        log = folder.log(state)
    on_event, close = None, None
    if options.tensorboard and folder is not None:
        on_event, close = _events_to_tensorboard(folder, state)
    try:
        if folder is not None:
            folder.open_ring(configuration.history_bytes, model, state)
        loop = TrainingLoop(model, source, checked, configuration, shown, log, folder, state, observer, on_event)
        loop.control = options.control
        return loop.run()
    finally:
        log.close()
        if close is not None:
            close()


def _folder(options: RunOptions) -> RunFolder | None:
    """Return the run folder, or None without one.

    Raises:
        BadSetting: [run-and-resume], [tensorboard-folder]
    """
    if options.run is not None and options.resume is not None:
        raise BadSetting(
            "run and resume are mutually exclusive (got run={run!r} and resume={resume!r}). Pass only one of "
            "them. [run-and-resume]",
            run=str(options.run),
            resume=str(options.resume),
        )
    if options.fork is not None and (options.run is None or options.resume is not None):
        raise BadSetting(
            "fork needs a new run folder (got run={run!r} and resume={resume!r}). Pass run, and not resume. "
            "[fork-run]",
            run=None if options.run is None else str(options.run),
            resume=None if options.resume is None else str(options.resume),
        )
    if options.at is not None and options.fork is None:
        raise BadSetting(
            "at needs a run to fork (got at={at!r} and fork=None). Pass fork. [fork-run]", at=options.at
        )
    where = options.resume if options.resume is not None else options.run
    if options.tensorboard and where is None:
        raise BadSetting("tensorboard=True needs a run folder (got run=None). Pass run. [tensorboard-folder]")
    return None if where is None else RunFolder(Path(where))


def _configuration(
    model: Model,
    data: Data | str | None,
    validation: Data | str | None,
    settings: Mapping[str, Any],
    options: RunOptions,
) -> Configuration:
    if options.fork is not None:
        forked = fork_configuration(Path(options.fork), settings)
        return _with_data(forked, data)
    if options.resume is None:
        if data is None:
            raise BadSetting(
                "fit needs training data (got data=None). Pass (x, labels), a dataset or the name of one. "
                "[data-missing]"
            )
        named = {"data": data} if isinstance(data, str) else {}
        if isinstance(data, str) and validation is None:
            named["validation"] = data
        if isinstance(validation, str):
            named["validation"] = validation
        usual = {} if model.task is None else {"loss": loss_for(model.task)}
        return Configuration(**{**usual, **model.chosen, **settings, **named})
    recorded = Configuration.from_dict(RunFolder(Path(options.resume)).read()["configuration"])
    wanted = replace(_with_data(recorded, data), **settings)
    for name in settings:
        if name not in _MAY_CHANGE and getattr(wanted, name) != getattr(recorded, name):
            raise BadSetting(
                "{setting} cannot change when a run is resumed (got {got!r}, not {recorded!r}). Leave it out, or "
                "start a new run. [resume-setting]",
                setting=f"fit.{name}",
                got=getattr(wanted, name),
                recorded=getattr(recorded, name),
            )
    return wanted


def _with_data(recorded: Configuration, data: Data | str | None) -> Configuration:
    """Return the settings of a run if its data has a name or is passed.

    Raises:
        BadSetting: [data-missing]
    """
    if data is None and recorded.data is None:
        raise BadSetting(
            "Resuming this run needs its training data, which has no name (got data=None). Pass the same data "
            "again. [data-missing]"
        )
    return recorded


def _source(model: Model, data: Data | str | None, split: Split) -> Dataset:
    if isinstance(data, str):
        return normalize_dataset(load_data(data, split), model.normalization)
    assert data is not None
    return as_dataset(data)


def _validation(model: Model, validation: Data | str | None) -> Dataset | None:
    return None if validation is None else _source(model, validation, "validation")


def _events_to_tensorboard(
    folder: RunFolder, state: TrainingState
) -> tuple[Callable[[Event], None], Callable[[], None]]:
    from .history import EventWriter

    writer = EventWriter(folder.path / "tensorboard", state.step)
    return writer.write, writer.close
