"""The pooling figure shows the seed's numbers and the analyzed fields."""

from __future__ import annotations

from convscope import plots


def outlines(axes, name):
    found = [one for one in axes.patches if one.get_label() == name]
    return [(one.get_width(), one.get_height()) for one in found]


def test_fields_are_outlined_per_layer():
    """With pooling the unit sees 4×4 pixels through 2×2 pooled ones, without only 2×2."""
    figure = plots.pooling_growth()
    axes = figure.axes[0]
    assert outlines(axes, "_input") == [(4, 4), (2, 2)]
    assert outlines(axes, "_pool") == [(2, 2)]
    assert outlines(axes, "_conv") == [(1, 1), (1, 1)]


def test_the_numbers_are_pooled():
    """[[1,3,2,4],[3,5,4,6],[2,5,6,7],[4,7,6,8]] becomes [[5,6],[7,8]]."""
    shown = [text.get_text() for text in plots.pooling_growth().axes[0].texts]
    image = ["1", "3", "2", "4", "3", "5", "4", "6", "2", "5", "6", "7", "4", "7", "6", "8"]
    assert [text for text in shown if text.isdigit()] == [*image, *"5678", *image]
    assert [text for text in shown if "sees" in text] == ["one unit sees 4×4 pixels", "one unit sees 2×2 pixels"]
