"""Depth and vanishing gradients: how much of the gradient reaches the first layer under sigmoid, tanh and ReLU.

The slope of sigmoid is at most 1/4, so each layer reduces the gradient; tanh preserves it near 0, and
ReLU where its unit is active. Measured before training, and as the accuracy after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from experiment import COLORS, digits, label, legend, panels, percent, start, table

import convscope as cs
from convscope.plots import style

FUNCTIONS = ("sigmoid", "tanh", "relu")
WIDTH = 32


@dataclass(frozen=True)
class Setting:
    """Settings of the experiment."""

    depths: tuple[int, ...]
    epochs: int
    images: int | None
    seeds: tuple[int, ...]


FULL = Setting((1, 2, 4, 6, 8, 12, 16, 20), 10, None, (0, 1, 2))
SMALL = Setting((1, 4), 1, 100, (0,))


@dataclass(frozen=True)
class Row:
    """One function at one depth: the gradient of each layer before training, and the accuracy after it."""

    function: str
    depth: int
    gradients: tuple[float, ...]
    accuracy: float

    @property
    def reaching(self) -> float:
        """Return the ratio of the first layer's gradient to the last hidden layer's."""
        return self.gradients[0] / self.gradients[-1]


@dataclass(frozen=True)
class Result:
    """Results of the experiment."""

    setting: Setting
    rows: tuple[Row, ...]

    def of(self, function: str) -> list[Row]:
        """Return the rows of one function, by depth."""
        return [row for row in self.rows if row.function == function]

    def __str__(self) -> str:
        head = [
            "hidden layers",
            *(f"{f}: first / last" for f in FUNCTIONS),
            *(f"{f}: accuracy" for f in FUNCTIONS),
        ]
        rows = []
        for at, depth in enumerate(self.setting.depths):
            own = [self.of(function)[at] for function in FUNCTIONS]
            rows.append([str(depth), *(f"{r.reaching:.2g}" for r in own), *(percent(r.accuracy) for r in own)])
        about = (
            "size of the weights' gradient before training (root mean square), first hidden layer / last; "
            f"test accuracy after {self.setting.epochs} epochs of Adam; mean over {len(self.setting.seeds)} seeds"
        )
        return f"{about}\n{table(head, rows)}"


def network(function: str, depth: int) -> str:
    """Return a chain of hidden layers of one width, after an entry layer that maps the image to it."""
    hidden = " | ".join(f"hidden{n}: dense {WIDTH} | {function}" for n in range(1, depth + 1))
    return f"input 1x8x8 | flatten | entry: dense {WIDTH} | {function} | {hidden} | output: dense 10"


def measure(setting: Setting) -> Result:
    """Compute the gradients of one large batch, then train."""
    train, test = digits(setting.images)
    images, labels = train.batch(np.arange(min(256, len(train))))
    rows = []
    for function in FUNCTIONS:
        for depth in setting.depths:
            seen, accuracies = [], []
            for seed in setting.seeds:
                model = cs.Model(network(function, depth), seed=seed)
                gradients = model.gradients(images, labels)
                seen.append([_size(gradients[f"hidden{n}.weight"]) for n in range(1, depth + 1)])
                optimizer = cs.Adam(lr=0.001)
                model.fit(train, epochs=setting.epochs, batch_size=32, optimizer=optimizer, progress=False)
                accuracies.append(model.evaluate(test)["accuracy"])
            means = tuple(float(g) for g in np.mean(seen, axis=0))
            rows.append(Row(function, depth, means, float(np.mean(accuracies))))
    return Result(setting, tuple(rows))


def _size(gradient: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(gradient, dtype=np.float64))))


def draw(result: Result, path: Path) -> None:
    """Draw the gradients of the deepest network by layer, and accuracy over depth."""
    figure, (left, right) = panels(2, "Depth and vanishing gradients")
    for function, color in zip(FUNCTIONS, COLORS, strict=False):
        rows = result.of(function)
        deepest = rows[-1].gradients
        left.plot(range(1, len(deepest) + 1), deepest, "o-", color=color, label=function)
        right.plot([r.depth for r in rows], [100 * r.accuracy for r in rows], "o-", color=color, label=function)
    left.set_yscale("log")
    right.set_ylim(0, 103)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    label(left, f"hidden layer, of {result.setting.depths[-1]}", "gradient of the weights, before training")
    label(right, "hidden layers", "test accuracy, %")
    legend(left)
    legend(right)
    style.save(figure, path)


if __name__ == "__main__":
    start("vanishing_gradients", __doc__.splitlines()[0], FULL, SMALL, measure, draw)
