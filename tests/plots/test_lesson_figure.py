"""Figures of lessons show every value, with texts that do not overlap, in both languages."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from convscope import lab, plots
from convscope.lab.arrays import number
from convscope.lab.topics import loops_and_matrix

SMALL = {"loops-and-matrix": {"shape": (1, 5, 6), "kernels": 2}, "small-network": {"epochs": 1}}


def texts(figure):
    """Return the visible texts of a figure with their boxes in pixels, without the labels of ticks."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ticks = {id(one) for axes in figure.axes for one in (*axes.get_xticklabels(), *axes.get_yticklabels())}
    shown = [one for one in figure.findobj(Text) if one.get_text().strip() and one.get_visible()]
    shown = [one for one in shown if id(one) not in ticks]
    return canvas.get_width_height(), [
        (one.get_text(), one.get_window_extent(canvas.get_renderer())) for one in shown
    ]


@pytest.mark.parametrize(
    ("name", "lang"),
    [(name, "en") for name in lab.list_topics()]
    + [(name, "zh") for name in ("channels", "dropout", "softmax", "im2col")],
)
def test_texts_are_inside_and_do_not_overlap(name, lang, monkeypatch):
    monkeypatch.setattr(loops_and_matrix, "LEAST_SECONDS", 1e-6)
    (width, height), shown = texts(plots.lesson_figure(lab.teach(name, **SMALL.get(name, {})), lang))
    for text, box in shown:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    shrunk = [(text, box.padded(-2)) for text, box in shown]
    near = sorted(shrunk, key=lambda one: one[1].y0)
    for place, (text, box) in enumerate(near):
        for other, beside in near[place + 1 :]:
            if beside.y0 > box.y1:
                break
            assert not box.overlaps(beside), (text, other)


def test_every_number_is_drawn():
    made = lab.teach("relu", x=[[-2.5, 1.25], [0.5, -7]])
    drawn = [text for text, _ in texts(plots.lesson_figure(made))[1]]
    for array in (made["x"], made["y"]):
        assert {number(float(value)) for value in array.ravel()} <= set(drawn)


def test_large_matrix_is_an_image_without_numbers():
    figure = plots.lesson_figure(lab.teach("edges", x=np.arange(900.0).reshape(30, 30)))
    drawn = [text for text, _ in texts(figure)[1]]
    assert "899" not in drawn
    assert next(axes.images[0].get_array().shape for axes in figure.axes if axes.images) == (30, 30)


def test_log_bars_start_below_the_smallest(monkeypatch):
    monkeypatch.setattr(loops_and_matrix, "LEAST_SECONDS", 1e-6)
    figure = plots.lesson_figure(lab.teach("loops-and-matrix", shape=(1, 5, 6), kernels=2))
    (axes,) = figure.axes
    heights = [bar.get_height() for bar in axes.patches]
    assert axes.get_ylim()[0] == pytest.approx(min(heights) / 10)
