"""Receptive field and accuracy: classification from patches of one size.

Four convolutions, some of 3×3 and the rest of 1×1, then the mean over all positions: each unit of the last
map sees a patch, and the classifier receives only the frequencies of kinds of patches. Channels are chosen so
that all networks have about as many parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiment import digits, label, mean_and_spread, panels, percent, start, table

import convscope as cs
from convscope.plots import style

CONVOLUTIONS = 4


@dataclass(frozen=True)
class Setting:
    """Settings of the experiment. `parameters` is the approximate size of all networks."""

    parameters: int
    epochs: int
    images: int | None
    seeds: tuple[int, ...]


FULL = Setting(4_000, 12, None, (0, 1, 2))
SMALL = Setting(800, 1, 100, (0,))


@dataclass(frozen=True)
class Row:
    """One network: the receptive field of its last map, its size and its accuracy."""

    field: int
    channels: int
    parameters: int
    accuracy: float
    spread: float


@dataclass(frozen=True)
class Result:
    """Results of the experiment."""

    setting: Setting
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        head = ["receptive field", "channels", "parameters", "test accuracy"]
        rows = [
            [
                f"{r.field}×{r.field}",
                str(r.channels),
                f"{r.parameters:,}",
                f"{percent(r.accuracy)} ± {100 * r.spread:.1f}",
            ]
            for r in self.rows
        ]
        s = self.setting
        return (
            f"digits of 8×8, {s.epochs} epochs, {len(s.seeds)} seeds (± standard deviation)\n{table(head, rows)}"
        )


def notation(spatial: int, channels: int) -> str:
    """Return a network whose first `spatial` convolutions are 3×3."""
    sizes = [3] * spatial + [1] * (CONVOLUTIONS - spatial)
    convolutions = " | ".join(f"conv {channels} {size} same | bn | relu" for size in sizes)
    return f"input 1x8x8 | {convolutions} | globalavgpool | flatten | dense 10"


def sized(spatial: int, parameters: int) -> cs.Network:
    """Return the network whose number of parameters is closest to `parameters`."""
    networks = (cs.parse(notation(spatial, channels)) for channels in range(2, 100))
    return min(networks, key=lambda network: abs(cs.inspect(network).totals.params - parameters))


def measure(setting: Setting) -> Result:
    """Train every network with every seed."""
    train, test = digits(setting.images)
    rows = []
    for spatial in range(CONVOLUTIONS + 1):
        network = sized(spatial, setting.parameters)
        report = cs.inspect(network)
        (last,) = (row for row in report.rows if row.name == f"conv{CONVOLUTIONS}")
        accuracies = []
        for seed in setting.seeds:
            model = cs.Model(network, seed=seed)
            optimizer = cs.SGD(lr=0.05, momentum=0.9)
            model.fit(
                train, epochs=setting.epochs, batch_size=32, optimizer=optimizer, schedule="cosine", progress=False
            )
            accuracies.append(model.evaluate(test)["accuracy"])
        channels = last.output_shape[0]
        rows.append(
            Row(last.receptive_field.size[0], channels, report.totals.params, *mean_and_spread(accuracies))
        )
    return Result(setting, tuple(rows))


def draw(result: Result, path: Path) -> None:
    """Draw accuracy over the receptive field."""
    figure, (axes,) = panels(1, "Receptive field and accuracy")
    fields = [row.field for row in result.rows]
    means, spreads = [100 * row.accuracy for row in result.rows], [100 * row.spread for row in result.rows]
    axes.errorbar(fields, means, spreads, fmt="o-", color=style.BLUE, capsize=4)
    axes.axvline(8, color=style.GRAY, linewidth=1, linestyle="--")
    axes.set_xticks(fields, [f"{field}×{field}" for field in fields])
    axes.text(7.9, min(means), "the image's side", fontsize=style.SMALL, color=style.GRAY, ha="right")
    label(axes, "receptive field of the last map", "test accuracy, %")
    style.save(figure, path)


if __name__ == "__main__":
    start("field_and_accuracy", __doc__.splitlines()[0], FULL, SMALL, measure, draw)
