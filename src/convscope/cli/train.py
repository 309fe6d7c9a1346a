"""`convscope train`: train a network in a run that can be interrupted and resumed."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadFile, MissingExtra, NotFinite
from ..text.language import Message, current_language, localize
from ..text.lists import listed
from .arguments import hyphens_to_underscores
from .data import DATA_OPTIONS, data_choice, data_options, engine_option, precision_option, print_skipped
from .group import COMMANDS
from .options import exclusive, input_option, json_option, language_option, with_default
from .output import FAILED, INTERRUPTED, SIGNALED, file_name, print_error, print_note, print_result
from .train_config import Options, fit_settings, read_configuration
from .weighted_model import read_normalization

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.config import DataConfig
    from ..model import Model
    from ..network import Network
    from ..text.terminal import Paint
    from ..training.history import History
    from ..training.run_folder import SavedRun

FIGURE = "curves.png"


@click.command("train", short_help=COMMANDS["train"])
@click.argument("model", required=False)
@data_options
@input_option
@click.option(
    "--validation",
    type=float,
    metavar="FRACTION",
    help=with_default("Fraction of training images held out for validation; 0 disables it.", "0.1"),
)
@click.option("--epochs", metavar="EPOCHS", type=int, help=with_default("Number of epochs.", "5"))
@click.option("--batch-size", metavar="IMAGES", type=int, help=with_default("Images per step.", "64"))
@click.option("--optimizer", metavar="[sgd|adam|adamw]", help=with_default("Optimizer.", "sgd"))
@click.option(
    "--lr",
    "--learning-rate",
    "lr",
    metavar="RATE",
    type=float,
    help=with_default("Learning rate.", "0.05 for sgd, 0.001 for adam and adamw"),
)
@click.option("--momentum", metavar="FACTOR", type=float, help=with_default("SGD momentum.", "0.9"))
@click.option(
    "--weight-decay",
    metavar="FACTOR",
    type=float,
    help=with_default("Weight decay (L2 penalty; decoupled for adamw).", "0, or 0.01 for adamw"),
)
@click.option(
    "--schedule",
    metavar="[constant|step|cosine|one-cycle]",
    help=with_default("Learning-rate schedule.", "constant"),
)
@click.option("--warmup", type=int, metavar="STEPS", help="Warm up the learning rate over this many steps.")
@click.option("--clip-norm", metavar="NORM", type=float, help="Clip gradients to this global L2 norm.")
@click.option(
    "--loss",
    metavar="[cross-entropy|mse|bce]",
    callback=hyphens_to_underscores,
    help=with_default("Loss function.", "cross-entropy"),
)
@click.option("--label-smoothing", metavar="FACTOR", type=float, help="Label-smoothing factor.")
@click.option(
    "--augment", metavar="LIST", help='Data augmentation, such as "shift=2,rotate=10"; also flip and crop.'
)
@click.option(
    "--weights", metavar="FILE", help="Initial weights: a .safetensors, .pt, .onnx or .keras file, or a run."
)
@click.option(
    "--normalize",
    metavar="MEAN/STD",
    callback=read_normalization,
    help="Normalization of the images: imagenet, or values per channel, such as 0.1307/0.3081.",
)
@click.option("--seed", metavar="INTEGER", type=int, help=with_default("Random seed.", "0"))
@engine_option
@precision_option
@click.option(
    "--patience",
    "--early-stop",
    "patience",
    type=int,
    metavar="EPOCHS",
    help="Stop early after this many epochs without a lower loss.",
)
@click.option(
    "--checkpoint-every",
    type=int,
    metavar="STEPS",
    help="Also save a checkpoint every so many steps, not only per epoch.",
)
@click.option(
    "--history",
    metavar="SIZE",
    help="Keep a ring of checkpoints in this size, such as 256MB: all of the first steps, then fewer and fewer.",
)
@click.option(
    "--log-every", type=int, metavar="STEPS", help=with_default("Log the loss of one step every so many.", "50")
)
@click.option("--run", metavar="FOLDER", help=with_default("New folder for the run.", "runs/MODEL-DATA"))
@click.option("--resume", metavar="RUN", help="Resume this run; needs no MODEL.")
@click.option("--fork", metavar="RUN", help="Continue this run from a stored step in a new one; needs --at.")
@click.option("--at", type=click.IntRange(0), metavar="STEP", help="Step to start from, with --fork.")
@click.option(
    "--control",
    is_flag=True,
    default=None,
    help="Obey the lines pause, step, go and stop on the standard input.",
)
@click.option("--tensorboard", is_flag=True, default=None, help="Also write TensorBoard event files.")
@click.option(
    "--config",
    metavar="FILE.yaml",
    is_eager=True,
    expose_value=False,
    callback=read_configuration,
    help="Read options from a YAML file; command-line options override it.",
)
@language_option
@json_option
def command(as_json: bool, **options: Any) -> None:
    """Train MODEL on images and write a run folder: settings, log, curves, best and last checkpoint.

    Ctrl-C saves a checkpoint and prints the command that resumes the run; a resumed run produces bit-identical
    results. The exit code is 1 if training diverges: NaN, infinity, or a loss that stays far above its first
    values. CONVSCOPE_THREADS sets the number of threads of the native engine, CONVSCOPE_CACHE the folder of its
    compiled code ("off" disables the cache).

    \b
    Examples:
      convscope train lenet --data digits --resize 28 --epochs 1 --history 64MB
      convscope train "input 1x8x8 | conv 8 3 | relu | flatten | dense 10" \\
        --data digits --lr 0.1 --epochs 2
    """
    from ..files.readable_json import to_json
    from ..text.terminal import paint_for, terminal_width

    exclusive({"--run": options["run"], "--resume": options["resume"]})
    exclusive({"--fork": options["fork"], "--resume": options["resume"]})
    for given in ("weights", "normalize"):
        exclusive({f"--{given}": options[given], "--resume": options["resume"], "--fork": options["fork"]})
    if options["at"] is not None and options["fork"] is None:
        raise click.UsageError(
            Message("--at needs --fork. Add --fork with a run. [fork-run]"), click.get_current_context()
        )
    settings = fit_settings(options)
    if options["resume"] is not None:
        task = _resumed_task(options)
    elif options["fork"] is not None:
        task, settings = _forked_task(options, settings)
    else:
        task = _new_task(options, settings)
    history = _fit(task, settings, bool(options["tensorboard"]), bool(options["control"]))
    _draw_curves(task.folder)
    if as_json:
        print_result(to_json(_document(task, history)))
    else:
        print_result(_summary(task, history, terminal_width(), paint_for()))
    click.get_current_context().exit(FAILED if history.stopped == "diverged" else 0)


@dataclass(frozen=True)
class Task:
    """Model, data and run folder of one training."""

    model: Model
    choice: DataConfig
    source: Dataset
    validation: Dataset | None
    folder: Path
    is_resumed: bool = False
    epochs: int = 0
    epochs_left: int = 0
    """The epochs of a resumed run, and how many of them are left."""

    fork: Path | None = None
    at: int | None = None
    """The run and step that this one continues."""

    weights: str | None = None
    """What --weights named."""


def _new_task(options: Options, settings: Mapping[str, Any]) -> Task:
    from ..loading import load
    from ..model import Model
    from ..training.configuration import Configuration
    from .data import refuse_misfit

    context = click.get_current_context()
    if options["model"] is None or options["data"] is None:
        raise click.UsageError(
            Message(
                "{missing} is missing. Give both MODEL and --data, such as `convscope train lenet --data mnist`, "
                "or --resume with a run. [train-what]",
                missing="MODEL" if options["model"] is None else "--data",
            ),
            context,
        )
    folder = _new_folder(options)
    Configuration(**settings)  # raises before anything is read or written
    network = load(options["model"], options["input_shape"])
    choice = data_choice(**{name: options[name] for name in DATA_OPTIONS}, hold_out=options["validation"])
    source = choice.part("train")
    refuse_misfit(network, source, choice.label, options["model"])
    precision: Any = options["precision"] or "fast"
    seed, engine = options["seed"] or 0, options["engine"]
    initial = _initial_model(network, options)
    parameters = None if initial is None else {**initial.parameters, **initial.buffers}
    model = Model(network, seed, engine, precision=precision, parameters=parameters)
    if options["normalize"] is not None:
        model.normalization = None if options["normalize"] == "none" else options["normalize"]
    elif initial is not None:
        model.normalization = initial.normalization
    folder = folder or _free_folder(f"{network.name}-{choice.label}")
    return _task(model, choice, source, folder, weights=options["weights"])


def _initial_model(network: Network, options: Options) -> Model | None:
    """Return the network with the initial weights of --weights."""
    if options["weights"] is None:
        return None
    from ..exchange import load_model

    name = options["model"]
    source = name if name.startswith(("torch:", "keras:")) else network
    return load_model(source, options["weights"], input_shape=options["input_shape"], engine="reference")


def _task(model: Model, choice: DataConfig, source: Dataset, folder: Path, **more: Any) -> Task:
    """Return a task whose images are normalized as the model wants them."""
    from ..data.normalization import normalize_dataset

    validation = None if choice.hold_out == 0 else choice.part("validation")
    if validation is not None:
        validation = normalize_dataset(validation, model.normalization)
    return Task(model, choice, normalize_dataset(source, model.normalization), validation, folder, **more)


def _new_folder(options: Options) -> Path | None:
    """Return the folder that --run names, if it has no run yet."""
    from ..training.run_folder import RunFolder

    folder = None if options["run"] is None else Path(options["run"])
    if folder is not None and os.path.exists(folder / "run.json"):
        RunFolder(folder).refuse_locked()
        raise BadFile(
            "--run must be a new folder (got {got!r}, which has a run). Resume it with `convscope train --resume "
            "{folder}`, or choose another folder. [run-exists]",
            got=str(folder),
            folder=shlex.quote(str(folder)),
        )
    return folder


def _resumed_task(options: Options) -> Task:
    from ..training.run_folder import RunFolder, SavedRun

    run = SavedRun(options["resume"])
    RunFolder(run.path).refuse_locked()
    return _continued(run, options)


def _forked_task(options: Options, settings: Mapping[str, Any]) -> tuple[Task, dict[str, Any]]:
    """Return the task of a fork, and its settings: options of an optimizer change those that the run has."""
    from ..training.configuration import Configuration
    from ..training.fork import read_step
    from ..training.run_folder import SavedRun

    run = SavedRun(options["fork"])
    recorded = Configuration.from_dict(run.document["configuration"])
    folder = _new_folder(options)
    read_step(run.path, options["at"])  # raises before anything is loaded
    task = _continued(run, options)
    changed = {name: options[name] for name in ("lr", "momentum", "weight_decay") if options[name] is not None}
    if changed and options["optimizer"] is None and all(hasattr(recorded.optimizer, name) for name in changed):
        settings = {**settings, "optimizer": replace(recorded.optimizer, **changed)}
    folder = folder or _free_folder(run.path.name)
    return replace(task, folder=folder, is_resumed=False, fork=run.path, at=options["at"]), dict(settings)


def _continued(run: SavedRun, options: Options) -> Task:
    """Return the task that continues a run with its network, data and model settings."""
    from ..loading import load
    from ..model import Model
    from ..optim.initialization import undrawn_parameters
    from .data import refuse_misfit

    document = run.document
    network = load(options["model"] or run.path, options["input_shape"])
    choice = _choice_of(run.data, options)
    source = choice.part("train")
    refuse_misfit(network, source, choice.label)
    seed = document["seed"] if options["seed"] is None else options["seed"]
    engine = options["engine"] or document["notes"].get("engine")
    precision = options["precision"] or document["notes"].get("precision", "fast")
    parameters = undrawn_parameters(network)  # the checkpoint has them
    model = Model(network, seed, engine, document["dtype"], precision, parameters)
    model.normalization = run.normalization
    epochs = options["epochs"] or document["configuration"]["epochs"]
    done = max((event["epoch"] for event in run.events() if event["event"] == "epoch"), default=0)
    resumed = {"is_resumed": True, "epochs": max(epochs, done), "epochs_left": epochs - done}
    return _task(model, choice, source, run.path, **resumed)


def _choice_of(recorded: DataConfig | None, options: Options) -> DataConfig:
    """Return the run's own data, or the data that --data selects."""
    if options["data"] is None and recorded is None:
        raise click.UsageError(
            Message(
                "The run was trained on arrays, so its data cannot be loaded. Add --data with the same data. "
                "[data-missing]"
            ),
            click.get_current_context(),
        )
    if options["data"] is not None or recorded is None:
        read_as = {name: options[name] for name in DATA_OPTIONS}
        share = options["validation"]
        return data_choice(**read_as, hold_out=recorded.hold_out if recorded and share is None else share)
    return recorded if options["data_dir"] is None else replace(recorded, data_dir=options["data_dir"])


