"""`convscope attribute`, `plot strongest` and `plot effective-field`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from cli.small_data import CLASSES, NETWORK, images, write_npz
from convscope.data.load import read_input


@pytest.fixture
def run(convscope, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path / "small.npz")
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 3, "--run", "mine", "--batch-size", 8)
    x, _ = images(3, seed=6)
    for name, image in zip(CLASSES, x, strict=True):
        Image.fromarray(image[0]).save(f"{name}.png")
    return "mine"


def width_of(path) -> int:
    with Image.open(path) as figure:
        return figure.width


def test_json_has_the_peak_of_the_map_and_the_figure_is_written(convscope, run, tmp_path):
    ended = convscope(
        "attribute", run, "ash.png", "--target", "bone", "--target", "0", "--method", "gradient", "--json"
    )
    assert ended.code == 0
    (document,) = json.loads(ended.out)["images"]
    assert width_of(tmp_path / document["figure"]) > 300
    model = cs.Model.load("mine")
    x = read_input("ash.png", model.network.input_shape)[None]
    for entry, target in zip(document["attributions"], (1, 0), strict=True):
        values = model.attribute(x, target)[0].sum(axis=0)
        assert (entry["target"], entry["class"]) == (target, CLASSES[target])
        assert entry["score"] == pytest.approx(float(model.logits(x)[0, target]))
        assert tuple(entry["peak"]) == np.unravel_index(np.abs(values).argmax(), values.shape)
        assert entry["max"] == pytest.approx(float(values.max()))


def test_default_target_is_the_best_class(convscope, run):
    model = cs.Model.load("mine")
    x = read_input("coal.png", model.network.input_shape)[None]
    best = CLASSES[int(model.logits(x)[0].argmax())]
    ended = convscope("attribute", run, "coal.png", "--save", "why.svg")
    assert (ended.code, ended.err) == (0, "saved why.svg\n")
    assert ended.out.startswith(f"coal.png: grad-cam of {best} (score ")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("mine", "ash.png", "--target", "oak"), "target"),
        (("mine", "ash.png", "--target", "7"), "target-class"),
        (("mine", "ash.png", "--method", "cam"), "method"),
        (("mine", "ash.png", "--layer", "conv9"), "layer-name"),
        (("mine", "ash.png", "bone.png", "--save", "a.png"), "attribute-save"),
        (("lenet", "ash.png"), "no-weights"),
        (("mine", "oak.png"), "image-missing"),
    ],
)
def test_bad_arguments_are_refused(convscope, run, arguments, code):
    ended = convscope("attribute", *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.strip().endswith(f"[{code}]")


def test_strongest_images_and_effective_field_are_drawn(convscope, run, tmp_path):
    layer = next(node.name for node in cs.load("mine") if node.kind == "Conv2d")
    ended = convscope(
        "plot", "strongest", run, layer, "--data", "small.npz", "--channel", 1, "--count", 3, "--save", "s.png"
    )
    assert ended.code == 0
    assert convscope("plot", "effective-field", run, layer, "--save", "e.png").code == 0
    assert convscope("plot", "effective-field", "lenet", "conv2", "--at", "3,4", "--save", "f.png").code == 0
    assert all(width_of(tmp_path / name) > 300 for name in ("s.png", "e.png", "f.png"))
    assert convscope("plot", "effective-field", run, "--count", 4, "--save", "g.png").code == 0
    assert width_of(tmp_path / "g.png") > 300
    missing = convscope("plot", "strongest", run, layer)
    assert (missing.code, "[data-missing]" in missing.err) == (2, True)


def test_negative_scores_have_a_minus_sign(convscope, run):
    printed = [
        line
        for name in CLASSES
        for line in convscope("attribute", run, "ash.png", "--target", name, "--save", "x.png").out.splitlines()
    ]
    scores = [line.partition("(score ")[2] for line in printed if "(score " in line]
    assert any(score.startswith("\u2212") for score in scores)
    assert not any(score.startswith("-") for score in scores)


def test_swapped_arguments_are_named(convscope, run):
    for verb in ("predict", "attribute"):
        ended = convscope(verb, "ash.png", run)
        assert ended.code == 2
        assert ended.err == (
            "convscope: 'ash.png' is an image, not a model. Name the model first, and images after it. [model-file]\n"
        )


def test_growth_with_the_weights_of_a_run_has_the_initial_weights_too(convscope, run, monkeypatch):
    from convscope import plots

    drawn = []
    original = plots.effective_growth_figure
    monkeypatch.setattr(
        plots,
        "effective_growth_figure",
        lambda fields, *rest: drawn.append(list(fields)) or original(fields, *rest),
    )
    assert convscope("plot", "effective-field", NETWORK, "--weights", run, "--count", "2").code == 0
    assert drawn == [["initial", "trained"]]


def test_channels_that_are_not_drawn_are_mentioned(convscope, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path / "small.npz")
    text = NETWORK.partition("|")[0] + "| conv 14 3 | flatten | dense 3"
    cs.Model(text).save("wide.safetensors")
    ended = convscope("plot", "strongest", "wide.safetensors", "conv1", "--data", "small.npz", "--count", "1")
    assert "The first 12 of 14 channels are drawn. Choose others with --channel." in ended.err
