"""The images that a model misclassifies with the highest confidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..data.dataset import Dataset
from ..derivations.derivation import Text
from ..training.evaluation import Evaluation, Mistake
from .shown import grid_of, show_input
from .style import GRAY, LABEL, SMALL, TITLE, VERMILLION, Letters, letters, new_figure, number, shortened

MOST = 24
LONGEST_NAME = 14
TILE, WORDS, MARGIN, HEAD = 1.5, 0.62, 0.3, 0.95
"""Inches: an image's side, the lines below it, around it, the title."""

TITLE_WORDS = Text("The {shown} surest of {all} mistakes", "{all} 个错误中最确信的 {shown} 个")
ALL_WORDS = Text("All {all} mistakes", "全部 {all} 个错误")
ONE = Text("The only mistake", "唯一的错误")
NONE = Text("No mistakes in {images} images", "{images} 张图像中没有错误")
SUBTITLE = Text(
    "each image: true class → predicted class, confidence", "每张图像：真实类别，然后是识别结果及其概率"
)
OUTPUT_SUBTITLE = Text(
    "each image: true class → predicted class, output",
    "每张图像：真实类别，然后是识别结果及网络对应的输出值",
)


def mistakes_figure(evaluation: Evaluation, source: Dataset, lang: str = "en") -> Figure:
    """Draw the worst mistakes of an evaluation, the surest first.

    `source` is what the model was held against.

    Errors:   BadSetting [figure-language]
    """
    text = letters(lang)
    worst = evaluation.mistakes[:MOST]
    if not worst:
        figure = new_figure(6.4, 2.4)
        words = text.say(NONE, images=f"{evaluation.images:,}")
        figure.text(0.5, 0.5, words, ha="center", va="center", **text.font(TITLE, bold=True))
        return figure
    rows, columns = grid_of(len(worst), 2.2)
    wide, high = TILE + MARGIN, TILE + WORDS + MARGIN
    width, height = max(6.4, columns * wide + 2 * MARGIN), HEAD + rows * high
    figure = new_figure(width, height)
    subtitle = text.say(SUBTITLE if evaluation.has_probabilities else OUTPUT_SUBTITLE)
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
        return text.say(ONE)
    words = ALL_WORDS if count <= MOST else TITLE_WORDS
    return text.say(words, shown=MOST, all=f"{count:,}")


def _name(axes: Axes, mistake: Mistake, evaluation: Evaluation, text: Letters) -> None:
    """Write the true class below the image, and below it the predicted one."""
    true = text.drawable(shortened(evaluation.name_of(mistake.label), LONGEST_NAME))
    found = text.drawable(shortened(evaluation.name_of(mistake.predicted), LONGEST_NAME))
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
