"""Options for the data and the run, and the check that data fits a network."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadData, BadSetting, ConvscopeError
from ..text.lists import counted, shortened
from .arguments import pixels
from .options import with_default
from .output import print_note

if TYPE_CHECKING:
    from ..data.config import DataConfig
    from ..data.dataset import Dataset
    from ..network import Network


F = TypeVar("F", bound=Callable[..., Any])

DATA_HELP = (
    "Dataset: digits, mnist, fashion-mnist, cifar10, a folder with one subfolder of images per class, or an "
    ".npz file."
)
MAX_VALIDATION = 0.5
"""Largest fraction of the training images that may be held out for validation."""


def run_argument(command: F) -> F:
    """Add the argument RUN."""
    return click.argument("run")(command)


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
    text = with_default("Checkpoint to load; best has the lowest loss.", "best")
    return click.option("--checkpoint", metavar="[best|last|previous]", help=text)(command)


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
        raise BadSetting(
            "--channels must be 1 for gray or 3 for color (got {channels}). [channels]", channels=channels
        )
    if hold_out is not None and not 0 <= hold_out <= MAX_VALIDATION:
        raise BadSetting(
            "--validation must be a fraction from 0 to {max_validation} (got {hold_out:g}). 0.1 is "
            "usual, 0 disables validation. [hold-out]",
            max_validation=MAX_VALIDATION,
            hold_out=hold_out,
        )
    hyphened = data.replace("_", "-")
    if hyphened in DATA_NAMES and not os.path.exists(data):
        data = hyphened
    share = HELD_OUT_SHARE if hold_out is None else hold_out
    return DataConfig(data, data_dir, share, _sides(resize), channels, bool(skip_corrupt))


def print_skipped(source: Dataset) -> None:
    """Note the images and folders of the data that are skipped."""
    skipped: Sequence[str] = getattr(source, "skipped", ())
    if skipped:
        print_note(f"skipped {counted(len(skipped), 'unreadable image')}: {shortened(skipped, 5)}")
    empty: Sequence[str] = getattr(source, "left_out", ())
    if empty:
        print_note(f"skipped {counted(len(empty), 'folder')} without images: {shortened(empty, 5)}")


def _sides(resize: int | tuple[int, ...] | None) -> tuple[int, int] | None:
    if resize is None:
        return None
    sides = (resize, resize) if isinstance(resize, int) else resize
    if len(sides) != 2 or max(sides) > 10_000:
        raise BadSetting(
            "--resize must be one size or rows x columns, at most 10,000 each (got {value}). "
            "Examples: 28, 28x32. [resize]",
            value="x".join(map(str, sides)),
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
    from ..layers.base import show_shape

    refuse_no_classes(network)
    takes, has = network.input_shape, tuple(source.image_shape)
    if takes != has:
        raise BadData(
            "the images of {label} are {has}, but {name} takes {takes}. {network}. [data-shape]",
            label=label,
            has=show_shape(has),
            name=network.name,
            takes=show_shape(takes),
            network=_shape_hint(network, has, model is not None),
        )
    outputs = max(2, network.outputs[-1].output_shape[0])
    if len(source.classes) > outputs:
        raise BadData(
            "{label} has {count} classes, but {name} has only {outputs} outputs. {network}. [data-classes]",
            label=label,
            count=len(source.classes),
            name=network.name,
            outputs=outputs,
            network=_outputs_hint(network, len(source.classes), model),
        )


def _shape_hint(network: Network, has: tuple[int, ...], is_changeable: bool) -> str:
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
    return (
        f"Use {' or '.join(ways)}" if ways else f"Prepare data of {show_shape(takes)}, or choose another network"
    )


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


def _outputs_hint(network: Network, classes: int, model: str | None) -> str:
    from ..layers.dense import Linear

    dense = [node.name for node in network.layers if isinstance(node.layer, Linear)]
    layer = f"in {dense[-1]}" if dense else "at its end"
    outputs = f"{classes} outputs {layer}"
    if model is None:
        return f"Train a network with {classes} outputs"
    if "|" in model or Path(model).suffix in (".yaml", ".yml", ".txt"):
        return f"Give {network.name} {outputs}"
    return f"Run `convscope convert {shlex.quote(model)} {COPY}`, give it {outputs}, and train {COPY}"
