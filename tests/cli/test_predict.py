"""`convscope predict`: images of any size and color, and files that are none."""

import json

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from cli.small_data import CLASSES, NETWORK, images, write_npz
from convscope.data.load import read_input


@pytest.fixture
def run(convscope, tmp_path, monkeypatch):
    """A run, and one image of each class."""
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path / "small.npz")
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 5, "--run", "mine", "--batch-size", 8)
    x, _ = images(3, seed=6)
    for name, image in zip(CLASSES, x, strict=True):
        Image.fromarray(image[0]).save(f"{name}.png")
    return "mine"


def test_probabilities_are_those_of_the_model(convscope, run):
    """The likeliest first, as many as asked for."""
    x, _ = images(3, seed=6)
    chances = cs.Model.load("mine").predict((x / 255).astype(np.float32))
    document = json.loads(convscope("predict", run, "ash.png", "bone.png", "coal.png", "--top", 2, "--json").out)
    assert (document["schema"], document["run"]) == (1, "mine")
    assert [answer["image"] for answer in document["images"]] == ["ash.png", "bone.png", "coal.png"]
    for answer, row in zip(document["images"], chances, strict=True):
        order = np.argsort(-row)[:2]
        assert [guess["name"] for guess in answer["classes"]] == [CLASSES[at] for at in order]
        assert [guess["probability"] for guess in answer["classes"]] == pytest.approx(
            row[order].tolist(), rel=1e-5
        )


def test_one_block_for_each_image(convscope, run):
    """Name, probabilities, bars; a blank line between."""
    ended = convscope("predict", run, "ash.png", "coal.png")
    assert (ended.code, ended.err) == (0, "")
    blocks = [block.splitlines() for block in ended.out.split("\n\n")]
    assert [block[0] for block in blocks] == ["ash.png", "coal.png"]
    assert all(len(block) == 4 for block in blocks)
    assert [block[1].split()[0] for block in blocks] == ["ash", "coal"]
    assert blocks[0][1].split()[3].strip("█") == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "1", "P", "CMYK", "I;16"])
def test_any_size_and_color(convscope, run, mode):
    """Brought to what the network takes."""
    file = "any.tif" if mode == "CMYK" else "any.png"
    if mode == "I;16":
        Image.fromarray(np.full((77, 131), 200 * 257, np.uint16)).save(file)
    else:
        Image.new("L", (131, 77), 200).convert(mode).save(file)
    ended = convscope("predict", run, file)
    assert (ended.code, ended.err) == (0, f"{file}: 77×131 stretched to 6×5, as the network receives it\n")


def test_predict_names_stretched_images_in_one_line(convscope, run):
    """Below the answers; files that are no image do not count."""
    for name, size in (("a.png", (9, 8)), ("b.png", (50, 60)), ("c.png", (8, 9))):
        Image.new("L", size, 90).save(name)
    ended = convscope("predict", run, "a.png", "none.png", "b.png", "c.png")
    assert ended.err.splitlines() == [
        f"convscope: {MISSING}",
        "2 of 3 images stretched to 6×5, as the network receives them: a.png, c.png",
    ]
    ended = convscope("plot", "features", run, "a.png", "--save", "f.png")
    assert ended.err.splitlines() == ["a.png: 8×9 stretched to 6×5, as the network receives it", "saved f.png"]


def test_invert_swaps_dark_and_light(convscope, run):
    """A dark image read inverted is a light one."""
    Image.new("L", (5, 6), 20).save("dark.png")
    Image.new("L", (5, 6), 235).save("light.png")
    inverted = json.loads(convscope("predict", run, "dark.png", "--invert", "--json").out)
    plain = json.loads(convscope("predict", run, "light.png", "--json").out)
    for one, two in zip(inverted["images"][0]["classes"], plain["images"][0]["classes"], strict=True):
        assert one["name"] == two["name"]
        assert one["probability"] == pytest.approx(two["probability"], rel=1e-4)
    assert read_input("dark.png", (3, 4, 7), invert=True) == pytest.approx(np.full((3, 4, 7), 235 / 255))


MISSING = "'none.png' is not an image file (no such file). Check the path. [image-missing]"
BROKEN = "'small.npz' is a damaged image file (unknown image format). Repair or replace it. [image-file]"


def test_unreadable_images_are_reported_and_others_classified(convscope, run):
    """The exit code says that something was wrong."""
    ended = convscope("predict", run, "none.png", "ash.png", "small.npz", ".", "coal.png")
    assert ended.code == 2
    assert [block.splitlines()[0] for block in ended.out.split("\n\n")] == ["ash.png", "coal.png"]
    folder = "'.' is not an image file (got a folder). Check the path. [image-missing]"
    assert ended.err == f"convscope: {MISSING}\nconvscope: {BROKEN}\nconvscope: {folder}\n"


