"""Boxes and lines of a drawn network keep out of each other's way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from matplotlib.backends.backend_agg import FigureCanvasAgg

import convscope as cs
from convscope import layers as L
from convscope import plots
from convscope.errors import BadNetwork
from convscope.layout.boxes import boxes_of
from convscope.plots.drawn_layer import look
from convscope.plots.network import _short_name
from random_networks import networks


def fronts(axes):
    """Return the front faces by the layer's name."""
    return {one.get_label(): one for one in axes.patches if not one.get_label().startswith("_")}


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_chain_is_labeled_with_names_settings_and_shapes():
    """Name, what the layer does, what follows it, and the output's shape, layer by layer."""
    figure = plots.network_figure(
        cs.load("input 3x31x45 | conv 4 3x5 s2x1 g1 | bn | relu | maxpool 2 | conv 8 3 d2 g2 | flatten | dense 10")
    )
    assert words(figure.axes[0]) == [
        *("input", "3×31×45"),
        *("conv1", "conv 3×5 /2×1", "+ bn · relu", "4×15×41"),
        *("pool1", "max pool 2×2 /2", "4×7×20"),
        *("conv2", "conv 3×3 d2 g2", "8×3×16"),
        *("flatten1", "flatten", "384"),
        *("dense1", "dense", "10"),
    ]
    assert figure.texts[0].get_text() == "network: 7 layers, input 3×31×45"
    assert list(fronts(figure.axes[0])) == ["input", "conv1", "pool1", "conv2", "flatten1", "dense1"]


def test_a_repeated_block_is_framed_with_its_count():
    """ResNet-18 draws its first stage once, times two; every line of the graph has its arrow."""
    figure = plots.network_figure(cs.load("resnet18"))
    axes = figure.axes[0]
    assert "×2" in words(axes)
    assert "layer1.1.conv1" not in fronts(axes)
    assert [one.get_label() for one in axes.patches].count("_frame") == 1
    whole = plots.network_figure(cs.load("resnet18"), folded=False).axes[0]
    assert "layer1.1.conv1" in fronts(whole)
    arrows = [one.get_label() for one in whole.patches].count("_arrow")
    assert arrows == sum(len(box.sources) for box in boxes_of(cs.load("resnet18")))


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "unet"])
def test_nothing_overlaps(name):
    """Solids and words of a whole network lie apart from each other, inside the figure."""
    figure = plots.network_figure(cs.load(name))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    axes = figure.axes[0]
    boxes = [patch.get_window_extent(renderer) for patch in fronts(axes).values()]
    boxes += [text.get_window_extent(renderer) for text in axes.texts]
    width, height = canvas.get_width_height()
    boxes = [box.padded(-1) for box in boxes]
    boxes.sort(key=lambda box: box.x0)
    for number, one in enumerate(boxes):
        assert one.x0 > 0
        assert one.y0 > 0
        assert one.x1 < width
        assert one.y1 < height
        for two in boxes[number + 1 :]:
            if two.x0 >= one.x1:
                break
            assert one.y0 >= two.y1 or two.y0 >= one.y1, (one, two)


@settings(max_examples=12)
@given(networks())
def test_any_network_can_be_drawn(network):
    """Lines begin at the right of their box and end at the left of the other, in whatever rows these stand."""
    axes = plots.network_figure(network, folded=False).axes[0]
    boxes = boxes_of(network)
    assert list(fronts(axes)) == [box.name for box in boxes]
    lines = [one.get_path().vertices for one in axes.patches if one.get_label() == "_edge"]
    ends = [(source, place) for place, box in enumerate(boxes) for source in box.sources]
    faces = [face.get_xy() for face in fronts(axes).values()]
    for line, (source, target) in zip(lines, ends, strict=True):
        assert line[0][0] > faces[source][:, 0].max()
        assert line[-1][0] < faces[target][:, 0].min()


def test_long_name_is_shortened_from_its_start():
    assert _short_name("layer2.0.downsample.conv1") == "…downsample.conv1"
    assert _short_name("inception4a.branch3.conv2") == "…branch3.conv2"
    assert _short_name("layer1.0.conv1") == "layer1.0.conv1"
    assert len(_short_name("a" * 50)) == 20


def test_colors_follow_the_layer_family():
    """A layer of a family that is not listed has its word in the notation."""
    assert look(L.Conv2d(4, (3, 1), stride=2)).words == ("conv 3×1 /2", "卷积 3×1 /2")
    assert look(L.ConvTranspose1d(4, 3)).words == ("up-conv 3", "转置卷积 3")
    assert look(L.LPPool2d(2, 3)).words[0].startswith("lppool ")
    assert look(L.ReLU()).words == ("relu", "relu")
    assert look(L.Flatten()).words == ("flatten", "展平")
    assert look(L.GlobalAvgPool2d()).words == ("globalavgpool", "全局平均池化")
    assert look(L.AdaptiveAvgPool2d(3)).words == ("adaptiveavgpool", "adaptiveavgpool")
    assert look(L.Opaque("Odd", (3, 4))).words == ("opaque", "opaque")
    assert look(L.Add()).color == look(L.Concat()).color != look(L.Linear(3)).color


def test_too_many_boxes_are_refused():
    """Layers that all differ fold to nothing; a page of hundreds would show nothing."""
    network = cs.load("input 1x5x7 | " + " | ".join(f"conv {width} 1" for width in range(1, 601)))
    with pytest.raises(BadNetwork) as caught:
        plots.network_figure(network)
    assert str(caught.value) == (
        "network is too large to draw: 601 boxes after merging repeated blocks, at most 600 fit. Use its "
        "table instead. [figure-size]"
    )


def test_an_input_alone_is_drawn():
    """So are two inputs of different rank."""
    from convscope.network import Entry, Network

    lonely = Network([Entry("a", L.Input((7,))), Entry("b", L.Input((3, 5, 6, 7)))])
    assert list(fronts(plots.network_figure(lonely).axes[0])) == ["a", "b"]
