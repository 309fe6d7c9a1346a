"""Options for the data and the run, and the check that data fits a network."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadData, BadFile, BadSetting, ConvscopeError
from ..text.language import Message
from ..text.lists import join_or, shortened
from .arguments import pixels
from .options import with_default
from .output import print_note

if TYPE_CHECKING:
    from ..data.config import DataConfig
    from ..data.dataset import Dataset
    from ..network import Network
    from ..training.run_folder import SavedRun


F = TypeVar("F", bound=Callable[..., Any])

DATA_HELP = (
    "Dataset: digits, mnist, fashion-mnist, cifar10, a folder with one subfolder of images per class, or an "
    ".npz file."
)
MAX_VALIDATION = 0.5
"""Largest fraction of the training images that may be held out for validation."""


DATA_OPTIONS = ("data", "data_dir", "resize", "channels", "skip_corrupt")
"""The arguments that `data_options` adds, which are those of `data_choice`."""


def run_argument(command: F) -> F:
    """Add the argument RUN."""
    return click.argument("run")(command)


def saved_run(run: str) -> SavedRun:
    """Return a run; for a network without a run, say how to train it.

    Errors:   BadFile [no-model]
    """
    from ..loading import zoo_names
    from ..training.run_folder import SavedRun

    is_notation = "|" in run or (os.path.isfile(run) and Path(run).suffix in (".yaml", ".yml", ".json", ".txt"))
    if is_notation or (run in zoo_names() and not os.path.exists(run)):
        raise BadFile(
            "RUN must be the folder of a trained model (got the network {got!r}, which has no trained "
            "parameters). Train it with `convscope train {model} --data DATA`, then pass the folder that it "
            "writes. [no-model]",
            got=run,
            model=shlex.quote(run),
        )
    return SavedRun(run)


def precision_option(command: F) -> F:
    """Add --precision."""
    text = with_default("strict avoids algorithms with larger rounding errors, such as Winograd's.", "fast")
    return click.option("--precision", type=click.Choice(["fast", "strict"]), help=text)(command)


def engine_option(command: F) -> F:
    """Add --engine."""
    text = with_default("Compiled code (native), NumPy (reference) or PyTorch (torch).", "native")
    return click.option("--engine", metavar="[native|reference|torch]", help=text)(command)


def checkpoint_option(command: F) -> F:
    """Add --checkpoint."""
    text = with_default("Checkpoint to load; best has the lowest loss. Or a step of the history.", "best")
    return click.option("--checkpoint", metavar="[best|last|previous|STEP]", help=text)(command)


def data_options(command: F) -> F:
    """Add --data and the options for reading its images."""
    for option in reversed(
        (
            click.option("--data", metavar="DATA", help=DATA_HELP),
            click.option(
                "--data-dir",
                metavar="FOLDER",
                help="Directory of the dataset's files (downloaded there if missing).",
            ),
            click.option(
                "--resize",
                metavar="PIXELS",
                callback=pixels,
                help="Resize images to 28, or 28x32 (rows x columns).",
            ),
            click.option("--channels", type=int, metavar="[1|3]", help="Convert images to gray (1) or color (3)."),
            click.option("--skip-corrupt", is_flag=True, default=None, help="Skip images that cannot be read."),
        )
    ):
        command = option(command)
    return command


def data_choice(
    data: str,
    data_dir: str | None,
    resize: int | tuple[int, ...] | None,
    channels: int | None,
    skip_corrupt: bool | None,
    hold_out: float | None = None,
) -> DataConfig:
    """Return the data that the options select.

    Errors:   BadSetting [resize], [channels], [hold-out]
    """
    from ..data.config import DataConfig
    from ..data.load import DATA_NAMES, HELD_OUT_SHARE

    if channels not in (None, 1, 3):
        raise BadSetting("--channels must be 1 for gray or 3 for color (got {got}). [channels]", got=channels)
    if hold_out is not None and not 0 <= hold_out <= MAX_VALIDATION:
        raise BadSetting(
            "--validation must be a fraction from 0 to {most} (got {got:g}). 0.1 is usual, 0 disables "
            "validation. [hold-out]",
            most=MAX_VALIDATION,
            got=hold_out,
        )
    hyphened = data.replace("_", "-")
    if hyphened in DATA_NAMES and not os.path.exists(data):
        data = hyphened
    share = HELD_OUT_SHARE if hold_out is None else hold_out
    return DataConfig(data, data_dir, share, _sides(resize), channels, bool(skip_corrupt))


def fit_to_network(choice: DataConfig, network: Network) -> DataConfig:
    """Return data whose images are converted to a network's input, except as options say otherwise."""
    from dataclasses import replace

    shape = network.input_shape
    if len(shape) != 3 or shape[0] not in (1, 3):
        return choice
    height, width = shape[1:]
    return replace(choice, resize=choice.resize or (height, width), channels=choice.channels or shape[0])


