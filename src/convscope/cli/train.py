"""`convscope train`: teach a network, in a run that can be stopped and gone on with."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, MissingExtra, NotFinite
from .configuration_file import read_configuration
from .data_options import data_choice, data_options, engine_option, precision_option, say_left_out
from .group import VERBS
from .options import input_option, json_option, one_of
from .output import FAILED, INTERRUPTED, SIGNALED, complain, file_name, remark, say
from .train_settings import Asked, fit_settings

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.config import DataConfig
    from ..model import Model
    from ..text.ansi import Paint
    from ..training.history import History

_CHOICE = ("data", "data_dir", "resize", "channels", "skip_corrupt")
FIGURE = "curves.png"


@click.command("train", short_help=VERBS["train"])
@click.argument("model", required=False)
@data_options
@input_option
@click.option("--validation", type=float, metavar="SHARE", help="Held out of the training images; 0.1, 0 is none.")
@click.option("--epochs", type=int, help="Times through the data; 5.")
@click.option("--batch-size", type=int, help="Images of a step; 64.")
@click.option("--optimizer", metavar="NAME", help="sgd, adam or adamw; sgd.")
@click.option("--lr", type=float, help="Learning rate; 0.05 for sgd, 0.001 for the others.")
@click.option("--momentum", type=float, help="Of sgd; 0.9.")
@click.option("--weight-decay", type=float, help="How fast parameters shrink; 0, 0.01 for adamw.")
@click.option("--schedule", metavar="NAME", help="Of the learning rate: constant, step, cosine or one-cycle.")
@click.option("--warmup", type=int, metavar="STEPS", help="Steps in which the learning rate rises at the start.")
@click.option("--clip-norm", type=float, help="Longest gradient of a step.")
@click.option("--loss", metavar="NAME", help="cross-entropy, mse or bce; cross-entropy.")
@click.option("--label-smoothing", type=float, help="Share of certainty spread over all classes.")
@click.option("--augment", metavar="STEPS", help='Vary images: "shift=2,rotate=10", also flip and crop.')
@click.option("--seed", type=int, help="Of every random draw; 0.")
@engine_option
@precision_option
@click.option("--early-stop", type=int, metavar="EPOCHS", help="End after so many epochs without a lower loss.")
@click.option("--checkpoint-every", type=int, metavar="STEPS", help="Save so often, besides at the end of epochs.")
@click.option("--run", metavar="FOLDER", help="A new folder for the run; runs/MODEL-DATA if left out.")
@click.option("--resume", metavar="RUN", help="Go on with this run; give no MODEL.")
@click.option("--tensorboard", is_flag=True, default=None, help="Write TensorBoard's events too.")
@click.option(
    "--config",
    metavar="FILE.yaml",
    is_eager=True,
    expose_value=False,
    callback=read_configuration,
    help="Options as YAML; those given here go before.",
)
@json_option
def command(as_json: bool, **asked: Any) -> None:
    """Train MODEL on images and write a run folder: settings, log, curves, best and last checkpoint.

    Ctrl-C saves, and says how to go on; a run that went on ends as one that was never stopped. The exit code is 1
    where training diverged: NaN or infinity, or a loss that stays far above where it began. CONVSCOPE_THREADS
    sets the native engine's threads, CONVSCOPE_CACHE the folder of its compiled code ("off" keeps none).

    \b
    Examples:
      convscope train lenet --data digits --resize 28 --epochs 1
      convscope train "input 1x8x8 | conv 8 3 | relu | flatten | dense 10" --data digits --lr 0.1 --epochs 2
    """
    from ..files.readable_json import to_json
    from ..text.terminal import paint_for, terminal_width

    one_of({"--run": asked["run"], "--resume": asked["resume"]})
    settings = fit_settings(asked)
    task = _going_on(asked) if asked["resume"] is not None else _new(asked, settings)
    history = _fit(task, settings, bool(asked["tensorboard"]))
    _draw_curves(task.folder)
    if as_json:
        say(to_json(_document(task, history)))
    else:
        say(_summary(task, history, terminal_width(), paint_for()))
    click.get_current_context().exit(FAILED if history.stopped == "diverged" else 0)


@dataclass(frozen=True)
class Task:
    """A model, what it learns from, and where the run is written."""

    model: Model
    choice: DataConfig
    source: Dataset
    validation: Dataset | None
    folder: Path
    goes_on: bool


def _new(asked: Asked, settings: Mapping[str, Any]) -> Task:
    from ..loading import load
    from ..model import Model
    from ..training.configuration import Configuration
    from ..training.run_folder import RunFolder
    from .data_fit import refuse_misfit

    context = click.get_current_context()
    if asked["model"] is None or asked["data"] is None:
        raise click.UsageError(
            "a MODEL and --data must be given, or --resume; got "
            f"{'no MODEL' if asked['model'] is None else 'no --data'}; "
            "write it as in `convscope train lenet --data mnist`. [train-what]",
            context,
        )
    folder = None if asked["run"] is None else Path(asked["run"])
    if folder is not None and os.path.exists(folder / "run.json"):
        RunFolder(folder).refuse_locked()
        raise BadFile(
            f"--run must be a new folder; got {str(folder)!r} with a run in it; continue it with "
            f"`convscope train --resume {shlex.quote(str(folder))}`, or choose another folder. [run-exists]"
        )
    Configuration(**settings)  # a mistake is told before anything is read or written
    network = load(asked["model"], asked["input_shape"])
    choice = data_choice(**{name: asked[name] for name in _CHOICE}, hold_out=asked["validation"])
    source = choice.part("train")
    refuse_misfit(network, source, choice.label, asked["model"])
    precision: Any = asked["precision"] or "fast"
    model = Model(network, asked["seed"] or 0, asked["engine"], precision=precision)
    folder = folder or _free_folder(f"{network.name}-{choice.label}")
    return Task(model, choice, source, _validation(choice), folder, False)


def _going_on(asked: Asked) -> Task:
    from ..loading import load
    from ..model import Model
    from ..optim.initialization import undrawn_parameters
    from ..training.run_folder import RunFolder, SavedRun
    from .data_fit import refuse_misfit

    run = SavedRun(asked["resume"])
    RunFolder(run.path).refuse_locked()
    document = run.document
    network = load(asked["model"] or run.path, asked["input_shape"])
    choice = _choice_of(run.data, asked)
    source = choice.part("train")
    refuse_misfit(network, source, choice.label)
    seed = document["seed"] if asked["seed"] is None else asked["seed"]
    engine = asked["engine"] or document["notes"].get("engine")
    precision = asked["precision"] or document["notes"].get("precision", "fast")
    parameters = undrawn_parameters(network)  # the checkpoint has them
    model = Model(network, seed, engine, document["dtype"], precision, parameters)
    return Task(model, choice, source, _validation(choice), run.path, True)


def _choice_of(recorded: DataConfig | None, asked: Asked) -> DataConfig:
    """Return the run's data, or what is given instead."""
    if asked["data"] is None and recorded is None:
        raise click.UsageError(
            "--data must be given: the run was begun with data that has no name; got none; "
            "give the same data again. [data-missing]",
            click.get_current_context(),
        )
    if asked["data"] is not None or recorded is None:
        given = {name: asked[name] for name in _CHOICE}
        share = asked["validation"]
        return data_choice(**given, hold_out=recorded.hold_out if recorded and share is None else share)
    return recorded if asked["data_dir"] is None else replace(recorded, data_dir=asked["data_dir"])


