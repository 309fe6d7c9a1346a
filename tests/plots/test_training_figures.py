"""Curves, feature maps, kernels and mistakes: what is drawn is what was computed."""

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text as Words
from PIL import Image

import convscope as cs
from convscope import plots
from convscope.data import ArrayDataset
from convscope.errors import BadData, BadShape, UnknownLayer
from convscope.plots.maps import kernels_of, layer_maps
from convscope.plots.style import grid_of
from convscope.plots.training import curves
from convscope.training.evaluation import Evaluation, Mistake

NETWORK = "input 3x13x11 | conv 5 3x2 | relu | maxpool 2 | conv 12 2 | tanh | flatten | dense 4"


def event(epoch, loss, accuracy, checked=True, **more):
    numbers = {"event": "epoch", "epoch": epoch, "step": 60 * epoch, "lr": 0.1 / epoch, "loss": loss}
    numbers |= {"accuracy": accuracy, "validation_loss": None, "validation_accuracy": None}
    if checked:
        numbers |= {"validation_loss": loss + 0.1 * epoch, "validation_accuracy": accuracy - 0.1}
    return {**numbers, **more}


EVENTS = [
    {"event": "step", "step": 0, "loss": 3.0, "lr": 0.01},
    {"event": "step", "step": 50, "loss": 2.0, "lr": 0.05},
    event(1, 1.5, 0.5),
    {"event": "step", "step": 100, "loss": None, "lr": 0.05},
    event(2, 0.6, 0.8),
    event(3, 0.55, 0.9),
]


@pytest.fixture(scope="module")
def model():
    return cs.Model(NETWORK, seed=4)


@pytest.fixture(scope="module")
def activations(model):
    image = np.random.default_rng(2).random((1, 3, 13, 11)).astype(np.float32)
    return model.activations(image)


