"""Figure of the images that a model misclassifies with the highest confidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..data.dataset import Dataset
from ..derivations.derivation import Text
from ..training.evaluation import Evaluation, Mistake
from .style import (
    GRAY,
    LABEL,
    SMALL,
    TITLE,
    VERMILLION,
    Letters,
    grid_of,
    letters,
    new_figure,
    number,
    shortened,
    show_input,
)

MOST = 24
LONGEST_NAME = 14
TILE, WORDS, MARGIN, HEAD = 1.5, 0.62, 0.3, 0.95
"""Inches: image size, caption height, margin, title height."""

TITLE_WORDS = Text("The {shown} most confident of {all} errors", "{all} 个错误中置信度最高的 {shown} 个")
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
    words = ALL_WORDS if count <= MOST else TITLE_WORDS
    return text.translate(words, shown=MOST, all=f"{count:,}")


def _name(axes: Axes, mistake: Mistake, evaluation: Evaluation, text: Letters) -> None:
    """Label an image with its true and its predicted class."""
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