def print_skipped(source: Dataset) -> None:
    """Note the images and folders of the data that are skipped."""
    skipped: Sequence[str] = getattr(source, "skipped", ())
    if skipped:
        names = shortened(skipped, 5)
        print_note(Message("skipped {count:,} unreadable image(s): {names}", count=len(skipped), names=names))
    empty: Sequence[str] = getattr(source, "left_out", ())
    if empty:
        names = shortened(empty, 5)
        print_note(Message("skipped {count:,} folder(s) without images: {names}", count=len(empty), names=names))


def _sides(resize: int | tuple[int, ...] | None) -> tuple[int, int] | None:
    if resize is None:
        return None
    sides = (resize, resize) if isinstance(resize, int) else resize
    if len(sides) != 2 or max(sides) > 10_000:
        raise BadSetting(
            "--resize must be one size or rows x columns, at most 10,000 each (got {got}). Examples: 28, 28x32. "
            "[resize]",
            got=_typed(sides),
        )
    return sides[0], sides[1]


COPY = "mine.yaml"
"""File name in the advice to change a network."""


def refuse_misfit(network: Network, source: Dataset, label: str, model: str | None = None) -> None:
    """Raise where images or classes do not fit a network, with the options that would help.

    `model` is MODEL as typed; None for the network of a run, which cannot be changed.

    Errors:   BadData [data-shape], [data-classes], [no-classes]
    """
    from ..data.batches import refuse_no_classes

    refuse_no_classes(network)
    refuse_other_shape(network, source, label, model is not None)
    outputs = max(2, network.outputs[-1].output_shape[0])
    if len(source.classes) > outputs:
        raise BadData(
            "{data} has {classes} classes, but {network} has only {outputs} outputs. {hint} [data-classes]",
            data=label,
            classes=len(source.classes),
            network=network.name,
            outputs=outputs,
            hint=_outputs_hint(network, len(source.classes), model),
        )


def refuse_other_shape(network: Network, source: Dataset, label: str, is_changeable: bool = False) -> None:
    """Raise where images do not fit a network, with the options that would help.

    Errors:   BadData [data-shape]
    """
    from ..layers.base import show_shape

    takes, has = network.input_shape, tuple(source.image_shape)
    if takes != has:
        raise BadData(
            "The images of {data} are {got}, but {network} takes {expected}. {hint} [data-shape]",
            data=label,
            got=show_shape(has),
            network=network.name,
            expected=show_shape(takes),
            hint=_shape_hint(network, has, is_changeable),
        )


def _shape_hint(network: Network, has: tuple[int, ...], is_changeable: bool) -> Message:
    """Return the options that fit the images to the network, or the network to the images."""
    from ..layers.base import show_shape

    takes = network.input_shape
    ways = []
    if is_changeable and _can_take(network, has):
        ways.append(f"--input {_typed(has)}")
    if len(takes) == len(has) == 3 and takes[0] in (1, 3) and has[0] in (1, 3, takes[0]):
        sizes = [] if takes[1:] == has[1:] else [f"--resize {_typed(_shortest(takes[1:]))}"]
        channels = [] if takes[0] == has[0] else [f"--channels {takes[0]}"]
        ways.append(" ".join(sizes + channels))
    if ways:
        return Message("Use {options}.", options=join_or(ways))
    return Message("Prepare images of {shape}, or choose another network.", shape=show_shape(takes))


def _can_take(network: Network, shape: tuple[int, ...]) -> bool:
    try:
        network.with_input(shape)
    except ConvscopeError:
        return False
    return True


def _shortest(sides: tuple[int, ...]) -> tuple[int, ...]:
    return sides[:1] if len(set(sides)) == 1 else sides


def _typed(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _outputs_hint(network: Network, classes: int, model: str | None) -> Message:
    if model is None:
        return Message("Train a network with {classes} outputs.", classes=classes)
    from ..layers.dense import Linear

    dense = [node.name for node in network.layers if isinstance(node.layer, Linear)]
    last = Message("layer {name!r}", name=dense[-1]) if dense else Message("the last layer")
    if "|" in model or Path(model).suffix in (".yaml", ".yml", ".txt"):
        return Message("Give {layer} {classes} outputs.", layer=last, classes=classes)
    return Message(
        "Run `convscope convert {model} {copy}`, give {layer} in {copy} {classes} outputs, and train {copy}.",
        model=shlex.quote(model),
        copy=COPY,
        layer=last,
        classes=classes,
    )