def mistakes(count, names=("cat", "dog", "owl")):
    """Return an evaluation with so many mistakes of ever less certainty, and its source."""
    x = np.random.default_rng(1).random((max(count, 2), 1, 4, 6)).astype(np.float32)
    made = tuple(Mistake(at, 0, 2, 0.9 - at / 100, 0.05) for at in range(count))
    confusion = np.array([[1, 0, count, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    return Evaluation(names, 0.5, confusion, made), ArrayDataset(x, [0] * len(x), names)


def drawn(model, activations):
    return {
        "curves": plots.training_curves(EVENTS, "mine"),
        "curves-diverged": plots.training_curves(EXPLODED, "hot"),
        "curves-without-validation": plots.training_curves([event(1, 2, 0.3, False)], "a-name" * 20),
        "features": plots.feature_maps(model.network, activations),
        "kernels-in-color": plots.kernels_figure(model.network, model.parameters),
        "kernels-by-channel": plots.kernels_figure(model.network, model.parameters, "conv2"),
        "mistakes": plots.mistakes_figure(*mistakes(9)),
        "one-mistake": plots.mistakes_figure(*mistakes(1)),
        "no-mistake": plots.mistakes_figure(*mistakes(0)),
    }


def test_all_texts_are_inside_the_figure(model, activations):
    """Every text lies inside its figure."""
    for name, figure in drawn(model, activations).items():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        width, height = canvas.get_width_height()
        for text in figure.findobj(Words):
            if text.get_text() and text.get_visible():
                box = text.get_window_extent(canvas.get_renderer())
                assert box.x0 >= 0, (name, text)
                assert box.y0 >= 0, (name, text)
                assert box.x1 <= width, (name, text)
                assert box.y1 <= height, (name, text)


def test_saved_in_both_formats(tmp_path, model, activations):
    """The PNG has the figure's pixels, the SVG is well-formed."""
    for name, figure in drawn(model, activations).items():
        plots.save(figure, tmp_path / f"{name}.png")
        plots.save(figure, tmp_path / f"{name}.svg")
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.size == tuple(round(inches * figure.dpi) for inches in figure.get_size_inches())
        assert ElementTree.parse(tmp_path / f"{name}.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def words_of(figure):
    return {text.get_text() for text in figure.findobj(Words) if text.get_text()}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_language_has_all_its_words(model, activations, lang, monkeypatch):
    """No English sentence is left in a Chinese figure."""
    from convscope.plots import style

    monkeypatch.setattr(style, "chinese_font", lambda: style.LATIN_FONT)
    monkeypatch.setattr(style.Letters, "drawable", lambda _letters, text: text)
    figures = [
        plots.training_curves(EVENTS, "M", lang=lang),
        plots.feature_maps(model.network, activations, lang=lang),
        plots.kernels_figure(model.network, model.parameters, lang=lang),
        plots.mistakes_figure(*mistakes(3, ("1", "2", "3")), lang),
    ]
    for figure in figures:
        shown = words_of(figure)
        chinese = [word for word in shown if any("\u4e00" <= sign <= "\u9fff" for sign in word)]
        assert len(chinese) >= 2 if lang == "zh" else not chinese


def line(axes, label):
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found


def test_curves_match_the_log():
    """Steps stand at their share of an epoch; a step whose loss was not finite is left out."""
    known = curves(EVENTS)
    assert known.loss.tolist() == [1.5, 0.6, 0.55]
    assert known.validation_accuracy == pytest.approx([0.4, 0.7, 0.8])
    assert known.step_epochs == pytest.approx([0, 50 / 60])
    assert known.step_loss.tolist() == [3, 2]
    assert known.best == 1  # 0.8, while the last epoch has 0.85
    loss, accuracy, rate = plots.training_curves(EVENTS, "mine").axes
    assert line(loss, "_training").get_ydata().tolist() == [1.5, 0.6, 0.55]
    assert line(loss, "_validation").get_ydata() == pytest.approx([1.6, 0.8, 0.85])
    assert line(accuracy, "_best").get_xydata() == pytest.approx(np.array([[2, 0.7]]))
    assert line(rate, "_rate").get_xydata() == pytest.approx(
        np.array([[0, 0.01], [50 / 60, 0.05], [1, 0.1], [2, 0.05], [3, 0.1 / 3]])
    )


def test_dead_units_are_drawn_where_units_can_die():
    """Of all layers together; a network without ReLU has no such axes."""
    layers = [{"relu1": {"dead": 1, "units": 6}, "fc": {"gradient_norm": 1.0}, "relu2": {"dead": 2, "units": 9}}]
    layers.append({"relu1": {"dead": 4, "units": 6}, "relu2": {"dead": 2, "units": 9}})
    events = [{**event(at, 1.0, 0.5, False), "layers": seen} for at, seen in enumerate(layers, 1)]
    *_, dead = plots.training_curves(events, "mine").axes
    assert line(dead, "_dead").get_xydata() == pytest.approx(np.array([[1, 3], [2, 6]]))
    assert dead.get_title("left") == "dead units, of 15"
    assert len(plots.training_curves(EVENTS, "mine").axes) == 3


def test_a_loss_that_falls_far_has_a_logarithmic_axis():
    """From a ratio of thirty on."""
    far = [event(1, 2.0, 0.1, False), event(2, 0.05, 0.9, False)]
    near = [event(1, 2.0, 0.1, False), event(2, 0.1, 0.9, False)]
    assert plots.training_curves(far, "far").axes[0].get_yscale() == "log"
    assert plots.training_curves(near, "near").axes[0].get_yscale() == "linear"


EXPLODED = [
    {"event": "step", "step": 0, "loss": 2.5, "lr": 0.1},
    event(1, 1.5, 0.5),
    event(2, 0.6, 0.8),
    {"event": "step", "step": 130, "loss": 70.0, "lr": 0.1},
    {"event": "step", "step": 150, "loss": 3e9, "lr": 0.1},
    event(3, 4e30, 0.1),
    {"event": "stop", "reason": "diverged", "step": 180, "since": 129},
]


def test_loss_axis_after_divergence_shows_the_losses_before():
    """Losses beyond a thousand times the first are marked at the edge, by their positions; a note has the largest."""
    figure = plots.training_curves(EXPLODED, "hot")
    loss = figure.axes[0]
    bottom, top = loss.get_ylim()
    assert loss.get_yscale() == "log"
    assert bottom < 0.6
    assert 70 < top < 200
    marked = [found.get_xdata().tolist() for found in loss.lines if found.get_label() == "_outside"]
    assert marked == [[pytest.approx(150 / 60)], [3], [3]]
    assert {"▲ above this axis, up to 4e+30", "best: epoch 2, loss 0.8, accuracy 70.00 %"} <= words_of(figure)


def test_diverged_curves_have_no_best_epoch_where_none_ended_before():
    """The largest loss is no best one."""
    figure = plots.training_curves([EXPLODED[0], event(1, 4e30, 0.1), {**EXPLODED[-1], "since": 7}], "hot")
    assert "no epoch ended before training diverged at step 7" in words_of(figure)
    assert all(found.get_label() != "_best" for axes in figure.axes for found in axes.lines)


@pytest.mark.parametrize("decades", [1.7, 3.5, 5, 9, 14])
def test_loss_axis_is_labeled_at_any_span(decades):
    """Between two and twelve labels that do not touch."""
    figure = plots.training_curves([event(1, 3.0, 0.1, False), event(2, 3.0 / 10**decades, 0.9, False)], "x")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    bottom, top = figure.axes[0].get_ylim()
    ticks = [tick for tick in figure.axes[0].yaxis.get_major_ticks() if bottom <= tick.get_loc() <= top]
    boxes = [tick.label1.get_window_extent(canvas.get_renderer()) for tick in ticks if tick.label1.get_text()]
    assert 2 <= len(boxes) <= 12
    edges = sorted((box.y0, box.y1) for box in boxes)
    assert all(below[1] < above[0] for below, above in pairwise(edges))


def test_no_epoch_has_no_curves():
    """The message says how to get one."""
    with pytest.raises(BadData) as caught:
        plots.training_curves(EVENTS[:2], "mine")
    assert str(caught.value) == (
        "The run has no complete epoch to draw. Resume it with `convscope train --resume`. [no-epochs]"
    )


def test_feature_maps_match_the_activations(model, activations):
    """Of each layer those that reach farthest from zero, in the order of their channels."""
    rows = layer_maps(model.network, activations)
    assert [row.name for row in rows] == ["conv1", "pool1", "conv2"]
    assert [len(row.channels) for row in rows] == [5, 5, 12]
    conv2 = activations["conv2"][0]
    assert rows[2].channels == tuple(range(12))
    assert np.array_equal(rows[2].maps, conv2[list(rows[2].channels)])
    shown = [axes.images[0].get_array() for axes in plots.feature_maps(model.network, activations).axes]
    assert np.array_equal(shown[0], activations["input"][0].transpose(1, 2, 0))
    assert [image.shape for image in shown[1:]] == [(11, 10)] * 5 + [(5, 5)] * 5 + [(4, 4)] * 12
    assert np.array_equal(shown[11], rows[2].maps[0])


def test_the_more_layers_the_fewer_maps_of_each():
    """A single layer has up to 64 maps, eight layers have 8 each: those that reach farthest from zero."""
    wide = cs.Model("input 1x6x5 | " + " | ".join(["conv 70 1"] * 8), seed=1)
    values = wide.activations(np.random.default_rng(2).random((1, 1, 6, 5)).astype(np.float32))
    for names, count in ((["conv1"], 64), (["conv1", "conv2"], 32), (None, 8)):
        rows = layer_maps(wide.network, values, names)
        assert {len(row.maps) for row in rows} == {count}
        reach = np.abs(values[rows[0].name][0]).max(axis=(1, 2))
        assert rows[0].channels == tuple(sorted(np.argsort(-reach)[:count].tolist()))


def test_grids_fill_their_canvas():
    """Kernels and maps reach the right margin, and are not small in a large figure."""
    small, large = (cs.Model(f"input 1x12x11 | conv {count} 5", seed=1) for count in (6, 64))
    for model in (small, large):
        figure = plots.kernels_figure(model.network, model.parameters)
        width = figure.get_size_inches()[0]
        boxes = [axes.get_position() for axes in figure.axes]
        assert width * (1 - max(box.x1 for box in boxes)) <= 0.45
        assert sum(box.width * box.height for box in boxes) > 0.4
    values = large.activations(np.random.default_rng(2).random((1, 1, 12, 11)).astype(np.float32))
    figure = plots.feature_maps(large.network, values, ["conv1"])
    assert len(figure.axes) == 65
    assert max(axes.get_position().x1 for axes in figure.axes) > 0.94


def test_chosen_layers(model, activations):
    """In the order given."""
    rows = layer_maps(model.network, activations, ["tanh1", "relu1"])
    assert [row.name for row in rows] == ["tanh1", "relu1"]


def test_scale_is_symmetric_only_with_negative_values(model, activations):
    """White is zero, or dark is zero."""
    axes = plots.feature_maps(model.network, activations, ["conv1", "relu1"]).axes
    signed, positive = axes[1].images[0], axes[6].images[0]
    conv1, relu1 = activations["conv1"][0], activations["relu1"][0]
    assert signed.get_clim() == pytest.approx((-np.abs(conv1).max(), np.abs(conv1).max()))
    assert positive.get_clim() == pytest.approx((0, relu1.max()))


def test_layers_without_maps_are_refused(model, activations):
    """A flat layer, an unknown one."""
    with pytest.raises(BadShape) as caught:
        layer_maps(model.network, activations, ["dense1"])
    assert str(caught.value) == (
        "'dense1' has no feature maps: its output 4 has no rows and columns. Choose a layer before the flattening. "
        "[no-maps]"
    )
    with pytest.raises(
        UnknownLayer, match=r"^network has no layer 'conv3'. Did you mean conv2, conv1\? \[layer-name\]$"
    ):
        layer_maps(model.network, activations, ["conv3"])
    flat = cs.Model("input 1x2x3 | flatten | dense 2")
    with pytest.raises(BadShape, match=r"^network has no feature maps: .*\. \[no-maps\]$"):
        layer_maps(flat.network, flat.activations(np.zeros((1, 1, 2, 3), np.float32)))


def test_kernels_match_the_weights(model):
    """Three channels are colors around gray; others stand one by one."""
    name, weight = kernels_of(model.network, model.parameters)
    assert name == "conv1"
    assert np.array_equal(weight, model.parameters["conv1.weight"])
    figure = plots.kernels_figure(model.network, model.parameters)
    shown = [axes.images[0].get_array() for axes in figure.axes]
    assert len(shown) == 5
    expected = weight[3].transpose(1, 2, 0) / np.abs(weight).max() / 2 + 0.5
    assert np.asarray(shown[3]) == pytest.approx(expected, abs=1e-6)
    second = plots.kernels_figure(model.network, model.parameters, "conv2")
    images = [axes.images[0].get_array() for axes in second.axes]
    assert len(images) == 12 * 5
    assert np.array_equal(images[7 * 5 + 2], model.parameters["conv2.weight"][7, 2])


def test_layers_without_kernels_are_refused(model):
    """Nearest convolutions are offered."""
    with pytest.raises(
        BadShape,
        match=r"^'relu1' is not a two-dimensional convolution, .*\. Known: conv1, conv2\. \[no-kernels\]$",
    ):
        kernels_of(model.network, model.parameters, "relu1")
    with pytest.raises(
        UnknownLayer, match=r"^network has no layer 'con1'. Did you mean conv1, conv2\? \[layer-name\]$"
    ):
        kernels_of(model.network, model.parameters, "con1")
    with pytest.raises(BadShape, match=r"^network has no two-dimensional convolution, .*\. \[no-kernels\]$"):
        kernels_of(cs.load("input 1x2x3 | flatten"), {})


def test_error_figure_shows_the_images():
    """The most confident first, with the true and the predicted class."""
    result, source = mistakes(30)
    figure = plots.mistakes_figure(result, source)
    assert len(figure.axes) == 24
    image, _ = source.batch(np.array([5]))
    assert np.array_equal(figure.axes[5].images[0].get_array(), image[0, 0])
    assert [text.get_text() for text in figure.axes[5].texts] == ["cat", "→ owl  85 %"]
    outputs = plots.mistakes_figure(replace(result, has_probabilities=False), source)
    assert [text.get_text() for text in outputs.axes[5].texts] == ["cat", "→ owl  0.85"]
    assert "The 24 most confident of 30 errors" in words_of(figure)
    assert "All 9 errors" in words_of(plots.mistakes_figure(*mistakes(9)))
    assert "The only error" in words_of(plots.mistakes_figure(*mistakes(1)))
    assert "No errors in 3 images" in words_of(plots.mistakes_figure(*mistakes(0)))


@pytest.mark.parametrize(("count", "aspect"), [(1, 2), (5, 1), (16, 2.4), (24, 2.2), (64, 0.5)])
def test_tiles_have_room_and_no_row_is_empty(count, aspect):
    rows, columns = grid_of(count, aspect)
    assert (rows - 1) * columns < count <= rows * columns