def _validation(choice: DataConfig) -> Dataset | None:
    return None if choice.hold_out == 0 else choice.part("validation")


def _free_folder(name: str) -> Path:
    """Return runs/NAME, numbered from 2 where it is taken."""
    runs = Path("runs")
    plain = file_name(name) or "run"
    folder, number = runs / plain, 1
    while os.path.lexists(folder):
        number += 1
        folder = runs / f"{plain}-{number}"
    return folder


def _fit(task: Task, settings: dict[str, Any], tensorboard: bool) -> History:
    from ..training.interruption import signal_of

    model, folder = task.model, str(task.folder)
    _say_what_begins(task)
    notes = {
        "model": model.network.name,
        "data": task.choice.to_dict(),
        "engine": model.engine,
        "precision": model.precision,
    }
    where: dict[str, Any] = {"resume": folder} if task.goes_on else {"run": folder, "notes": notes}
    try:
        return model.fit(task.source, validation=task.validation, **settings, **where, tensorboard=tensorboard)
    except KeyboardInterrupt as stop:
        number = signal_of(stop)
        if number is not None:  # it has said how to go on
            raise click.exceptions.Exit(SIGNALED + number) from None
        if os.path.exists(task.folder / "run.json"):
            remark(f"resume with: convscope train --resume {shlex.quote(folder)}")
        raise click.exceptions.Exit(INTERRUPTED) from None
    except NotFinite as error:
        remark(f"what the run shows: convscope diagnose {shlex.quote(folder)}")
        complain(str(error))
        raise click.exceptions.Exit(FAILED) from None


