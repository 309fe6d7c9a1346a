"""Dropout: test error, and the gap between test and training error, on a small training set.

A wide network memorizes few images, which dropout is meant to prevent. Both networks
start from the same parameters and see the same batches. Errors are measured at inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from experiment import COLORS, digits, label, legend, mean_and_spread, panels, percent, start, table

import convscope as cs
from convscope.data import Dataset
from convscope.plots import style

NETWORK = "input 1x8x8 | flatten | dense 256 | relu{drop} | dense 256 | relu{drop} | dense 10"
BATCH = 32

Errors = tuple[float, ...]
VARIANTS = {"without dropout": "", "dropout 0.5": " | dropout 0.5"}


@dataclass(frozen=True)
class Setting:
    """Settings of the experiment."""

    images: int
    epochs: int
    every: int
    seeds: tuple[int, ...]


FULL = Setting(images=300, epochs=160, every=8, seeds=tuple(range(10)))
SMALL = Setting(images=100, epochs=8, every=4, seeds=(0, 1))


@dataclass(frozen=True)
class Curve:
    """Errors of one variant after some epochs, one row per seed."""

    name: str
    epochs: tuple[int, ...]
    training: tuple[tuple[float, ...], ...]
    test: tuple[tuple[float, ...], ...]

    def last(self) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
        """Return training error, test error and the gap, each with its spread over seeds."""
        train, test = [row[-1] for row in self.training], [row[-1] for row in self.test]
        gaps = [b - a for a, b in zip(train, test, strict=True)]
        return mean_and_spread(train), mean_and_spread(test), mean_and_spread(gaps)


@dataclass(frozen=True)
class Result:
    """Results of the experiment."""

    setting: Setting
    curves: tuple[Curve, ...]

    def __str__(self) -> str:
        head = ["", "training error", "test error", "gap"]
        rows = [
            [curve.name, *(f"{percent(mean)} ± {100 * spread:.1f}" for mean, spread in curve.last())]
            for curve in self.curves
        ]
        s = self.setting
        about = f"{s.images} digits, {s.epochs} epochs, {len(s.seeds)} seeds (± standard deviation between seeds)"
        return f"{about}\n{table(head, rows)}\n{self.difference()}"

    def difference(self) -> str:
        """Describe the difference in test error between the variants, per seed."""
        without, with_dropout = (np.array([row[-1] for row in curve.test]) for curve in self.curves)
        changes = with_dropout - without
        mean, spread = mean_and_spread(changes)
        error = spread / np.sqrt(len(changes))
        lower = int((changes < 0).sum())
        return (
            f"difference in test error (with − without), per seed: {100 * mean:+.2f} points "
            f"± {100 * error:.2f} (standard error); lower in {lower} of {len(changes)} seeds"
        )


def measure(setting: Setting) -> Result:
    """Train both variants from every seed."""
    train, test = digits(setting.images)
    curves = []
    for name, drop in VARIANTS.items():
        errors = []
        for seed in setting.seeds:
            model = cs.Model(NETWORK.format(drop=drop), seed=seed)
            errors.append(_errors(model, train, test, setting, seed))
        epochs = tuple(range(setting.every, setting.epochs + 1, setting.every))
        training, held = zip(*errors, strict=True)
        curves.append(Curve(name, epochs, training, held))
    return Result(setting, tuple(curves))


def _errors(model: cs.Model, train: Dataset, test: Dataset, setting: Setting, seed: int) -> tuple[Errors, Errors]:
    """Return training and test error after every few epochs."""
    training, held = [], []
    order = np.random.default_rng(seed)
    model.compile(optimizer=cs.SGD(lr=0.05, momentum=0.9))
    for epoch in range(1, setting.epochs + 1):
        for batch in np.array_split(order.permutation(len(train)), -(-len(train) // BATCH)):
            model.train_step(*train.batch(batch))
        if epoch % setting.every == 0:
            training.append(1 - model.evaluate(train)["accuracy"])
            held.append(1 - model.evaluate(test)["accuracy"])
    return tuple(training), tuple(held)


def draw(result: Result, path: Path) -> None:
    """Draw test and training error over the epochs."""
    figure, (left, right) = panels(2, f"Dropout on {result.setting.images} handwritten digits")
    for curve, color in zip(result.curves, COLORS, strict=False):
        for axes, rows in ((left, curve.training), (right, curve.test)):
            for row in rows:
                axes.plot(curve.epochs, [100 * e for e in row], color=color, alpha=0.25, linewidth=1)
            means = [100 * sum(column) / len(column) for column in zip(*rows, strict=True)]
            axes.plot(curve.epochs, means, color=color, linewidth=2.5, label=curve.name)
    label(left, "epoch", "training error, %")
    label(right, "epoch", "test error, %")
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        legend(axes)
    style.save(figure, path)


if __name__ == "__main__":
    start("dropout", __doc__.splitlines()[0], FULL, SMALL, measure, draw)