def _free_folder(name: str) -> Path:
    """Return runs/NAME, numbered from 2 where it is taken."""
    runs = Path("runs")
    plain = file_name(name) or "run"
    folder, number = runs / plain, 1
    while os.path.lexists(folder):
        number += 1
        folder = runs / f"{plain}-{number}"
    return folder


def _fit(task: Task, settings: dict[str, Any], tensorboard: bool, controlled: bool) -> History:
    from ..training.control import control_by_stream
    from ..training.interruption import signal_of

    model, folder = task.model, str(task.folder)
    _print_start(task)
    notes = {
        "model": model.network.name,
        "data": task.choice.to_dict(),
        "engine": model.engine,
        "precision": model.precision,
        **({} if task.weights is None else {"weights": task.weights}),
    }
    where: dict[str, Any] = {"resume": folder} if task.is_resumed else {"run": folder, "notes": notes}
    if task.fork is not None:
        where |= {"fork": str(task.fork), "at": task.at}
    if controlled:
        where["control"] = control_by_stream(sys.stdin.fileno())
    try:
        return model.fit(task.source, validation=task.validation, **settings, **where, tensorboard=tensorboard)
    except KeyboardInterrupt as stop:
        number = signal_of(stop)
        if number is not None:  # the resume command is already printed
            raise click.exceptions.Exit(SIGNALED + number) from None
        if os.path.exists(task.folder / "run.json"):
            print_note(Message("resume with: convscope train --resume {run}", run=shlex.quote(folder)))
        raise click.exceptions.Exit(INTERRUPTED) from None
    except NotFinite as error:
        print_note(Message("diagnose with: convscope diagnose {run}", run=shlex.quote(folder)))
        print_error(error)
        raise click.exceptions.Exit(FAILED) from None


