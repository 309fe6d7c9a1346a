"""Epochs and steps."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..data.batches import Data, as_dataset, check_dataset
from ..data.dataset import Dataset
from ..data.load import load_data
from ..data.splits import Split
from ..data.transforms import Augmentation, parse_augmentation
from ..engines.protocol import StepResult
from ..errors import BadSetting, NotFinite
from ..optim.randomness import generator
from ..optim.tasks import loss_for
from .configuration import Configuration
from .divergence import FACTOR, chance_loss, constant_class, has_diverged
from .history import Epoch, Event, History, Log, history_of, loss_text
from .interruption import Interruption, interrupted
from .observers import Observer
from .progress import Progress
from .run_folder import RunFolder, TrainingState

if TYPE_CHECKING:
    from ..model import Model

STEPS_BETWEEN_LINES = 50
"""How often the log has the loss of a single step."""

SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass
class Loop:
    """One run: everything it works on. `position` is always between two steps."""

    model: Model
    source: Dataset
    validation: Dataset | None
    settings: Configuration
    progress: Progress
    log: Log
    folder: RunFolder | None = None
    position: TrainingState = field(default_factory=TrainingState)
    observer: Observer = field(default_factory=Observer)
    on_event: Callable[[Event], None] | None = None
    _lr: float = 0.0
    _last_loss: float = 0.0
    _saved: float = 0.0

    def run(self) -> History:
        """Train to the end, from wherever the position is.

        Errors:   NotFinite [not-finite]; KeyboardInterrupt after Ctrl-C, SIGTERM or SIGHUP, everything being saved
        """
        with Interruption() as interruption:
            self._saved = time.monotonic()
            while self.position.epoch < self.settings.epochs and self.position.finished is None:
                self._epoch(interruption)
        return history_of(self.log.events, self.position.finished or "epochs")

    @property
    def batches(self) -> int:
        """Return the batches of an epoch. A last one of a single image is left out: it has no statistics."""
        whole, left = divmod(len(self.source), self.settings.batch_size)
        return max(1, whole + (left > 1 or (left == 1 and self.settings.batch_size == 1)))

    def _epoch(self, interruption: Interruption) -> None:
        place, batches = self.position, self.batches
        order = generator(self.model.seed, "shuffle", place.epoch).permutation(len(self.source))
        augmentation = parse_augmentation(self.settings.augment or "")
        self.progress.begin_epoch(place.batch)
        while place.batch < batches:
            size = self.settings.batch_size
            x, labels = self.source.batch(order[place.batch * size : (place.batch + 1) * size])
            result = self._step(self._augmented(augmentation, x), labels, batches)
            self._last_loss = result.loss
            self.progress.step(place.epoch + 1, place.batch, batches, len(x), result.loss)
            if place.batch == batches:
                self._end_epoch()
            elif has_diverged(place.high_steps, batches, ended=False):
                self._stop("diverged")
                self._save()
                return
            if interruption.requested:
                self._interrupted(interruption.number)
            self._save_if_due()
        place.begin_epoch()
        self.observer.clear()

    def _augmented(self, augmentation: Augmentation, x: Array) -> Array:
        if not augmentation.steps:
            return x
        return augmentation(x, generator(self.model.seed, "augment", self.position.step))

    def _step(self, x: Array, labels: Array, batches: int) -> StepResult:
        place = self.position
        lr = self._lr = self._rate()
        observe = self.observer.wants(place.batch, batches)
        try:
            result = self.model.step(x, labels, lr, observe)
        except NotFinite as error:
            self._log({"event": "stop", "reason": "not finite", "step": place.step, "layer": error.layer})
            self.log.sync()
            raise
        if observe:
            self.observer.add(self.model.program.statistics())
        if place.step % STEPS_BETWEEN_LINES == 0:
            self._log({"event": "step", "step": place.step, "loss": result.loss, "lr": lr})
        self._watch_loss(result.loss, labels)
        place.loss_sum += result.loss * len(x)
        place.correct += result.correct or 0
        place.count += len(x)
        place.step += 1
        place.batch += 1
        return result

    def _watch_loss(self, loss: float, labels: Array) -> None:
        """Remember since when the loss has been far above where it began."""
        place = self.position
        if place.level is None:
            outputs = self.model.network.outputs[-1].output_shape[0]
            place.level = max(loss, chance_loss(self.settings.loss, outputs, labels))
        if loss <= FACTOR * place.level:
            place.high_since = None
        elif place.high_since is None:
            place.high_since = place.step

    def _rate(self) -> float:
        lr = self.settings.optimizer.lr
        return self.settings.schedule.rate(lr, self.position.step, self.batches * self.settings.epochs)

    def _end_epoch(self) -> None:
        place = self.position
        checked = self.model.evaluate(self.validation) if self.validation is not None else {}
        epoch = Epoch(
            place.epoch + 1,
            place.step,
            self._lr,
            place.loss_sum / place.count,
            place.correct / place.count,
            checked.get("loss"),
            checked.get("accuracy"),
        )
        self._log(
            {"event": "epoch", **epoch._asdict(), **self._constant(epoch), "layers": self.observer.summary()}
        )
        self.progress.end_epoch(epoch)
        loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
        sound = place.high_since is None and math.isfinite(loss)
        if sound and (place.best is None or loss < place.best):
            place.best, place.stale = loss, 0
            if self.folder is not None:
                self.folder.save_best(self.model)
        else:
            place.stale += 1
        tired = self.settings.patience is not None and place.stale >= self.settings.patience
        if has_diverged(place.high_steps, self.batches, tired or epoch.epoch >= self.settings.epochs):
            self._stop("diverged")
        elif tired:
            self._stop("patience")

    def _constant(self, epoch: Epoch) -> dict[str, str]:
        """Return the class that the model gives for every image; not asked where the loss is well below chance."""
        outputs = self.model.network.outputs[-1].output_shape[0]
        if 2 * epoch.loss < chance_loss(self.settings.loss, outputs, np.zeros(1)):
            return {}
        found = constant_class(self.model, self.source if self.validation is None else self.validation)
        if found is None:
            return {}
        classes = self.source.classes
        return {"constant": classes[found] if found < len(classes) else f"output {found}"}

    def _stop(self, reason: str) -> None:
        """End the run before its last epoch, and say so in the log."""
        place = self.position
        place.finished = reason
        event: Event = {"event": "stop", "reason": reason, "step": place.step}
        if reason == "diverged" and place.level is not None:
            event |= {"since": place.high_since, "loss": self._last_loss, "level": place.level}
            high, now = loss_text(FACTOR * place.level), loss_text(self._last_loss)
            self.progress.say(
                f"the training has diverged: from step {place.high_since} on the loss stayed above {high}, "
                f"{FACTOR:g} times where it began, and is {now} after step {place.step - 1}; "
                "lower the learning rate, or set clip_norm=1. [diverged]"
            )
        self._log(event)

    def _log(self, event: Event) -> None:
        self.log.write(event)
        if self.on_event is not None:
            self.on_event(event)

    def _save_if_due(self) -> None:
        late = self.settings.checkpoint_every is None
        late = late and time.monotonic() - self._saved > SECONDS_BETWEEN_CHECKPOINTS
        if late or self._is_scheduled():
            self._save()

    def _is_scheduled(self) -> bool:
        """Tell whether a run that nobody disturbs saves at this position, too."""
        place, every = self.position, self.settings.checkpoint_every
        return place.batch == self.batches or (every is not None and place.step % every == 0)

    def _save(self) -> None:
        if self.folder is not None:
            self.position.log_bytes = self.log.sync()
            self.folder.save(self.model, self.position, self.observer, self._is_scheduled())
        self._saved = time.monotonic()

    def _interrupted(self, number: int) -> None:
        self._save()
        if self.folder is None:
            way_on = ": the model keeps what it has learned; name a run folder to be able to go on"
        else:
            way_on = f": everything is saved{self.folder.way_on()}"
        self.progress.say(f"stopped after step {self.position.step}{way_on}")
        raise interrupted(number)


Augment = str | Augmentation
"""How training images are varied: "shift=2,rotate=10", or its parsed form."""

_MAY_CHANGE = ("epochs", "checkpoint_every", "patience")


@dataclass(frozen=True)
class RunOptions:
    """Where a run is written: a new folder, or one to go on in; `notes` are kept in run.json as they are."""

    run: str | os.PathLike[str] | None = None
    resume: str | os.PathLike[str] | None = None
    tensorboard: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)


def fit(
    model: Model,
    data: Data | str | None,
    validation: Data | str | None,
    settings: Mapping[str, Any],
    places: RunOptions,
    progress: bool = True,
) -> History:
    """Train a model; it keeps what it has learned, however the training ends.

    `data` is a source, (x, labels), or a name that `load_data` knows: then its validation part is used unless
    `validation` is given. `settings` are those of Configuration; what is left out is as the model was compiled,
    or has its usual value. With `places.resume` the run in that folder goes on from its last checkpoint, with the
    settings it was begun with, and ends bit for bit as if it had never stopped; `epochs`, `checkpoint_every` and
    `patience` may be given anew.

    Errors:   BadSetting [data-missing], [run-and-resume], [resume-setting], [tensorboard-folder], [all-frozen] and
              those of Configuration; BadData for data that does not fit; BadFile for folders that cannot be used;
              NotFinite [not-finite]
    """
    model.refuse_all_frozen()
    folder = _folder(places)
    with folder or nullcontext():
        if folder is not None and places.resume is not None:
            folder.claim()
        return _train(model, data, validation, settings, places, progress, folder)


def _train(
    model: Model,
    data: Data | str | None,
    validation: Data | str | None,
    settings: Mapping[str, Any],
    places: RunOptions,
    progress: bool,
    folder: RunFolder | None,
) -> History:
    configuration = _configuration(model, data, validation, settings, places)
    source = _source(data if data is not None else configuration.data, "train")
    check_dataset(model.network, source, "data")
    checked = _validation(validation if validation is not None else configuration.validation)
    if checked is not None:
        check_dataset(model.network, checked, "validation")
    if places.resume is not None:
        assert folder is not None
        folder.refuse_another(model, source)
    model.compile(configuration.optimizer, configuration.loss, configuration.schedule, configuration.clip_norm)
    model.classes = source.classes
    shown = Progress(configuration.epochs, progress)
    observer = Observer()
    if folder is None:
        position, log = TrainingState(), Log()
    elif places.resume is not None:
        position = folder.restore(model, observer, shown.say)
        folder.update_configuration(configuration)
        log = folder.log(position)
    else:
        position = TrainingState()
        folder.create(model, source, configuration, places.notes, observer)
        log = folder.log(position)
    on_event, close = None, None
    if places.tensorboard and folder is not None:
        on_event, close = _events_to_tensorboard(folder, position)
    try:
        loop = Loop(model, source, checked, configuration, shown, log, folder, position, observer, on_event)
        return loop.run()
    finally:
        log.close()
        if close is not None:
            close()


def _folder(places: RunOptions) -> RunFolder | None:
    """Return the run's folder, where there is to be one.

    Errors:   BadSetting [run-and-resume], [tensorboard-folder]
    """
    if places.run is not None and places.resume is not None:
        raise BadSetting(
            f"fit.run must be left out when a run goes on; got run={str(places.run)!r} and "
            f"resume={str(places.resume)!r}; give one of them. [run-and-resume]"
        )
    where = places.resume if places.resume is not None else places.run
    if places.tensorboard and where is None:
        raise BadSetting(
            "fit.tensorboard must come with a run folder to write to; got run=None; set run. [tensorboard-folder]"
        )
    return None if where is None else RunFolder(Path(where))


def _configuration(
    model: Model,
    data: Data | str | None,
    validation: Data | str | None,
    settings: Mapping[str, Any],
    places: RunOptions,
) -> Configuration:
    if places.resume is None:
        if data is None:
            raise BadSetting("fit.data must be given; got None; give (x, labels) or a source. [data-missing]")
        named = {"data": data} if isinstance(data, str) else {}
        if isinstance(data, str) and validation is None:
            named["validation"] = data
        if isinstance(validation, str):
            named["validation"] = validation
        usual = {} if model.task is None else {"loss": loss_for(model.task)}
        return Configuration(**{**usual, **model.chosen, **settings, **named})
    recorded = Configuration.from_dict(RunFolder(Path(places.resume)).read()["configuration"])
    if data is None and recorded.data is None:
        raise BadSetting(
            "fit.data must be given: the run was begun with data that has no name; got None; "
            "give the same data again. [data-missing]"
        )
    wanted = replace(recorded, **settings)
    for name in settings:
        if name not in _MAY_CHANGE and getattr(wanted, name) != getattr(recorded, name):
            raise BadSetting(
                f"fit.{name} must stay as it was when a run goes on; got {name}={getattr(wanted, name)!r}, not "
                f"{getattr(recorded, name)!r}; leave it out, or begin a new run. [resume-setting]"
            )
    return wanted


def _source(data: Data | str | None, split: Split) -> Dataset:
    if isinstance(data, str):
        return load_data(data, split)
    assert data is not None
    return as_dataset(data)


def _validation(validation: Data | str | None) -> Dataset | None:
    return None if validation is None else _source(validation, "validation")


def _events_to_tensorboard(
    folder: RunFolder, position: TrainingState
) -> tuple[Callable[[Event], None], Callable[[], None]]:
    from .tensorboard import EventWriter

    writer = EventWriter(folder.path / "tensorboard", position.step)
    return writer.write, writer.close
