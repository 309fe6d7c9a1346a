"""A region lies on the image where the analysis says."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope import images, plots
from convscope.errors import BadShape

HOLES = "input 3x40x60 | a: conv 4 3x2 s2x3 p2 d3x5"


def drawn(network, layer, at):
    region = network.field(layer, at)
    image = np.full((*network.input_shape[1:], 3), 40, np.uint8)
    figure = plots.region_on_image(region, image)
    return region, figure, figure.axes[0]


def box(axes, label):
    patch = next(one for one in axes.patches if one.get_label() == label)
    left, top = patch.get_xy()
    return top, left, top + patch.get_height(), left + patch.get_width()


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_box_and_center_match_the_analysis():
    """AlexNet's pool5 unit (3, 2): rows 32…227, columns 0…195, center (129.5, 97.5), worked by the recurrence."""
    _, figure, axes = drawn(cs.load("alexnet"), "pool5", (3, 2))
    assert box(axes, "_box") == box(axes, "_clipped") == (32, 0, 227, 195)
    center = next(one for one in axes.lines if one.get_label() == "_center")
    assert (center.get_ydata()[0], center.get_xdata()[0]) == (129.5, 97.5)
    assert texts(figure) == [
        "pool5, unit (3, 2)",
        "sees 195×195 pixels  ·  center (129.5, 97.5)",
        "0 % of the region is padding",
    ]
    assert not [one for one in axes.patches if one.get_label() == "_margin"]


def test_padding_is_dashed_on_a_hatched_margin():
    """AlexNet's fc6 sees 355 pixels of a 227 image: 64 of padding on each side."""
    _, figure, axes = drawn(cs.load("alexnet"), "fc6", (0, 0))
    assert box(axes, "_box") == (-64, -64, 291, 291)
    assert box(axes, "_clipped") == (0, 0, 227, 227)
    margin = next(one for one in axes.patches if one.get_label() == "_margin")
    assert margin.get_hatch() == "///"
    top, left, bottom, right = box(axes, "_margin")
    assert top < -64
    assert left < -64
    assert bottom > 291
    assert right > 291
    assert texts(figure)[2] == f"{100 * (1 - 227**2 / 355**2):.3g} % of the region is padding"


def test_untouched_pixels_are_veiled():
    """Unit (6, 7): rows 12−2+{0, 3, 6}, columns 21−2+{0, 5}; all else lies under white."""
    _, figure, axes = drawn(cs.load(HOLES), "a", (6, 7))
    pixels = axes.images[0].get_array()
    seen = np.zeros((40, 60), bool)
    seen[np.ix_([10, 13, 16], [19, 24])] = True
    assert (pixels[seen] == 40).all()
    assert (pixels[~seen] == round(40 + (255 - 40) * 0.62)).all()
    assert texts(figure)[2] == "0 % of the region is padding  ·  14.3 % of its pixels are covered"


def test_pixels_are_rendered_at_their_positions():
    """In the written PNG, the middle of a seen pixel keeps its color and that of its neighbor is veiled."""
    _, figure, axes = drawn(cs.load(HOLES), "a", (6, 7))
    file = BytesIO()
    figure.savefig(file, format="png", dpi=figure.dpi)
    image = Image.open(file).convert("RGB")
    for row, column, level in ((13, 19, 40), (13, 20, 173), (14, 19, 173), (30, 50, 173)):
        x, y = axes.transData.transform((column + 0.5, row + 0.5))
        assert image.getpixel((int(x), int(image.height - y))) == (level,) * 3


def test_unit_that_sees_only_padding_is_labeled():
    """Nothing is touched, and the caption says so."""
    network = cs.load("input 1x9x11 | a: conv 2 1 p2")
    _, figure, _ = drawn(network, "a", (0, 0))
    assert texts(figure)[1:] == ["sees only padding", "100 % of the region is padding"]


def test_a_huge_region_does_not_hide_the_image():
    """At most one image's size is shown on each side, and the caption says that more follows."""
    network = cs.load("input 1x12x10 | " + " | ".join(["conv 1 3 p8 d8"] * 12))
    _, figure, axes = drawn(network, "conv12", (5, 5))
    assert axes.get_xlim()[0] == pytest.approx(-10, abs=1)
    assert axes.get_ylim()[0] == pytest.approx(24, abs=1)
    assert texts(figure)[2].endswith("the region extends beyond this view")


def test_global_regions_show_the_whole_image():
    network = cs.load("input 3x12x10 | a: conv 2 3 | b: globalavgpool")
    _, _, axes = drawn(network, "b", (0, 0))
    assert box(axes, "_clipped") == (0, 0, 12, 10)
    assert (axes.images[0].get_array() == 40).all()


def test_the_image_must_have_the_inputs_size():
    network = cs.load(HOLES)
    with pytest.raises(BadShape) as caught:
        plots.region_on_image(network.field("a", (1, 2)), images.sample_image((3, 40, 61)))
    assert str(caught.value) == (
        "The image must have the size of the input that the region is on (got image=40×61, input=40×60). "
        "Resize it with load_image. [region-image]"
    )
