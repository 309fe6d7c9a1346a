"""Begin a training, or go on with one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data import Augmentation, Source, Split, load_data
from ..data.batches import Data, as_source, check_source
from ..errors import BadSetting
from ..optim.tasks import loss_for
from .checkpoint import RunFolder
from .configuration import Configuration
from .history import History
from .log import Event, Log
from .loop import Loop
from .observers import Observer
from .position import Position
from .progress import Progress

if TYPE_CHECKING:
    from ..model import Model

Augment = str | Augmentation
"""How training images are varied: "shift=2,rotate=10", or its parsed form."""

_MAY_CHANGE = ("epochs", "checkpoint_every", "patience")


@dataclass(frozen=True)
class Places:
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
    places: Places,
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
    places: Places,
    progress: bool,
    folder: RunFolder | None,
) -> History:
    configuration = _configuration(model, data, validation, settings, places)
    source = _source(data if data is not None else configuration.data, "train")
    check_source(model.network, source, "data")
    checked = _validation(validation if validation is not None else configuration.validation)
    if checked is not None:
        check_source(model.network, checked, "validation")
    if places.resume is not None:
        assert folder is not None
        folder.refuse_another(model, source)
    model.compile(configuration.optimizer, configuration.loss, configuration.schedule, configuration.clip_norm)
    model.classes = source.classes
    shown = Progress(configuration.epochs, progress)
    observer = Observer()
    if folder is None:
        position, log = Position(), Log()
    elif places.resume is not None:
        position = folder.restore(model, observer, shown.say)
        folder.update_configuration(configuration)
        log = folder.log(position)
    else:
        position = Position()
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


def _folder(places: Places) -> RunFolder | None:
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
    places: Places,
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


def _source(data: Data | str | None, split: Split) -> Source:
    if isinstance(data, str):
        return load_data(data, split)
    assert data is not None
    return as_source(data)


def _validation(validation: Data | str | None) -> Source | None:
    return None if validation is None else _source(validation, "validation")


def _events_to_tensorboard(
    folder: RunFolder, position: Position
) -> tuple[Callable[[Event], None], Callable[[], None]]:
    from .tensorboard import EventWriter

    writer = EventWriter(folder.path / "tensorboard", position.step)
    return writer.write, writer.close
