"""--weights, --classes, --normalize and --task on the verbs that run a network, `diagnose --data`, and bad input."""

from __future__ import annotations

import json
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from cli.small_data import CLASSES, NETWORK, images, write_npz
from convscope.data.load import read_input

torch = pytest.importorskip("torch")

FIRST = next(node.name for node in cs.load(NETWORK) if node.kind == "Conv2d")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with data, images, and the weights of one model in several formats."""
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path / "small.npz")
    x, _ = images(3, seed=6)
    for name, image in zip(CLASSES, x, strict=True):
        Image.fromarray(image[0]).save(f"{name}.png")
    (tmp_path / "names.txt").write_text("\n".join(f"tree {name}" for name in CLASSES))
    model = cs.Model(NETWORK, seed=4)
    model.save("w.safetensors")
    torch.save(
        {name: torch.from_numpy(a.copy()) for name, a in {**model.parameters, **model.buffers}.items()}, "w.pt"
    )
    return tmp_path


def model() -> cs.Model:
    return cs.Model(NETWORK, seed=4)


def normalized(name: str) -> np.ndarray:
    return (read_input(name, model().network.input_shape)[None] - np.float32(0.2)) / np.float32(0.3)


@pytest.mark.parametrize("weights", ["w.pt", "w.safetensors"])
def test_predict_takes_weights_normalization_and_classes(convscope, here, weights):
    ended = convscope(
        *("predict", NETWORK, "ash.png", "--weights", weights, "--normalize", "0.2/0.3"),
        *("--classes", "names.txt", "--task", "classification", "--top", len(CLASSES), "--json"),
    )
    assert ended.code == 0, ended.err
    guesses = json.loads(ended.out)["images"][0]["classes"]
    logits = model().predict(normalized("ash.png"))[0]
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert {one["name"]: pytest.approx(one["probability"], rel=1e-4) for one in guesses} == dict(
        zip([f"tree {name}" for name in CLASSES], expected.astype(float), strict=True)
    )


def test_attribute_explain_and_evaluate_take_weights(convscope, here):
    options = ("--weights", "w.pt", "--normalize", "0.2/0.3")
    ended = convscope(
        "attribute", NETWORK, "ash.png", *options, "--classes", "names.txt", "--method", "gradient",
        "--target", f"tree {CLASSES[1]}", "--json",
    )  # fmt: skip
    (entry,) = json.loads(ended.out)["images"][0]["attributions"]
    assert (entry["target"], entry["class"]) == (1, f"tree {CLASSES[1]}")
    assert entry["score"] == pytest.approx(float(model().logits(normalized("ash.png"))[0, 1]), rel=1e-4)

    ended = convscope("explain", NETWORK, FIRST, "--image", "ash.png", "--channel", 1, "--at", "2,3", *options)
    value = float(model().activations(normalized("ash.png"), [FIRST])[FIRST][0, 1, 2, 3])
    assert ended.code == 0
    assert f"{value:.4g}"[:5] in ended.out.replace("−", "-")

    ended = convscope("evaluate", NETWORK, *options, "--data", "small.npz", "--json")
    source = cs.load_data("small.npz", "test")
    x, labels = source.batch(np.arange(len(source)))
    scores = model().predict((x - np.float32(0.2)) / np.float32(0.3))
    assert json.loads(ended.out)["accuracy"] == pytest.approx(float((scores.argmax(axis=1) == labels).mean()))


def test_figures_take_weights(convscope, here):
    for words in (
        ("plot", "kernels", NETWORK),
        ("plot", "features", NETWORK, "ash.png"),
        ("plot", "strongest", NETWORK, FIRST, "--data", "small.npz", "--channel", 1, "--count", 2),
        ("plot", "effective-field", NETWORK, FIRST),
    ):
        ended = convscope(*words, "--weights", "w.pt", "--save", "f.png")
        assert (ended.code, ended.err) == (0, "saved f.png\n")


def test_strongest_searches_normalized_images(convscope, here, monkeypatch):
    seen = []
    strongest = import_module("convscope.inside.strongest")
    genuine = strongest.strongest_of_channels
    monkeypatch.setattr(
        strongest, "strongest_of_channels", lambda *given, **more: seen.append(genuine(*given, **more)) or seen[-1]
    )
    convscope(
        "plot", "strongest", NETWORK, FIRST, "--data", "small.npz", "--channel", 0, "--count", 1,
        "--weights", "w.pt", "--normalize", "0.2/0.3", "--save", "f.png",
    )  # fmt: skip
    source = cs.load_data("small.npz", "test")
    x, _ = source.batch(np.arange(len(source)))
    values = model().activations((x - np.float32(0.2)) / np.float32(0.3), [FIRST])[FIRST][:, 0]
    assert seen[0][0][0].value == pytest.approx(float(values.max()), rel=1e-5)


def test_convert_writes_weights_with_their_description(convscope, here):
    options = ("--weights", "w.pt", "--normalize", "0.2/0.3", "--classes", "names.txt")
    for name in ("out.onnx", "out.safetensors", "out.pt"):
        verb = "export" if name == "out.pt" else "convert"
        ended = convscope(verb, NETWORK, name, *options)
        assert (ended.code, ended.err) == (0, f"saved {name}\n")
    for name in ("out.onnx", "out.safetensors"):
        loaded = cs.load_model(name)
        assert loaded.classes == tuple(f"tree {one}" for one in CLASSES)
        assert loaded.normalization.to_dict() == {"mean": [0.2], "std": [0.3]}
        np.testing.assert_allclose(
            loaded.predict(normalized("ash.png")), model().predict(normalized("ash.png")), rtol=1e-4, atol=1e-5
        )
    state = torch.load("out.pt", weights_only=True)
    assert set(state) == {*model().parameters, *model().buffers}


def test_training_starts_from_weights_and_a_resumed_run_stays_normalized(convscope, here):
    words = ("--data", "small.npz", "--batch-size", 8, "--validation", "0")
    first = convscope(
        "train",
        NETWORK,
        *words,
        "--weights",
        "w.pt",
        "--normalize",
        "0.2/0.3",
        "--lr",
        "1e-30",
        "--epochs",
        1,
        "--run",
        "a",
    )
    assert first.code == 0, first.err
    trained = cs.Model.load("a")
    for name in model().parameters:
        np.testing.assert_allclose(trained.parameters[name], model().parameters[name], rtol=1e-6, atol=1e-20)
    assert trained.normalization.to_dict() == {"mean": [0.2], "std": [0.3]}
    options = (*words, "--normalize", "0.2/0.3", "--lr", 0.05)
    assert convscope("train", NETWORK, *options, "--epochs", 2, "--run", "whole").code == 0
    assert convscope("train", NETWORK, *options, "--epochs", 1, "--run", "parts").code == 0
    assert convscope("train", "--resume", "parts", "--epochs", 2).code == 0
    whole, parts = (cs.Model.load(f"{name}/last.safetensors") for name in ("whole", "parts"))
    for name in whole.parameters:
        np.testing.assert_array_equal(whole.parameters[name], parts.parameters[name])
    assert parts.normalization is not None


def test_a_run_shows_its_classes_and_normalizes_its_images(convscope, here):
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 1, "--normalize", "0.2/0.3", "--run", "a")
    own, none = (
        json.loads(convscope("predict", "a", "ash.png", "--json", *more).out)["images"][0]["classes"]
        for more in ((), ("--normalize", "none"))
    )
    assert {one["name"] for one in own} <= set(CLASSES)
    assert own != none
    expected = cs.Model.load("a").predict(normalized("ash.png"))[0].max()
    assert own[0]["probability"] == pytest.approx(float(expected), rel=1e-4)


def test_diagnose_reports_channels_over_data_in_both_languages(convscope, here):
    planted = model()
    weight = planted.parameters[f"{FIRST}.weight"].copy()
    weight[1] = 2 * weight[0]
    planted.parameters[f"{FIRST}.weight"] = weight
    planted.save("planted")
    ended = convscope("diagnose", "planted", "--data", "small.npz", "--json")
    document = json.loads(ended.out)
    found = [one for one in document["channels"] if one["code"] == "duplicate-channels"]
    assert (found[0]["layers"], found[0]["numbers"]["pairs"]) == ([FIRST], [[1, 0]])
    assert (document["data"], document["images"]) == ("small", len(cs.load_data("small.npz", "test")))
    text = convscope("diagnose", NETWORK, "--weights", "planted", "--data", "small.npz")
    assert "[duplicate-channels]" in text.out
    chinese = convscope("diagnose", "planted", "--data", "small.npz", "--lang", "zh")
    assert "只差一个系数和偏移：1=0。" in chinese.out.replace("\n       ", "")
    assert "channels" not in json.loads(convscope("diagnose", "planted", "--json").out)


BAD = {
    "structure only": (("attribute", "lenet", "ash.png"), "no-weights"),
    "structure of a figure": (("plot", "kernels", "lenet"), "no-weights"),
    "structure without an image": (("diagnose", "lenet", "--data", "digits"), "no-weights"),
    "structure to a format with weights": (("convert", "lenet", "lenet.onnx"), "no-weights"),
    "weights of another network": (("predict", "lenet", "ash.png", "--weights", "w.pt"), "other-network"),
    "weights that are missing": (("predict", "lenet", "ash.png", "--weights", "v.pt"), "file-missing"),
    "weights of no kind": (("predict", "lenet", "ash.png", "--weights", "ash.png"), "weights-kind"),
    "a target out of range": (("attribute", "w.safetensors", "ash.png", "--target", "99"), "target-class"),
    "a target of no class": (("attribute", "w.safetensors", "ash.png", "--target", "oak"), "target"),
    "a layer without positions": (
        ("attribute", "w.safetensors", "ash.png", "--layer", "{last}"),
        "no-positions",
    ),
    "no image": (("predict", "w.safetensors", "names.txt"), "image-file"),
    "an image that is missing": (("attribute", "w.safetensors", "oak.png"), "image-missing"),
    "an input that no image has": (
        ("predict", "input 5x8x8 | conv 2 3 | flatten | dense 2", "ash.png", "--weights", "five.safetensors"),
        "image-input",
    ),
    "data without images": (("diagnose", "w.safetensors", "--data", "empty"), "folder-classes"),
    "data without images to search": (
        ("plot", "strongest", "w.safetensors", FIRST, "--data", "empty"),
        "folder-classes",
    ),
    "no data": (("evaluate", "w.safetensors"), "data-missing"),
    "too few classes": (("predict", "w.safetensors", "ash.png", "--classes", "one.txt"), "classes-count"),
    "classes of no file": (("predict", "w.safetensors", "ash.png", "--classes", "two.txt"), "classes-file"),
    "a normalization of no numbers": (
        ("predict", "w.safetensors", "ash.png", "--normalize", "cifar"),
        "normalize",
    ),
    "a normalization of other channels": (
        ("predict", "w.safetensors", "ash.png", "--normalize", "imagenet"),
        "normalization",
    ),
    "a deviation of zero": (("predict", "w.safetensors", "ash.png", "--normalize", "0.5/0"), "normalization"),
    "a task of no name": (("predict", "w.safetensors", "ash.png", "--task", "sorting"), "task"),
    "weights without a use": (("convert", "lenet", "lenet.yaml", "--weights", "w.pt"), "convert-weights"),
    "weights without data": (("diagnose", "lenet", "--weights", "w.pt"), "diagnose-data"),
    "weights and a checkpoint": (
        ("predict", "a", "ash.png", "--weights", "w.pt", "--checkpoint", "last"),
        "one-of",
    ),
    "a checkpoint of no run": (("predict", "w.safetensors", "ash.png", "--checkpoint", "last"), "file-missing"),
    "a foreign file as a network": (("predict", "w.pt", "ash.png"), "model-file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message(convscope, here, case):
    (here / "one.txt").write_text("ash\n")
    (here / "two.txt").write_bytes(b"")
    (here / "empty").mkdir()
    cs.Model("input 5x8x8 | conv 2 3 | flatten | dense 2").save("five.safetensors")
    words, code = BAD[case]
    last = model().network.outputs[-1].name
    ended = convscope(*(word.format(last=last) for word in words))
    assert (ended.code, ended.out) == (2, ""), ended
    message = ended.err.removeprefix("convscope: ")
    assert ended.err.startswith("convscope: ")
    assert f"[{code}]" in message
    assert "Traceback" not in message
