"""Arguments, table, figure and data of all experiments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes

from convscope.data import Dataset, Subset, load_data
from convscope.plots import style

S = TypeVar("S")
R = TypeVar("R")

COLORS = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY)


def start(
    name: str, about: str, full: S, small: S, measure: Callable[[S], R], draw: Callable[[R, Path], None]
) -> None:
    """Parse the arguments, run the experiment, print the result and save the figure."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--small", action="store_true", help="run a reduced setting, in seconds")
    parser.add_argument(
        "--save", type=Path, default=Path("out", "experiments", f"{name}.png"), help="figure to write"
    )
    arguments = parser.parse_args()
    result = measure(small if arguments.small else full)
    print(result)
    arguments.save.parent.mkdir(parents=True, exist_ok=True)
    draw(result, arguments.save)
    print(f"figure: {arguments.save}", file=sys.stderr)


def digits(images: int | None = None) -> tuple[Dataset, Dataset]:
    """Return the bundled digits: `images` training images, spread evenly, and the test part."""
    train, test = load_data("digits", "train", hold_out=0), load_data("digits", "test")
    if images is not None:
        train = Subset(train, np.linspace(0, len(train) - 1, images).astype(int))
    return train, test


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean over seeds and the standard deviation between them."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table. The first column is left-aligned, the others are right-aligned."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
        return "  ".join([cells[0].ljust(widths[0]), *rest])

    return "\n".join(map(line, [head, *rows]))


def panels(count: int, title: str) -> tuple[style.Figure, list[Axes]]:
    """Return a figure with `count` panels side by side."""
    figure = style.new_figure(6.4 * count, 4.8)
    figure.suptitle(title, fontsize=style.TITLE, color=style.INK)
    figure.subplots_adjust(left=0.55 / (6.4 * count) * 1.6, right=0.98, bottom=0.14, top=0.86, wspace=0.25)
    axes = [figure.add_subplot(1, count, at + 1) for at in range(count)]
    for one in axes:
        style.tidy(one, style.letters())
    return figure, axes


def label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=style.LABEL, color=style.INK)
    axes.set_ylabel(y, fontsize=style.LABEL, color=style.INK)


def legend(axes: Axes) -> None:
    axes.legend(frameon=False, fontsize=style.SMALL)
