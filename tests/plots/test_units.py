"""The units that see a pixel are drawn where the analysis says."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope import plots
from convscope.errors import BadShape
from convscope.plots.region import BY_GLOBAL_PATH, SEEING

GATED = "input 3x48x60 | conv 8 3 s2 p1 | g: globalavgpool | c: conv 8 1 | s: sigmoid | m: mul conv1 s | conv2: conv 4 3"


def test_units_are_colored_on_the_map_and_the_pixel_is_marked():
    network = cs.load(GATED)
    units = network.seen_by((20, 33), "conv2")
    figure = plots.units_beside_image(units, np.full((48, 60, 3), 40, np.uint8))
    left, right = figure.axes
    mark = next(patch for patch in left.patches if patch.get_label() == "_pixel")
    assert mark.get_xy() == (33, 20)
    pixels = right.images[0].get_array()
    assert ((pixels == SEEING).all(axis=2) == units.local_mask).all()
    assert (pixels[~units.local_mask] == BY_GLOBAL_PATH).all()
    assert figure.texts[1].get_text() == "616 of 616 units, in every channel"


def test_units_of_a_vector_are_not_drawn():
    network = cs.load("input 3x12x15 | conv 4 3 | flatten | dense 7")
    with pytest.raises(BadShape) as caught:
        plots.units_beside_image(network.seen_by((1, 2), "dense1"), np.zeros((12, 15, 3), np.uint8))
    assert str(caught.value) == (
        "Only units of feature maps that see an image can be drawn (got units on 7). Ask without --save. "
        "[units-image]"
    )
