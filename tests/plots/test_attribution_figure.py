"""Figures of attributions: the color bar shows what is drawn, and titles are in both languages."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.plots import Attribution, attribution_figure

IMAGE = np.random.default_rng(2).uniform(size=(1, 5, 4))


@pytest.mark.parametrize(("values", "ends"), [(IMAGE[0] - 0.5, None), (IMAGE[0], (0.0, float(IMAGE.max())))])
def test_color_bar_has_the_colors_of_the_map_over_dark_to_bright_pixels(values, ends):
    figure = attribution_figure(IMAGE, [Attribution("ash", values)], "grad-cam", "lenet")
    *_, drawn, bar = figure.axes
    below, above = bar.images
    overlay = drawn.images[1]
    assert (overlay.get_alpha(), overlay.cmap.name) == (above.get_alpha(), above.cmap.name)
    assert overlay.get_clim() == above.get_clim()
    reach = float(np.abs(values).max())
    assert overlay.get_clim() == (ends or (-reach, reach))
    assert above.get_alpha() < 1
    column = below.get_array()[:, 0]
    assert (column[0], column[-1]) == (1, 0)  # bright above, dark below


@pytest.mark.parametrize(("lang", "title"), [("en", "Input × gradient of lenet"), ("zh", "输入 × 梯度：lenet")])
def test_title_names_the_method_in_the_language(lang, title):
    figure = attribution_figure(IMAGE, [Attribution("ash", IMAGE)], "input-x-gradient", "lenet", lang)
    assert figure.texts[0].get_text() == title
