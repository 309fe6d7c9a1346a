"""Figure of a lesson of the laboratory: its matrices as grids, its curves as charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..derivations.derivation import Text
from ..engines.reference.layers.rules import Array
from ..lab.arrays import number, without_rounding
from ..lab.lesson import Curves, Drawing, Lesson, Row, Section, Value
from ..lab.render.parts import printed
from .style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    LABEL,
    ORANGE,
    PURPLE,
    SIGNED,
    SKY,
    SMALL,
    TITLE,
    VERMILLION,
    Letters,
    frame,
    letters,
    new_figure,
    tidy,
)

WIDTH = 13.0
"""Inches."""

CELL, HEADING, ROW_TITLE, GAP, MARGIN = 0.5, 0.55, 0.34, 0.35, 0.45
"""Inches of a cell's side, a section's heading, a matrix's title, a gap, and the border."""

CHART, IMAGE = 3.6, 3.2
"""Inches of a chart's height, and of a large matrix's longer side."""

LINE = 0.21
"""Inches of a line of a drawing."""

LETTERS_PER_INCH = 105
"""Font size, in points, at which a letter is an inch wide, with room beside it."""

MONOSPACE = "DejaVu Sans Mono"

MOST_CELLS = 20
"""A matrix with a longer side is drawn as an image, without numbers."""

COLORS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, INK)
STYLES = ("-", "--", ":")


@dataclass(frozen=True)
class LessonTile:
    """A matrix with its title, or a sign, and its size in inches."""

    title: Text | None
    matrix: Array | None
    sign: str
    width: float
    height: float


@dataclass(frozen=True)
class Band:
    """Tiles side by side, a chart, a drawing, or a heading; `top` is in inches from the figure's top."""

    top: float
    tiles: tuple[LessonTile, ...] = ()
    chart: Curves | None = None
    drawing: Drawing | None = None
    heading: Text | None = None


def lesson_figure(lesson: Lesson, lang: str = "en") -> Figure:
    """Draw the values of a lesson, section by section.

    Errors:   BadSetting [figure-language]
    """
    text = letters(lang)
    bands, height = _laid_out(lesson)
    figure = new_figure(WIDTH, height)
    figure.text(
        MARGIN / WIDTH, 1 - 0.5 / height, text.translate(lesson.title), va="center", **text.font(TITLE, True)
    )
    for band in bands:
        if band.heading is not None:
            y = 1 - (band.top + HEADING * 0.6) / height
            figure.text(MARGIN / WIDTH, y, text.translate(band.heading), va="center", **text.font(LABEL, True))
        elif band.chart is not None:
            box = (0.07, 1 - (band.top + CHART - 0.55) / height, 0.76, (CHART - 0.95) / height)
            _draw_chart(figure.add_axes(box), band.chart, text)
        elif band.drawing is not None:
            _draw_lines(figure, band, band.drawing, height, text)
        else:
            _draw_tiles(figure, band, height, text)
    return figure


def _laid_out(lesson: Lesson) -> tuple[list[Band], float]:
    bands: list[Band] = []
    top = 0.9
    for section in lesson.sections:
        drawn = list(_bands(section))
        if not drawn:
            continue
        bands.append(Band(top, heading=section.title))
        top += HEADING
        for band in drawn:
            bands.append(replace(band, top=top))
            top += _height(band)
    return bands, top + MARGIN


def _height(band: Band) -> float:
    if band.chart is not None:
        return CHART
    if band.drawing is not None:
        return (band.drawing.lines.en.count("\n") + 1) * LINE + GAP
    return max(tile.height for tile in band.tiles) + ROW_TITLE + GAP


def _bands(section: Section) -> Iterator[Band]:
    for block in printed(section.blocks):
        match block:
            case Row(parts):
                yield from (Band(0, tiles) for tiles in _lines([tile for part in parts for tile in _tiles(part)]))
            case Curves():
                yield Band(0, chart=block)
            case Drawing():
                yield Band(0, drawing=block)
            case _:
                pass


def _tiles(part: Value | str) -> Iterator[LessonTile]:
    if isinstance(part, str):
        yield LessonTile(None, None, part, 0.3, CELL)
        return
    for title, matrix in part.maps():
        rows, columns = matrix.shape
        longest = max(rows, columns)
        if longest > MOST_CELLS:
            cell = IMAGE / longest
            yield LessonTile(title, matrix, "", max(columns * cell, 0.5), max(rows * cell, 0.3))
        else:
            wide = min(max(CELL, 0.11 * _longest(matrix) + 0.12), (WIDTH - 2 * MARGIN) / columns)
            yield LessonTile(title, matrix, "", columns * wide, rows * min(CELL, 0.36 + 0.02 * (12 - rows)))


def _lines(tiles: list[LessonTile]) -> Iterator[tuple[LessonTile, ...]]:
    """Yield tiles in lines that fit the figure's width."""
    line: list[LessonTile] = []
    used = 0.0
    for tile in tiles:
        if line and used + tile.width > WIDTH - 2 * MARGIN:
            yield tuple(line)
            line, used = [], 0.0
        line.append(tile)
        used += _room(tile) + GAP
    if line:
        yield tuple(line)


def _room(tile: LessonTile) -> float:
    """Return the width of a tile with its title."""
    if tile.title is None:
        return tile.width
    words = max(sum(2 if ord(one) > 0x2E80 else 1 for one in words) for words in tile.title)
    return max(tile.width, 0.088 * words)


