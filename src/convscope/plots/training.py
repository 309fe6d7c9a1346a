"""Figures of training: the curves of a run, and the images that it classifies wrongly.

After a divergence losses can have thirty digits. The loss axis then ends at `ABOVE_START` times the loss where the
training began; a triangle at its upper edge marks each loss above, and a note gives the largest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from ..data.dataset import Dataset
from ..derivations.derivation import Text
from ..errors import BadData
from ..render.training import best_epoch
from ..text.numbers import number
from ..training.evaluation import Evaluation, Mistake
from ..training.history import Event, history_of
from .style import (
    BLUE,
    GRAY,
    INK,
    LABEL,
    SMALL,
    TITLE,
    VERMILLION,
    Letters,
    grid_of,
    letters,
    new_figure,
    shortened,
    show_input,
    tidy,
)

LONGEST_NAME = 48
MOST_MARKERS = 40
LOG_FROM = 30
"""The axis is logarithmic from this ratio of the largest to the smallest loss."""

FEW_DECADES = 1e4
"""From this span on, only powers of ten are labeled."""

MOST_TICKS = 10

ROOM = 1.6
"""Factor between the largest displayed loss and the edge of a clipped axis."""

MOST_SPAN = 1e6
"""Losses that span no more than this ratio are all shown."""

ABOVE_START = 1e3
"""Otherwise losses above this multiple of the first one are clipped."""

TITLE_WORDS = Text("Training of {name}", "{name} 的训练过程")
LOSS, ACCURACY = Text("loss", "损失"), Text("accuracy", "准确率")
EPOCH, RATE = Text("epoch", "轮次"), Text("learning rate", "学习率")
TRAINING, VALIDATION = Text("training", "训练"), Text("validation", "验证")
DEAD = Text("dead units, of {units}", "失活单元（共 {units} 个）")
STEPS = Text("loss per step", "单步损失")
BEST = Text(
    "best: epoch {epoch}, loss {loss}, accuracy {accuracy}", "最佳：第 {epoch} 轮，损失 {loss}，准确率 {accuracy}"
)


NO_BEST = Text(
    "no epoch ended before training diverged at step {step}", "训练在第 {step} 步发散，此前没有完成任何一轮"
)
OUTSIDE = Text("▲ above this axis, up to {largest}", "▲ 超出坐标轴，最大 {largest}")


class Curves(NamedTuple):
    """Values of a training log by epoch; validation is NaN where there was none.

    `best` is the index of the epoch that the run keeps; None where training diverged before one had ended. `dead`
    are the dead units of each epoch, of `units` that can die; there may be none.
    """

    epochs: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    validation_loss: np.ndarray
    validation_accuracy: np.ndarray
    rate: np.ndarray
    step_epochs: np.ndarray
    step_loss: np.ndarray
    step_rate: np.ndarray
    best: int | None
    diverged_at: int | None
    dead: np.ndarray = np.zeros(0)
    units: int = 0

    @property
    def checked(self) -> bool:
        """Tell whether there was validation."""
        return not np.isnan(self.validation_loss).all()

    @property
    def losses(self) -> np.ndarray:
        """Return every finite loss of epochs, validation and steps."""
        known = np.concatenate([self.loss, self.validation_loss, self.step_loss])
        finite: np.ndarray = known[np.isfinite(known)]
        return finite

    @property
    def ceiling(self) -> float:
        """Return the upper limit for losses on the axis; infinity if all fit."""
        values = self.losses
        positive = values[values > 0]
        if not len(positive) or positive.max() <= MOST_SPAN * positive.min():
            return np.inf
        begun = float(self.step_loss[0] if len(self.step_loss) else self.loss[0])
        return ABOVE_START * (begun if 0 < begun < np.inf else float(positive.min()))


def curves(events: Iterable[Event]) -> Curves:
    """Return the values of a log; steps are placed at fractions of epochs.

    Errors:   BadData [no-epochs] for a log without a whole epoch
    """
    told = list(events)
    history = history_of(told)
    if not len(history):
        raise BadData(
            "The run has no complete epoch to draw. Resume it with `convscope train --resume`. [no-epochs]"
        )
    batches = history[0].step / history[0].epoch
    best = best_epoch(history)
    steps = [event for event in told if event.get("event") == "step" and event.get("loss") is not None]

    def column(name: str) -> np.ndarray:
        return np.array([np.nan if value is None else value for value in history.column(name)], float)

    return Curves(
        column("epoch"),
        column("loss"),
        column("accuracy"),
        column("validation_loss"),
        column("validation_accuracy"),
        column("lr"),
        np.array([event["step"] / batches for event in steps]),
        np.array([event["loss"] for event in steps], float),
        np.array([event.get("lr") for event in steps], float),
        None if best is None else history.epochs.index(best),
        history.diverged_at,
        *_dead_units(told),
    )


def _dead_units(events: Sequence[Event]) -> tuple[np.ndarray, int]:
    """Return the dead units of each epoch, and the number of units that can die."""
    layers = [event.get("layers", {}).values() for event in events if event.get("event") == "epoch"]
    dead, units = ([sum(seen.get(name) or 0 for seen in epoch) for epoch in layers] for name in ("dead", "units"))
    return np.array(dead, float), int(max(units, default=0))


def training_curves(events: Sequence[Event], name: str, lang: str = "en") -> Figure:
    """Draw loss and accuracy of training and validation, the best epoch, and the learning rate.

    `events` are those of a run's log, `name` is the run's.

    Errors:   BadData [no-epochs]; BadSetting [figure-language]
    """
    text = letters(lang)
    known = curves(events)
    figure = new_figure(12.8, 7.2)
    shown = text.drawable(shortened(name, LONGEST_NAME))
    figure.text(0.06, 0.935, text.translate(TITLE_WORDS, name=shown), **text.font(TITLE, bold=True))
    loss = figure.add_axes((0.06, 0.33, 0.41, 0.48))
    accuracy = figure.add_axes((0.56, 0.33, 0.41, 0.48))
    for axes, words in ((loss, LOSS), (accuracy, ACCURACY)):
        tidy(axes, text)
        axes.set_title(text.translate(words), loc="left", pad=12, **text.font(LABEL, bold=True))
    _draw_pair(accuracy, known, known.accuracy, known.validation_accuracy)
    accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    _draw_loss(loss, known, text)
    _draw_rate(figure.add_axes((0.06, 0.09, 0.41 if known.units else 0.91, 0.12)), known, text)
    if known.units:
        _draw_dead(figure.add_axes((0.56, 0.09, 0.41, 0.12)), known, text)
    _legend(figure, known, text)
    return figure


def _draw_loss(axes: Axes, known: Curves, text: Letters) -> None:
    axes.plot(known.step_epochs, known.step_loss, "o", color=GRAY, ms=2.5, alpha=0.6, label="_steps", zorder=1)
    _draw_pair(axes, known, known.loss, known.validation_loss)
    values, ceiling = known.losses, known.ceiling
    shown = values[(values > 0) & (values <= ceiling)]
    if not len(shown):
        return
    span = shown.max() / shown.min()
    if (values.min() > 0 or ceiling < np.inf) and (span > LOG_FROM or values.max() > ceiling):
        axes.set_yscale("log")
        marks = (1.0, 2.0, 5.0) if span < FEW_DECADES else (1.0,)  # more would overlap
        axes.yaxis.set_major_locator(LogLocator(subs=marks, numticks=MOST_TICKS))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: number(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if values.max() > ceiling:
        axes.set_ylim(shown.min() / ROOM, ROOM * shown.max())
        _mark_outside(axes, known, text.translate(OUTSIDE, largest=number(values.max())), text)


def _mark_outside(axes: Axes, known: Curves, note: str, text: Letters) -> None:
    """Mark losses beyond the axis at its upper edge."""
    edge = axes.get_xaxis_transform()
    series = [(known.step_epochs, known.step_loss, GRAY, 4.0), (known.epochs, known.loss, BLUE, 9.0)]
    series.append((known.epochs, known.validation_loss, VERMILLION, 5.0))
    for places, losses, color, size in series:
        above = places[losses > known.ceiling]
        style: dict[str, Any] = {"color": color, "ms": size, "clip_on": False, "zorder": 5, "transform": edge}
        axes.plot(above, np.full(len(above), 0.985), "^", label="_outside", **style)
    axes.text(1.0, 1.035, note, transform=axes.transAxes, ha="right", va="bottom", **text.font(SMALL))


def _draw_pair(axes: Axes, known: Curves, own: np.ndarray, checked: np.ndarray) -> None:
    """Draw training and validation, and mark the best epoch."""
    marker = "o" if len(known.epochs) <= MOST_MARKERS else ""
    axes.plot(known.epochs, own, color=BLUE, lw=2.2, marker=marker, ms=5, zorder=3, label="_training")
    shown, color = own, BLUE
    if known.checked:
        shown, color = checked, VERMILLION
        axes.plot(known.epochs, checked, color=color, lw=2.2, marker=marker, ms=5, zorder=3, label="_validation")
    if known.best is not None:
        ring: dict[str, Any] = {"marker": "o", "ms": 13, "mfc": "none", "mec": color, "mew": 1.6, "ls": "none"}
        axes.plot(known.epochs[known.best], shown[known.best], label="_best", zorder=4, **ring)
    _limits(axes, known)


def _limits(axes: Axes, known: Curves) -> None:
    last = float(known.epochs[-1])
    axes.set_xlim(-0.02 * last, 1.02 * last)  # so that the marks of the first and the last step are whole
    ticks = MaxNLocator(integer=True, nbins=10).tick_values(0, last)
    axes.set_xticks([tick for tick in ticks if 0 <= tick <= last])


def _draw_rate(axes: Axes, known: Curves, text: Letters) -> None:
    """Draw the learning rate of every logged step."""
    tidy(axes, text)
    places = np.concatenate([known.step_epochs, known.epochs])
    order = np.argsort(places, kind="stable")
    rates = np.concatenate([known.step_rate, known.rate])
    axes.plot(places[order], rates[order], color=GRAY, lw=1.8, marker="o", ms=3, label="_rate")
    axes.set_ylim(0, 1.2 * float(rates.max()))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=2))
    axes.set_title(text.translate(RATE), loc="left", pad=8, **text.font(LABEL, bold=True))
    axes.set_xlabel(text.translate(EPOCH), **text.font(SMALL))
    _limits(axes, known)


def _draw_dead(axes: Axes, known: Curves, text: Letters) -> None:
    """Draw the dead units of every epoch."""
    tidy(axes, text)
    marker = "o" if len(known.epochs) <= MOST_MARKERS else ""
    axes.plot(known.epochs, known.dead, color=INK, lw=1.8, marker=marker, ms=3, label="_dead")
    axes.set_ylim(0, max(4.0, 1.2 * float(known.dead.max())))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))
    axes.set_title(text.translate(DEAD, units=known.units), loc="left", pad=8, **text.font(LABEL, bold=True))
    axes.set_xlabel(text.translate(EPOCH), **text.font(SMALL))
    _limits(axes, known)


def _legend(figure: Figure, known: Curves, text: Letters) -> None:
    """Draw one legend for all lines, with the values of the best epoch."""
    marks = [Line2D([], [], color=BLUE, lw=2.2, marker="o", ms=5, label=text.translate(TRAINING))]
    if known.checked:
        marks.append(Line2D([], [], color=VERMILLION, lw=2.2, marker="o", ms=5, label=text.translate(VALIDATION)))
    if len(known.step_loss):
        marks.append(Line2D([], [], color=GRAY, ls="none", marker="o", ms=3, label=text.translate(STEPS)))
    marks.append(_best_mark(known, text))
    figure.legend(
        handles=marks,
        loc="upper left",
        bbox_to_anchor=(0.052, 0.92),
        ncols=len(marks),
        frameon=False,
        prop=text.properties(SMALL),
        labelcolor=INK,
        columnspacing=1.8,
    )


def _best_mark(known: Curves, text: Letters) -> Line2D:
    """Return the legend's entry for the best epoch, or for none."""
    best = known.best
    if best is None:
        return Line2D([], [], ls="none", label=text.translate(NO_BEST, step=known.diverged_at))
    color, loss, accuracy = BLUE, known.loss[best], known.accuracy[best]
    if known.checked:
        color, loss, accuracy = VERMILLION, known.validation_loss[best], known.validation_accuracy[best]
    words = text.translate(
        BEST, epoch=int(known.epochs[best]), loss=number(loss), accuracy=f"{100 * accuracy:.2f} %"
    )
    return Line2D([], [], ls="none", marker="o", ms=11, mfc="none", mec=color, mew=1.6, label=words)


