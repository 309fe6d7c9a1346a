"""Options for the data and the run, and the check that data fits a network."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadData, BadSetting, ConvscopeError
from .arguments import extent
from .output import print_note

if TYPE_CHECKING:
    from ..data.config import DataChoice
    from ..data.dataset import Source
    from ..network import Network


F = TypeVar("F", bound=Callable[..., Any])

DATA_HELP = "digits, mnist, fashion-mnist, cifar10, a folder with one folder of images per class, or an .npz file."
MOST_HELD_OUT = 0.5


def run_argument(verb: F) -> F:
    """Give a verb its RUN."""
    return click.argument("run")(verb)


def precision_option(verb: F) -> F:
    """Give a verb --precision."""
    shown = "fast or strict: strict leaves out algorithms that round more; fast."
    return click.option("--precision", type=click.Choice(["fast", "strict"]), help=shown)(verb)


def engine_option(verb: F) -> F:
    """Give a verb --engine."""
    shown = "native, which compiles, reference (NumPy), or torch (PyTorch); native if left out."
    return click.option("--engine", metavar="NAME", help=shown)(verb)


def checkpoint_option(verb: F) -> F:
    """Give a verb --checkpoint."""
    what = "best (lowest loss), last or previous; best if left out."
    return click.option("--checkpoint", metavar="NAME", help=what)(verb)


def data_options(verb: F) -> F:
    """Give a verb --data and how its images are read."""
    for option in reversed(
        (
            click.option("--data", metavar="DATA", help=DATA_HELP),
            click.option("--data-dir", metavar="FOLDER", help="Where a known set's files lie, or are fetched to."),
            click.option("--resize", metavar="PIXELS", callback=extent, help="Stretch images to 28, or 28x32."),
            click.option("--channels", type=int, metavar="1|3", help="Make images gray (1) or color (3)."),
            click.option(
                "--skip-corrupt", is_flag=True, default=None, help="Leave out images that cannot be read."
            ),
        )
    ):
        verb = option(verb)
    return verb


def data_choice(
    data: str,
    data_dir: str | None,
    resize: int | tuple[int, ...] | None,
    channels: int | None,
    skip_corrupt: bool | None,
    hold_out: float | None = None,
) -> DataChoice:
    """Return what the options choose.

    Errors:   BadSetting [resize], [channels], [hold-out]
    """
    from ..data.config import DataChoice
    from ..data.load import HELD_OUT_SHARE

    if channels not in (None, 1, 3):
        raise BadSetting(f"--channels must be 1 for gray or 3 for color; got {channels}; choose one. [channels]")
    if hold_out is not None and not 0 <= hold_out <= MOST_HELD_OUT:
        raise BadSetting(
            f"--validation must be a share of the training images from 0 to {MOST_HELD_OUT}; got {hold_out:g}; "
            "0.1 is usual, 0 is none. [hold-out]"
        )
    share = HELD_OUT_SHARE if hold_out is None else hold_out
    return DataChoice(data, data_dir, share, _sides(resize), channels, bool(skip_corrupt))


def print_skipped(source: Source) -> None:
    """Name what a folder of images has that is not used."""
    for names, why in (
        (getattr(source, "skipped", ()), "left out what cannot be read ({count} of the data): {names}"),
        (getattr(source, "left_out", ()), "left out folders without images: {names}"),
    ):
        if names:
            few = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            print_note(why.format(count=len(names), names=few))


def _sides(resize: int | tuple[int, ...] | None) -> tuple[int, int] | None:
    if resize is None:
        return None
    sides = (resize, resize) if isinstance(resize, int) else resize
    if len(sides) != 2 or max(sides) > 10_000:
        raise BadSetting(
            f"--resize must be one side or rows x columns, at most 10,000 each; got {'x'.join(map(str, sides))}; "
            "write 28, or 28x32. [resize]"
        )
    return sides[0], sides[1]


COPY = "mine.yaml"
"""File that a network is written to where it must be changed."""


def refuse_misfit(network: Network, source: Source, label: str, model: str | None = None) -> None:
    """Raise where images or classes do not fit a network, with the options that would help.

    `model` is MODEL as it was given; None where the network is that of a run and cannot be changed.

    Errors:   BadData [data-shape], [data-classes], [no-classes]
    """
    from ..data.batches import refuse_no_classes
    from ..layers.base import show_shape

    refuse_no_classes(network)
    takes, has = network.input_shape, tuple(source.image_shape)
    if takes != has:
        raise BadData(
            f"the data must have the images that the network takes; got {show_shape(has)} in {label} and "
            f"{show_shape(takes)} in {network.name}; {_way_out(network, has, model is not None)}. [data-shape]"
        )
    outputs = max(2, network.outputs[-1].output_shape[0])
    if len(source.classes) > outputs:
        raise BadData(
            f"the data must have at most as many classes as the network has outputs; got {len(source.classes)} "
            f"classes in {label} and {outputs} outputs in {network.name}; "
            f"{_more_outputs(network, len(source.classes), model)}. [data-classes]"
        )


def _way_out(network: Network, has: tuple[int, ...], is_changeable: bool) -> str:
    """Name the options that fit images to the network, or the network to the images."""
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
        f"use {' or '.join(ways)}" if ways else f"prepare data of {show_shape(takes)}, or choose another network"
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


def _more_outputs(network: Network, classes: int, model: str | None) -> str:
    from ..layers.dense import Linear

    dense = [node.name for node in network.layers if isinstance(node.layer, Linear)]
    layer = f"in {dense[-1]}" if dense else "at its end"
    change = f"give it {classes} outputs {layer}"
    if model is None:
        return f"train a network with {classes} outputs"
    if "|" in model or Path(model).suffix in (".yaml", ".yml", ".txt"):
        return change
    return f"run `convscope convert {shlex.quote(model)} {COPY}`, {change}, and train {COPY}"
