"""Do effective receptive fields look like Gaussians, grow like √n with the depth, and grow by training?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from experiment import COLORS, label, legend, panels, start
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

import convscope as cs
from convscope.data.transforms import resize_dataset
from convscope.plots import style

CHANNELS = 8
ACTIVATIONS = {"linear": "", "ReLU": " | relu", "tanh": " | tanh"}
DEEP = " | ".join(["conv 12 3 same", "relu"] * 8)
TRAINED = {
    "8 convolutions, dense": (f"input 1x28x28 | {DEEP} | flatten | dense 10", "conv8"),
    "8 convolutions, average": (f"input 1x28x28 | {DEEP} | globalavgpool | flatten | dense 10", "conv8"),
    "LeNet-5": ("lenet", "pool2"),
}
"""Networks that are trained on the digits, and the layer that is measured."""


@dataclass(frozen=True)
class Setting:
    """Depths, seeds and epochs."""

    depths: tuple[int, ...]
    seeds: tuple[int, ...]
    epochs: int


FULL = Setting((2, 4, 8, 16, 32), (0, 1, 2, 3, 4), 8)
SMALL = Setting((2, 4), (0,), 1)


class Shape(NamedTuple):
    """Standard deviation in pixels, distance from a Gaussian (total variation, 0 to 1), excess kurtosis."""

    width: float
    distance: float
    kurtosis: float


class Training(NamedTuple):
    """Sides in pixels: with 95 % of the influence before and after training, and what the unit can see."""

    before: float
    after: float
    seen: float
    accuracy: float


@dataclass(frozen=True)
class Result:
    """Shapes by activation, seed and depth; sides by network and seed."""

    setting: Setting
    shapes: dict[str, np.ndarray]
    trained: dict[str, list[Training]]

    def exponents(self, activation: str) -> np.ndarray:
        """Return the slope of log width over log depth, by seed."""
        widths = np.log(self.shapes[activation][..., 0])
        return np.polyfit(np.log(self.setting.depths), widths.T, 1)[0]

    def __str__(self) -> str:
        def line(name: str, cells: list[str]) -> str:
            return name.ljust(26) + "".join(cell.rjust(14) for cell in cells)

        depths = self.setting.depths
        lines = [line("standard deviation, pixels", [*(f"n={n}" for n in depths), "exponent"])]
        lines.append(line("√(2n/3)", [*(f"{np.sqrt(2 * n / 3):.2f}" for n in depths), "0.50"]))
        for name, own in self.shapes.items():
            mean, spread = own[..., 0].mean(axis=0), own[..., 0].std(axis=0)
            slopes = self.exponents(name)
            cells = [f"{m:.2f} ± {s:.2f}" for m, s in zip(mean, spread, strict=True)]
            lines.append(line(name, [*cells, f"{slopes.mean():.2f} ± {slopes.std():.2f}"]))
        for at, title in ((1, "distance from a Gaussian"), (2, "excess kurtosis")):
            lines += ["", line(title, [f"n={n}" for n in depths])]
            lines += [
                line(name, [f"{v:.3f}" for v in own[..., at].mean(axis=0)]) for name, own in self.shapes.items()
            ]
        lines += ["", line("95 % of the influence", ["can see", "before", "after", "grew", "accuracy"])]
        for name, rows in self.trained.items():
            before, after, seen, accuracy = np.mean(rows, axis=0)
            grew = f"{sum(row.after > row.before for row in rows)} of {len(rows)}"
            lines.append(line(name, [f"{seen:.0f}", f"{before:.1f}", f"{after:.1f}", grew, f"{accuracy:.1%}"]))
        return "\n".join(lines)


def measure(setting: Setting) -> Result:
    """Measure random networks of all depths, and networks before and after training."""
    shapes = {
        name: np.array([[random_field(layer, n, seed) for n in setting.depths] for seed in setting.seeds])
        for name, layer in ACTIVATIONS.items()
    }
    trained = {
        name: [train(text, layer, seed, setting.epochs) for seed in setting.seeds]
        for name, (text, layer) in TRAINED.items()
    }
    return Result(setting, shapes, trained)


def random_field(activation: str, depth: int, seed: int) -> Shape:
    """Measure the middle unit of a stack of 3×3 convolutions, in an image as large as its field."""
    side = 2 * depth + 1
    layer = f"conv {CHANNELS} 3 same nobias"
    text = f"input 1x{side}x{side} | " + " | ".join([layer + activation] * (depth - 1) + [layer])
    found = cs.effective_field(cs.load(text), f"conv{depth}", at=(depth, depth), count=8, seed=100 * seed)
    return shape_of(found.map)


def shape_of(field: np.ndarray) -> Shape:
    """Return the shape of the sums along both axes, averaged. The field adds up to 1."""
    rows = []
    for axis in (0, 1):
        line = field.sum(axis=axis)
        offsets = np.arange(len(line)) - line @ np.arange(len(line))
        variance = line @ offsets**2
        gaussian = np.exp(-(offsets**2) / (2 * variance))
        distance = np.abs(line - gaussian / gaussian.sum()).sum() / 2
        rows.append((np.sqrt(variance), distance, line @ offsets**4 / variance**2 - 3))
    return Shape(*np.mean(rows, axis=0).tolist())


def train(text: str, layer: str, seed: int, epochs: int) -> Training:
    """Measure the middle unit for 64 test images before and after training."""
    model = cs.Model(text, seed=seed)
    train, test = (resize_dataset(cs.load_data("digits", part), None, (28, 28)) for part in ("train", "test"))
    images, _ = test.batch(np.arange(64))
    before = cs.effective_field(model, layer, images)
    model.fit(train, epochs=epochs, batch_size=64, optimizer=cs.Adam(lr=0.003), progress=False)
    after = cs.effective_field(model, layer, images)
    top, left, bottom, right = after.theoretical.clipped
    seen = (bottom - top + right - left) / 2
    sides = [float(np.mean(one.extent(0.95))) for one in (before, after)]
    return Training(*sides, seen, model.evaluate(test)["accuracy"])


def draw(result: Result, path: Path) -> None:
    """Draw the width over the depth, and the sides before and after training."""
    figure, (left, right) = panels(2, "Effective receptive fields: growth with the depth, and by training")
    depths = result.setting.depths
    left.plot(depths, depths, color=style.GRAY, ls=":", label="half the side that units can see: n")
    left.plot(depths, np.sqrt(np.multiply(2 / 3, depths)), color=style.GRAY, ls="--", label="√(2n/3)")
    for (name, own), color, marker in zip(result.shapes.items(), COLORS, "os^", strict=False):
        widths = own[..., 0]
        left.errorbar(
            depths, widths.mean(axis=0), widths.std(axis=0), color=color, marker=marker, capsize=3, label=name
        )
    left.set_xscale("log", base=2)
    left.set_yscale("log", base=2)
    for scale, ticks in ((left.xaxis, depths), (left.yaxis, (1, 2, 4, 8, 16, 32))):
        scale.set_major_locator(FixedLocator(ticks))
        scale.set_minor_locator(NullLocator())
        scale.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    label(left, "depth n: 3×3 convolutions with random weights", "standard deviation (pixels)")
    legend(left)
    names = list(result.trained)
    for at, name in enumerate(names):
        rows = result.trained[name]
        right.plot(
            [at - 0.3, at + 0.3],
            [rows[0].seen] * 2,
            color=style.GRAY,
            ls="--",
            label="can see" if at == 0 else None,
        )
        for row in rows:
            right.plot([at - 0.15, at + 0.15], [row.before, row.after], color=style.GRAY, lw=0.8, zorder=1)
        for x, values, color, what in (
            (at - 0.15, [row.before for row in rows], style.ORANGE, "before training"),
            (at + 0.15, [row.after for row in rows], style.BLUE, "after training"),
        ):
            right.plot([x] * len(rows), values, "o", ms=7, color=color, label=what if at == 0 else None)
    right.set_xticks(range(len(names)), [name.replace(", ", ",\n") for name in names], fontsize=style.SMALL)
    right.set_ylim(0, None)
    label(right, "", "side with 95 % of the influence (pixels)")
    legend(right)
    style.save(figure, path)


if __name__ == "__main__":
    start("effective_fields", __doc__.splitlines()[0], FULL, SMALL, measure, draw)