def _print_start(task: Task) -> None:
    network, classes = task.model.network, len(task.source.classes)
    print_skipped(task.source)
    outputs = network.outputs[-1].output_shape[0]
    if classes < outputs:
        print_note(
            Message(
                "{network} has {outputs} outputs for {classes} classes: the others are unused",
                network=network.name,
                outputs=outputs,
                classes=classes,
            )
        )
    if task.fork is not None:
        print_note(
            Message(
                "writing {folder}, a fork of {run} at step {step}", folder=task.folder, run=task.fork, step=task.at
            )
        )
    elif not task.is_resumed:
        print_note(Message("writing {folder}", folder=task.folder))
    elif task.epochs_left > 0:
        print_note(Message("resuming {folder}", folder=task.folder))
    else:
        print_note(
            Message(
                "The run in {folder} is already finished. Continue it with `convscope train --resume {run} "
                "--epochs {epochs}`, or more.",
                folder=task.folder,
                run=shlex.quote(str(task.folder)),
                epochs=task.epochs + 1,
            )
        )


def _draw_curves(folder: Path) -> None:
    try:
        from .. import plots
    except MissingExtra as error:
        print_note(Message("{file} was not saved: {error}", file=FIGURE, error=error))
        return
    from ..training.run_folder import RunFolder

    plots.save(plots.training_curves(RunFolder(folder).events(), folder.name, current_language()), folder / FIGURE)