def test_json_has_errors_in_order(convscope, run):
    """One document, an entry for each file in order."""
    ended = convscope("predict", run, "none.png", "ash.png", "--json")
    assert ended.code == 2
    first, second = json.loads(ended.out)["images"]
    assert first == {"image": "none.png", "error": MISSING}
    assert set(second) == {"image", "classes"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine", "ash.png", "--top", "0"], "--top must be an integer of at least 1 (got 0). 3 is usual. [top]"),
        (["mien", "ash.png"], "There is no run folder 'mien'. Did you mean mine? [no-model]"),
        (
            [".", "ash.png"],
            "'.' is not the folder of a saved model or run (none of model.safetensors, best.safetensors, "
            "last.safetensors, previous.safetensors in it). Check the path. [no-model]",
        ),
    ],
)
def test_bad_input(convscope, run, arguments, message):
    """One message, exit code 2."""
    assert convscope("predict", *arguments) == (2, "", f"convscope: {message}\n")


def test_a_saved_model_predicts_too(convscope, run):
    """A folder or file written by Model.save is as good as a run."""
    cs.Model.load("mine").save("saved")
    cs.Model.load("mine").save("model.safetensors")
    expected = convscope("predict", run, "ash.png").out
    assert convscope("predict", "saved", "ash.png").out == expected
    assert convscope("predict", "model.safetensors", "ash.png").out == expected


def test_a_network_that_takes_no_images_is_refused(convscope, run):
    """Five channels are no image."""
    cs.Model("input 5x6x7 | flatten | dense 2").save("odd")
    assert convscope("predict", "odd", "ash.png") == (
        2,
        "",
        "convscope: Image files need a network with 1 or 3 input channels (got an input of 5×6×7). Pass an "
        "array to Model.predict. [image-input]\n",
    )


def test_network_that_is_no_classifier_prints_its_output_and_says_so(convscope, run):
    """A mask's range, a regression's values: what the network gives, unchanged."""
    remark = (
        "The values are the network's output, not probabilities: the model is not declared as a classifier "
        "(task=None). Add --task classification for probabilities.\n"
    )
    mask = cs.Model("input 1x6x5 | conv 2 3x2 | sigmoid", seed=1)
    mask.save("mask")
    x = read_input("ash.png", (1, 6, 5), False)[None]
    values = mask.predict(x)[0]
    ended = convscope("predict", "mask", "ash.png")
    assert (ended.code, ended.err) == (0, remark)
    numbers = f"minimum {values.min():.4g}, mean {values.mean():.4g}, maximum {values.max():.4g}"
    assert ended.out == f"ash.png\n  output 2×4×4: {numbers}\n"
    regression = cs.Model("input 1x6x5 | flatten | dense 4", seed=1)
    regression.save("regression")
    values = regression.predict(x)[0]
    ended = convscope("predict", "regression", "ash.png", "--top", 2, "--json")
    assert (ended.code, ended.err) == (0, remark)
    document = json.loads(ended.out)
    assert document["task"] is None
    largest = [one["value"] for one in document["images"][0]["output"]["largest"]]
    assert largest == pytest.approx(np.sort(values)[::-1][:2].tolist(), rel=1e-6)


def test_multi_label_outputs_are_probabilities_by_themselves(convscope, run):
    model = cs.Model("input 1x6x5 | flatten | dense 4", seed=1, task="multi_label")
    model.save("labels")
    x = read_input("ash.png", (1, 6, 5), False)[None]
    ended = convscope("predict", "labels", "ash.png", "--top", 4, "--json")
    assert ended.err == "Each output is an independent probability: the model is a multi-label classifier.\n"
    found = {one["name"]: one["probability"] for one in json.loads(ended.out)["images"][0]["classes"]}
    wanted = 1 / (1 + np.exp(-model.predict(x, probabilities=False)[0]))
    assert [found[f"output {at}"] for at in range(4)] == pytest.approx(wanted.tolist(), rel=1e-5)


def test_every_output_is_printed_by_name(convscope, run):
    """Of a network with several outputs, the classes of the last one, and the values of the others."""
    network = "input 1x6x5 | a: flatten | side: dense 2 from=a | main: dense 3 from=a"
    model = cs.Model(network, seed=1, task="classification")
    assert [node.name for node in model.network.outputs] == ["side", "main"]
    model.save("two")
    ended = convscope("predict", "two", "ash.png", "--top", 2)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [lines[0], lines[1], lines[4]] == ["ash.png", "  side", "  main"]
    assert "%" in lines[5]
    assert "%" not in lines[2]
    (answer,) = json.loads(convscope("predict", "two", "ash.png", "--top", 2, "--json").out)["images"]
    assert set(answer["outputs"]["side"]) == {"output"}
    assert set(answer["outputs"]["main"]) == {"classes"}


@pytest.mark.parametrize("network", ["lenet", "input 1x6x5 | flatten | dense 2"])
def test_a_network_without_a_run_is_refused(convscope, run, network):
    ended = convscope("predict", network, "ash.png")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"convscope: {network!r} is a structure only, without weights. Set --weights to a file with weights or a run, "
        "or name a run, as `convscope train` writes, an .onnx file, or a torch: or keras: callable. [no-weights]\n"
    )