def _draw_tiles(figure: Figure, band: Band, height: float, text: Letters) -> None:
    left = MARGIN
    tallest = max(tile.height for tile in band.tiles)
    for tile in band.tiles:
        if tile.matrix is None or tile.title is None:
            y = 1 - (band.top + ROW_TITLE + tallest / 2) / height
            at = ((left + tile.width / 2) / WIDTH, y)
            figure.text(*at, text.drawable(tile.sign), ha="center", va="center", **text.font(LABEL, color=GRAY))
        else:
            y = 1 - (band.top + ROW_TITLE * 0.6) / height
            title = text.translate(tile.title).replace("$", "")
            figure.text(left / WIDTH, y, title, va="center", **text.font(SMALL, color=GRAY))
            bottom = 1 - (band.top + ROW_TITLE + tile.height) / height
            _draw_matrix(
                figure.add_axes((left / WIDTH, bottom, tile.width / WIDTH, tile.height / height)),
                tile.matrix,
                text,
            )
        left += _room(tile) + GAP


def _draw_matrix(axes: Axes, matrix: Array, text: Letters) -> None:
    """Draw a matrix in two colors around 0, with numbers where there is room; images without signs are gray."""
    with_numbers = max(matrix.shape) <= MOST_CELLS
    largest = (1.6 if with_numbers else 1.0) * float(np.abs(matrix).max()) or 1.0
    matrix = without_rounding(matrix)
    if matrix.min() >= 0 and not with_numbers:
        axes.imshow(matrix, cmap="gray", vmin=0, vmax=largest, aspect="auto", interpolation="nearest")
    else:
        axes.imshow(matrix, cmap=SIGNED, vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest")
    frame(axes)
    if not with_numbers:
        return
    size = min(SMALL, _inches(axes) / matrix.shape[1] / _longest(matrix) * LETTERS_PER_INCH)
    for (row, column), value in np.ndenumerate(matrix):
        axes.text(column, row, number(float(value)), ha="center", va="center", **text.font(size))
    for row in np.arange(0.5, matrix.shape[0] - 1):
        axes.axhline(row, color="white", lw=1.5)
    for column in np.arange(0.5, matrix.shape[1] - 1):
        axes.axvline(column, color="white", lw=1.5)


def _inches(axes: Axes) -> float:
    """Return the width of axes in inches."""
    width: float = axes.get_position().width * WIDTH
    return width


def _longest(matrix: Array) -> int:
    """Return the letters of the longest number."""
    return max(len(number(float(value))) for value in without_rounding(matrix).ravel())


def _draw_lines(figure: Figure, band: Band, drawing: Drawing, height: float, text: Letters) -> None:
    """Draw lines of characters in a font of equal widths."""
    lines = text.translate(drawing.lines).split("\n")
    for place, line in enumerate(lines):
        y = 1 - (band.top + (place + 0.7) * LINE) / height
        families = [MONOSPACE, *text.families]
        figure.text(MARGIN / WIDTH, y, line, family=families, fontsize=SMALL, color=INK, parse_math=False)


def _draw_chart(axes: Axes, chart: Curves, text: Letters) -> None:
    tidy(axes, text)
    if isinstance(chart.x, tuple):
        _draw_bars(axes, chart, chart.x, text)
    else:
        for place, (name, values) in enumerate(chart.series.items()):
            color, style = COLORS[place % len(COLORS)], STYLES[place // len(COLORS) % len(STYLES)]
            wide = max(1.4, 3.8 - 0.6 * place)  # lines that coincide show below each other
            axes.plot(chart.x, values, color=color, ls=style, lw=wide, label=_legend(chart, name, text))
    axes.set_title(text.translate(chart.title), loc="left", **text.font(SMALL, color=GRAY))
    axes.set_xlabel(text.translate(chart.x_label), **text.font(SMALL))
    if len(chart.series) > 1:
        axes.legend(frameon=False, prop=text.properties(), loc="center left", bbox_to_anchor=(1.01, 0.5))


def _legend(chart: Curves, name: str, text: Letters) -> str:
    return text.translate(chart.labels[name]) if name in chart.labels else name


def _draw_bars(axes: Axes, chart: Curves, names: tuple[Text, ...], text: Letters) -> None:
    wide = 0.8 / len(chart.series)
    for place, (name, values) in enumerate(chart.series.items()):
        at = np.arange(len(names)) + (place - (len(chart.series) - 1) / 2) * wide
        bars = axes.bar(at, values, wide * 0.92, color=COLORS[place], label=_legend(chart, name, text))
        if len(names) <= MOST_CELLS // 2:
            axes.bar_label(bars, [number(float(f"{value:.4g}")) for value in values], **text.font(SMALL))
    axes.margins(y=0.12)
    if chart.logarithmic:
        positive = np.concatenate(list(chart.series.values()))
        axes.set_yscale("log")
        axes.set_ylim(positive.min() / 10, positive.max() * 10)
    else:
        axes.axhline(0, color=GRAY, lw=0.8)
    labels = [text.translate(name) for name in names]
    axes.set_xticks(np.arange(len(names)), labels, **text.font(SMALL))
    if len(names) > MOST_CELLS // 2:
        axes.tick_params(axis="x", rotation=90)
