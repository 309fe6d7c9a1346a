"""How a training went: loss, accuracy and learning rate over the epochs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, PercentFormatter

from ...derivations.derivation import Text
from ...errors import BadData
from ...training.history import history_of
from ...training.log import Event
from .style import (
    BLUE,
    GREY,
    INK,
    LABEL,
    SMALL,
    TITLE,
    VERMILLION,
    Letters,
    letters,
    new_figure,
    number,
    shortened,
    tidy,
)

LONGEST_NAME = 48
MOST_MARKERS = 40
LOG_FROM = 30
"""From this ratio of the largest loss to the smallest on, the axis is logarithmic."""

TITLE_WORDS = Text("How {name} was trained", "{name} 的训练过程")
LOSS, ACCURACY = Text("loss", "损失"), Text("accuracy", "准确率")
EPOCH, RATE = Text("epoch", "轮次"), Text("learning rate", "学习率")
TRAINING, VALIDATION = Text("training", "训练"), Text("validation", "验证")
STEPS = Text("loss of single steps", "单步损失")
BEST = Text(
    "best: epoch {epoch}, loss {loss}, accuracy {accuracy}", "最佳：第 {epoch} 轮，损失 {loss}，准确率 {accuracy}"
)


class Curves(NamedTuple):
    """What a log tells, by epoch; validation is NaN where there was none."""

    epochs: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    validation_loss: np.ndarray
    validation_accuracy: np.ndarray
    rate: np.ndarray
    step_epochs: np.ndarray
    step_loss: np.ndarray
    step_rate: np.ndarray

    @property
    def checked(self) -> bool:
        """Tell whether there was validation."""
        return not np.isnan(self.validation_loss).all()

    @property
    def best(self) -> int:
        """Return the place of the lowest loss, of validation where there was some."""
        return int(np.nanargmin(self.validation_loss if self.checked else self.loss))


def curves(events: Iterable[Event]) -> Curves:
    """Return a log's numbers; single steps stand at their share of an epoch.

    Errors:   BadData [no-epochs] for a log without a whole epoch
    """
    told = list(events)
    history = history_of(told)
    if not len(history):
        raise BadData(
            "a run must have a whole epoch for curves; got none; train it longer, or go on with it by "
            "`convscope train --resume`. [no-epochs]"
        )
    batches = history[0].step / history[0].epoch
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
    )


def training_curves(events: Sequence[Event], name: str, lang: str = "en") -> Figure:
    """Draw loss and accuracy of training and validation, the best epoch, and the learning rate.

    `events` are those of a run's log, `name` is the run's.

    Errors:   BadData [no-epochs]; BadSetting [figure-language]
    """
    text = letters(lang)
    known = curves(events)
    figure = new_figure(12.8, 7.2)
    shown = text.drawable(shortened(name, LONGEST_NAME))
    figure.text(0.06, 0.935, text.say(TITLE_WORDS, name=shown), **text.font(TITLE, bold=True))
    loss = figure.add_axes((0.06, 0.33, 0.41, 0.48))
    accuracy = figure.add_axes((0.56, 0.33, 0.41, 0.48))
    for axes, words in ((loss, LOSS), (accuracy, ACCURACY)):
        tidy(axes, text)
        axes.set_title(text.say(words), loc="left", pad=12, **text.font(LABEL, bold=True))
    _draw_pair(accuracy, known, known.accuracy, known.validation_accuracy)
    accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    _draw_loss(loss, known)
    _draw_rate(figure.add_axes((0.06, 0.09, 0.91, 0.12)), known, text)
    _legend(figure, known, text)
    return figure


def _draw_loss(axes: Axes, known: Curves) -> None:
    axes.plot(known.step_epochs, known.step_loss, "o", color=GREY, ms=2.5, alpha=0.6, label="_steps", zorder=1)
    _draw_pair(axes, known, known.loss, known.validation_loss)
    values = np.concatenate([known.loss, known.validation_loss, known.step_loss])
    values = values[np.isfinite(values)]
    if values.min() > 0 and values.max() > LOG_FROM * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: number(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_pair(axes: Axes, known: Curves, own: np.ndarray, checked: np.ndarray) -> None:
    """Draw training and validation, and mark the best epoch on the line that chose it."""
    marker = "o" if len(known.epochs) <= MOST_MARKERS else ""
    axes.plot(known.epochs, own, color=BLUE, lw=2.2, marker=marker, ms=5, zorder=3, label="_training")
    shown, colour = own, BLUE
    if known.checked:
        shown, colour = checked, VERMILLION
        axes.plot(known.epochs, checked, color=colour, lw=2.2, marker=marker, ms=5, zorder=3, label="_validation")
    ring: dict[str, Any] = {"marker": "o", "ms": 13, "mfc": "none", "mec": colour, "mew": 1.6, "ls": "none"}
    axes.plot(known.epochs[known.best], shown[known.best], label="_best", zorder=4, **ring)
    _limits(axes, known)


def _limits(axes: Axes, known: Curves) -> None:
    last = float(known.epochs[-1])
    axes.set_xlim(0, 1.02 * last)
    ticks = MaxNLocator(integer=True, nbins=10).tick_values(0, last)
    axes.set_xticks([tick for tick in ticks if 0 <= tick <= last])


def _draw_rate(axes: Axes, known: Curves, text: Letters) -> None:
    """Draw the rate of every step that the log has."""
    tidy(axes, text)
    places = np.concatenate([known.step_epochs, known.epochs])
    order = np.argsort(places, kind="stable")
    rates = np.concatenate([known.step_rate, known.rate])
    axes.plot(places[order], rates[order], color=GREY, lw=1.8, marker="o", ms=3, label="_rate")
    axes.set_ylim(0, 1.2 * float(rates.max()))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=2))
    axes.set_title(text.say(RATE), loc="left", pad=8, **text.font(LABEL, bold=True))
    axes.set_xlabel(text.say(EPOCH), **text.font(SMALL))
    _limits(axes, known)


def _legend(figure: Figure, known: Curves, text: Letters) -> None:
    """Name the lines once, and give the best epoch's numbers."""
    best, colour = known.best, VERMILLION if known.checked else BLUE
    loss, accuracy = (
        (known.validation_loss, known.validation_accuracy) if known.checked else (known.loss, known.accuracy)
    )
    words = text.say(
        BEST, epoch=int(known.epochs[best]), loss=number(loss[best]), accuracy=f"{100 * accuracy[best]:.2f} %"
    )
    marks = [Line2D([], [], color=BLUE, lw=2.2, marker="o", ms=5, label=text.say(TRAINING))]
    if known.checked:
        marks.append(Line2D([], [], color=VERMILLION, lw=2.2, marker="o", ms=5, label=text.say(VALIDATION)))
    if len(known.step_loss):
        marks.append(Line2D([], [], color=GREY, ls="none", marker="o", ms=3, label=text.say(STEPS)))
    marks.append(Line2D([], [], ls="none", marker="o", ms=11, mfc="none", mec=colour, mew=1.6, label=words))
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
