"""Learning rate and dead ReLUs: how many units die if the steps are too large.

A unit is dead if its output is 0 for every training image: its gradient is 0 for all of them, and it cannot
recover. One large step is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from experiment import COLORS, digits, label, legend, mean_and_spread, panels, percent, start, table

import convscope as cs
from convscope.errors import NotFinite
from convscope.plots import style

NETWORK = "input 1x8x8 | flatten | dense 128 | relu | dense 128 | relu | dense 10"
LAYERS = ("relu1", "relu2")


@dataclass(frozen=True)
class Setting:
    """Settings of the experiment."""

    rates: tuple[float, ...]
    epochs: int
    images: int | None
    seeds: tuple[int, ...]


FULL = Setting((0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5), 15, None, (0, 1, 2))
SMALL = Setting((0.05, 1.0), 2, 200, (0, 1))


@dataclass(frozen=True)
class Row:
    """One learning rate: fraction of dead units per layer, accuracy, and the number of seeds that overflowed."""

    rate: float
    dead: tuple[float, ...]
    accuracy: float
    overflowed: int


@dataclass(frozen=True)
class Result:
    """Results of the experiment."""

    setting: Setting
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        head = ["learning rate", *(f"dead in {name}" for name in LAYERS), "test accuracy", "overflowed"]
        rows = [
            [
                f"{r.rate:g}",
                *map(percent, r.dead),
                percent(r.accuracy),
                f"{r.overflowed} of {len(self.setting.seeds)}",
            ]
            for r in self.rows
        ]
        s = self.setting
        return f"{s.epochs} epochs, mean over {len(s.seeds)} seeds, SGD without momentum\n{table(head, rows)}"


def measure(setting: Setting) -> Result:
    """Train with every learning rate and seed, and count the units that are 0 for every image."""
    train, test = digits(setting.images)
    images, _ = train.batch(np.arange(len(train)))
    rows = []
    for rate in setting.rates:
        dead, accuracies, overflowed = [], [], 0
        for seed in setting.seeds:
            model = cs.Model(NETWORK, seed=seed)
            try:
                model.fit(train, epochs=setting.epochs, batch_size=32, optimizer=cs.SGD(lr=rate), progress=False)
            except NotFinite:  # the model keeps its state from before the step that overflowed
                overflowed += 1
            values = model.activations(images)
            dead.append([float((values[name] == 0).all(axis=0).mean()) for name in LAYERS])
            accuracies.append(model.evaluate(test)["accuracy"])
        means = tuple(float(share) for share in np.mean(dead, axis=0))
        rows.append(Row(rate, means, mean_and_spread(accuracies)[0], overflowed))
    return Result(setting, tuple(rows))


def draw(result: Result, path: Path) -> None:
    """Draw dead units and accuracy over the learning rate."""
    figure, (left, right) = panels(2, "Learning rate and dead ReLUs")
    rates = [row.rate for row in result.rows]
    for at, (name, color) in enumerate(zip(LAYERS, COLORS, strict=False)):
        left.plot(rates, [100 * row.dead[at] for row in result.rows], "o-", color=color, label=name)
    right.plot(rates, [100 * row.accuracy for row in result.rows], "o-", color=style.GREEN)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_ylim(0, 103)
    label(left, "learning rate", "dead units, %")
    label(right, "learning rate", "test accuracy, %")
    legend(left)
    style.save(figure, path)


if __name__ == "__main__":
    start("dead_units", __doc__.splitlines()[0], FULL, SMALL, measure, draw)