def _say_what_begins(task: Task) -> None:
    network, classes = task.model.network, len(task.source.classes)
    say_left_out(task.source)
    outputs = network.outputs[-1].output_shape[0]
    if classes < outputs:
        remark(f"{network.name} has {outputs} outputs for {classes} classes: the others stay unused")
    remark(f"{'going on with' if task.goes_on else 'writing'} {task.folder}")


def _draw_curves(folder: Path) -> None:
    try:
        from .. import plots
    except MissingExtra as error:
        remark(f"{FIGURE} is not drawn: {error}")
        return
    from ..training.run_folder import RunFolder

    plots.save(plots.training_curves(RunFolder(folder).events(), folder.name), folder / FIGURE)


def _title(task: Task) -> str:
    from ..layers.base import show_shape

    model = task.model
    count = sum(node.facts.params for node in model.network.layers if node.owns_parameters)
    return (
        f"{model.network.name} on {task.choice.label}: {len(task.source):,} images of "
        f"{show_shape(task.source.image_shape)}, {len(task.source.classes)} classes, {count:,} parameters, "
        f"engine {model.engine}"
    )


def _summary(task: Task, history: History, width: int, paint: Paint) -> str:
    """Return what the run gave, without its epochs: each was printed when it ended."""
    from ..render.training import best_text
    from ..text.cells import wrap

    best, verb = best_text(history), "evaluate"
    lines = [] if best is None else [best]
    if history.stopped == "patience":
        lines.append("stopped early: the loss no longer fell.")
    if history.stopped == "diverged":
        kept_model = "no epoch ended before" if best is None else "best.safetensors is from before"
        lines.append(f"diverged from step {history.diverged_at} on: {kept_model}.")
        verb = "diagnose"
    kept = ", ".join(sorted(path.name for path in task.folder.iterdir() if not path.name.startswith(".")))
    lines.append(f"{task.folder}: {kept}")
    title = [paint.strong(line) for line in wrap(_title(task), width)]
    command = f"next: convscope {verb} {shlex.quote(str(task.folder))}"  # on one line, to be pasted
    return "\n".join([*title, *(part for line in lines for part in wrap(line, width)), command])


def _document(task: Task, history: History) -> dict[str, Any]:
    from ..render.training import best_epoch

    best = best_epoch(history)
    network = task.model.network
    return {
        "schema": 1,
        "model": network.name,
        "input_shape": list(network.input_shape),
        "data": task.choice.to_dict(),
        "images": len(task.source),
        "classes": list(task.source.classes),
        "params": sum(node.facts.params for node in network.layers if node.owns_parameters),
        "engine": task.model.engine,
        "run": str(task.folder),
        "best": None if best is None else best._asdict(),
        **history.to_dict(),
    }
