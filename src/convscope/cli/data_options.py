"""Options that say which images to use, and which run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadSetting
from .arguments import extent
from .output import remark

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.config import DataConfig

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
) -> DataConfig:
    """Return what the options choose.

    Errors:   BadSetting [resize], [channels], [hold-out]
    """
    from ..data.config import DataConfig
    from ..data.load import HELD_OUT_SHARE

    if channels not in (None, 1, 3):
        raise BadSetting(f"--channels must be 1 for gray or 3 for color; got {channels}; choose one. [channels]")
    if hold_out is not None and not 0 <= hold_out <= MOST_HELD_OUT:
        raise BadSetting(
            f"--validation must be a share of the training images from 0 to {MOST_HELD_OUT}; got {hold_out:g}; "
            "0.1 is usual, 0 is none. [hold-out]"
        )
    share = HELD_OUT_SHARE if hold_out is None else hold_out
    return DataConfig(data, data_dir, share, _sides(resize), channels, bool(skip_corrupt))


def say_left_out(source: Dataset) -> None:
    """Name what a folder of images has that is not used."""
    for names, why in (
        (getattr(source, "skipped", ()), "left out what cannot be read ({count} of the data): {names}"),
        (getattr(source, "left_out", ()), "left out folders without images: {names}"),
    ):
        if names:
            few = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            remark(why.format(count=len(names), names=few))


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