MOST = 24
LONGEST_CLASS = 14
TILE, WORDS, MARGIN, HEAD = 1.5, 0.62, 0.3, 0.95
"""Inches: image size, caption height, margin, title height."""

ERRORS_TITLE = Text("The {shown} most confident of {all} errors", "{all} 个错误中置信度最高的 {shown} 个")
ALL_WORDS = Text("All {all} errors", "全部 {all} 个错误")
ONE = Text("The only error", "唯一的错误")
NONE = Text("No errors in {images} images", "{images} 张图像中没有错误")
SUBTITLE = Text("each image: true class → predicted class, confidence", "每张图像：真实类别 → 预测类别，置信度")
OUTPUT_SUBTITLE = Text(
    "each image: true class → predicted class, output",
    "每张图像：真实类别 → 预测类别，输出值",
)


def mistakes_figure(evaluation: Evaluation, source: Dataset, lang: str = "en") -> Figure:
    """Draw the most confident errors of an evaluation.

    `source` is the data that was evaluated.

    Errors:   BadSetting [figure-language]
    """
    text = letters(lang)
    worst = evaluation.mistakes[:MOST]
    if not worst:
        figure = new_figure(6.4, 2.4)
        words = text.translate(NONE, images=f"{evaluation.images:,}")
        figure.text(0.5, 0.5, words, ha="center", va="center", **text.font(TITLE, bold=True))
        return figure
    rows, columns = grid_of(len(worst), 2.2)
    wide, high = TILE + MARGIN, TILE + WORDS + MARGIN
    width, height = max(6.4, columns * wide + 2 * MARGIN), HEAD + rows * high
    figure = new_figure(width, height)
    subtitle = text.translate(SUBTITLE if evaluation.has_probabilities else OUTPUT_SUBTITLE)
    figure.text(MARGIN / width, 1 - 0.4 / height, _title(evaluation, text), **text.font(TITLE, bold=True))
    figure.text(MARGIN / width, 1 - 0.7 / height, subtitle, **text.font(SMALL, color=GRAY))
    images, _ = source.batch(np.array([mistake.index for mistake in worst]))
    for place, (mistake, image) in enumerate(zip(worst, images, strict=True)):
        row, column = divmod(place, columns)
        left = MARGIN + column * wide + MARGIN / 2
        bottom = height - HEAD - row * high - TILE
        axes = figure.add_axes((left / width, bottom / height, TILE / width, TILE / height))
        show_input(axes, image)
        _name(axes, mistake, evaluation, text)
    return figure


def _title(evaluation: Evaluation, text: Letters) -> str:
    count = evaluation.images - evaluation.correct
    if count == 1:
        return text.translate(ONE)
    words = ALL_WORDS if count <= MOST else ERRORS_TITLE
    return text.translate(words, shown=MOST, all=f"{count:,}")


def _name(axes: Axes, mistake: Mistake, evaluation: Evaluation, text: Letters) -> None:
    """Label an image with its true and its predicted class."""
    true = text.drawable(shortened(evaluation.name_of(mistake.label), LONGEST_CLASS))
    found = text.drawable(shortened(evaluation.name_of(mistake.predicted), LONGEST_CLASS))
    below: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "ha": "center",
        "va": "top",
    }
    axes.annotate(true, (0.5, 0), (0, -5), **below, **text.font(LABEL, bold=True))
    score = f"{100 * mistake.score:.0f} %" if evaluation.has_probabilities else number(mistake.score)
    sure = f"→ {found}  {score}"
    axes.annotate(sure, (0.5, 0), (0, -23), **below, **text.font(SMALL, color=VERMILLION))