def _title(task: Task) -> str:
    from ..layers.base import show_shape

    model = task.model
    return localize(
        "{network} on {data}: {images:,} images of {shape}, {classes} classes, {params:,} parameters, "
        "engine {engine}",
        network=model.network.name,
        data=task.choice.label,
        images=len(task.source),
        shape=show_shape(task.source.image_shape),
        classes=len(task.source.classes),
        params=_parameter_count(model.network),
        engine=model.engine,
    )


def _parameter_count(network: Network) -> int:
    from ..analysis.report import inspect

    return inspect(network).totals.params


def _summary(task: Task, history: History, width: int, paint: Paint) -> str:
    """Return the result of the run; its epochs were printed as they ended."""
    from ..render.training import best_text
    from ..text.table import wrap

    best, following = best_text(history), "evaluate"
    lines = [] if best is None else [best]
    if history.stopped == "patience":
        lines.append(localize("Stopped early: the loss no longer decreased."))
    if history.stopped == "diverged":
        step = history.diverged_at
        if best is None:
            lines.append(localize("Diverged at step {step}, before the first epoch ended.", step=step))
        else:
            lines.append(
                localize("Diverged at step {step}; best.safetensors is from an earlier epoch.", step=step)
            )
        following = "diagnose"
    files = listed(sorted(path.name for path in task.folder.iterdir() if not path.name.startswith(".")))
    lines.append(localize("{folder}: {files}", folder=task.folder, files=files))
    title = [paint.strong(line) for line in wrap(_title(task), width)]
    run = shlex.quote(str(task.folder))
    command = localize("next: convscope {verb} {run}", verb=following, run=run)  # unwrapped, to be pasted
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
        "params": _parameter_count(network),
        "engine": task.model.engine,
        "run": str(task.folder),
        "best": None if best is None else best._asdict(),
        **history.to_dict(),
    }
