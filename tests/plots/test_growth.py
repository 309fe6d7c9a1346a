"""The drawn receptive fields are the analyzed ones."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope import plots
from convscope.errors import BadShape
from convscope.layers import Conv2d, Input
from convscope.network import Entry, Network
from convscope.plots.growth import spread
from convscope.plots.style import shortened

# Sizes by hand: rows 3, 3, 3+1·2=5; columns 5, 5+(2−1)·1=6, 6+4·3=18.
CHAIN = "input 3x31x45 | a: conv 4 3x5 s2x1 | b: maxpool 1x2 s1x3 | c: conv 6 2x5 | d: globalavgpool"


def line(axes, label):
    return next(one for one in axes.lines if one.get_label() == label)


def test_alexnet_shows_the_published_sizes():
    """One line for both axes: the input's own pixel, then the sizes of the seed's table."""
    figure = plots.field_growth(cs.load("alexnet"))
    axes = figure.axes[0]
    places, sizes = line(axes, "_field").get_data()
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names[:5] == ["input", "conv1", "relu1", "norm1", "pool1"]
    shown = dict(zip(names, sizes[[int(tick) for tick in axes.get_xticks()]], strict=True))
    known = {
        "input": 1,
        "conv1": 11,
        "pool1": 19,
        "conv2": 51,
        "pool2": 67,
        "conv3": 99,
        "conv4": 131,
        "conv5": 163,
    }
    assert {name: shown[name] for name in known} == known
    assert shown["pool5"] == 195
    assert shown["fc6"] == shown["fc7"] == 355
    assert list(places) == list(range(25))
    assert line(axes, "_image").get_ydata()[0] == 227
    numbers = [text.get_text() for text in axes.texts]
    assert numbers == ["image: 227", *["11", "19", "51", "67", "99", "131", "163", "195", "355"]]


def test_axes_that_differ_get_a_line_each():
    """Height and width on their own, labeled together, with two sizes of the image."""
    figure = plots.field_growth(cs.load(CHAIN))
    axes = figure.axes[0]
    assert list(line(axes, "height").get_ydata()) == [1, 3, 3, 5, 31]
    assert list(line(axes, "width").get_ydata()) == [1, 5, 6, 18, 45]
    assert [one.get_ydata()[0] for one in axes.lines if one.get_label() == "_image"] == [31, 45]
    assert [text.get_text() for text in axes.texts] == [
        *("image: 31 (height)", "image: 45 (width)"),
        *("3×5", "3×6", "5×18"),
    ]


def test_status_changes_are_marked():
    """A strip over the layers has a stretch per run of one status, and the legend names those that occur."""
    network = cs.load("resnet18")
    figure = plots.field_growth(network)
    strip = figure.axes[1]
    stretches = [
        (patch.get_label(), patch.get_x() + 0.5, patch.get_x() + patch.get_width() - 0.5)
        for patch in strip.patches
    ]
    statuses = ["exact", *(row.receptive_field.status for row in cs.inspect(network))]
    first_union, first_global = statuses.index("union"), statuses.index("global")
    assert stretches == [
        ("_exact", 0, first_union - 1),
        ("_union", first_union, first_global - 1),
        ("_global", first_global, len(statuses) - 1),
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        *("exact", "union of paths", "global: every pixel")
    ]
    stars = line(figure.axes[0], "_global")
    assert set(stars.get_ydata()) == {224}


def test_lines_follow_the_graph():
    """Every connection between local fields is one stroke."""
    network = cs.load("resnet18")
    axes = plots.field_growth(network).axes[0]
    strokes = {tuple(int(x) for x, _ in path.vertices) for path in axes.collections[0].get_paths()}
    expected = {
        (source, node.index) for node in network.layers for source in node.sources if node.name != "globalavgpool1"
    }
    assert strokes == expected


def test_squeeze_and_excitation_is_no_growth():
    """A global side path has its stars on the image's line; no stroke leads there or back, no number stands there."""
    network = cs.load("mobilenet_v3_small")
    axes = plots.field_growth(network).axes[0]
    statuses = ["exact", *(row.receptive_field.status for row in cs.inspect(network))]
    for path in axes.collections[0].get_paths():
        one, two = (int(x) for x, _ in path.vertices)
        assert (statuses[one] == "global") == (statuses[two] == "global")
    assert "224" not in [text.get_text() for text in axes.texts]


def test_hundreds_of_names_are_thinned():
    """ResNet-152 keeps at most 44 names, none nearer than a slot, the last always."""
    network = cs.load("resnet152")
    axes = plots.field_growth(network).axes[0]
    places = list(axes.get_xticks())
    assert 20 < len(places) <= 44
    assert min(np.diff(places)) >= len(network) / 44
    assert places[-1] == len(network) - 1


def test_unknown_fields_leave_a_gap():
    """What cannot be followed is not drawn as a number."""
    network = cs.load("input 3x20x30 | conv 4 3 | opaque Mystery 4x5x6 | conv 2 3")
    axes = plots.field_growth(network).axes[0]
    assert np.isnan(line(axes, "_field").get_ydata()).tolist() == [False, False, True, True]


def test_one_and_three_dimensions():
    """A sequence has one axis, a volume three."""
    sequence = cs.load("input 3x40 | conv 4 5 | conv 2 3 s2")
    assert list(line(plots.field_growth(sequence).axes[0], "_field").get_ydata()) == [1, 5, 7]
    volume = cs.load("input 3x9x11x13 | conv 4 1x3x5")
    axes = plots.field_growth(volume).axes[0]
    assert [list(line(axes, name).get_ydata()) for name in ("depth", "height", "width")] == [
        [1, 1],
        [1, 3],
        [1, 5],
    ]


def test_names_are_drawn_as_they_are():
    """Dollar signs make no formulas, unknown signs no warnings."""
    network = Network([Entry("input", Input((3, 9, 11))), Entry("$x^2$层", Conv2d(2, 3), ("input",))])
    axes = plots.field_growth(network).axes[0]
    assert axes.get_xticklabels()[1].get_text().startswith("$x^2$")
    axes.figure.canvas.draw()


def test_an_input_alone_does_not_grow():
    with pytest.raises(BadShape) as caught:
        plots.field_growth(Network([Entry("input", Input((3, 9, 11)))]))
    assert str(caught.value) == (
        "The network has only an input, so there is no receptive field to draw. Add layers. [field-growth]"
    )


def test_the_heaviest_places_are_chosen():
    """The last place first, then by weight, all at least the gap apart."""
    assert spread([5, 1, 9, 8, 0, 0, 7, 1], 3, 2) == [0, 2, 7]
    assert spread([1, 2, 3], 9, 1) == [0, 1, 2]


def test_long_names_lose_their_middle():
    assert shortened("layer4.0.downsample.conv1", 12) == "layer….conv1"
    assert shortened("conv1", 12) == "conv1"
