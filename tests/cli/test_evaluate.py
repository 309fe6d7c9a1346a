"""`convscope evaluate`: what a run's model gets right."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from cli.small_data import CLASSES, NETWORK, images, write_folder, write_npz
from convscope.data import load_data


@pytest.fixture
def run(convscope, tmp_path, monkeypatch):
    """A run that has learned a little."""
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path / "small.npz")
    ended = convscope("train", NETWORK, "--data", "small.npz", "--epochs", 2, "--run", "mine", "--batch-size", 8)
    assert ended.code == 0, ended.err
    return "mine"


def found_by_hand(split="test"):
    """Return labels and what the saved model finds, image by image."""
    source = load_data("small.npz", split)
    x, labels = source.batch(np.arange(len(source)))
    return labels, cs.Model.load("mine").predict(x).argmax(axis=1)


def test_evaluation_matches_predictions(convscope, run):
    """Accuracy, classes and confusion counted by hand; the loss is the model's own."""
    ended = convscope("evaluate", run, "--json")
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    labels, found = found_by_hand()
    assert (document["schema"], document["part"], document["images"]) == (1, "test", 23)
    assert document["accuracy"] == (labels == found).mean()
    confusion = [[int(((labels == a) & (found == b)).sum()) for b in range(3)] for a in range(3)]
    assert document["confusion"] == confusion
    assert [known["name"] for known in document["classes"]] == list(CLASSES)
    assert [known["correct"] for known in document["classes"]] == [confusion[at][at] for at in range(3)]
    assert len(document["errors"]) == (labels != found).sum()
    for mistake in document["errors"]:
        assert mistake["class"] == CLASSES[labels[mistake["index"]]]
        assert mistake["predicted"] == CLASSES[found[mistake["index"]]]
    own = cs.Model.load("mine").evaluate(load_data("small.npz", "test"))
    assert document["loss"] == pytest.approx(own["loss"], rel=1e-6)


def test_evaluation_under_squared_errors_shows_outputs_and_no_probabilities(convscope, run):
    """The numbers are what the network puts out, which may lie outside 0…1; JSON and figure call them so."""
    options = ("--loss", "mse", "--lr", 0.01, "--epochs", 1, "--seed", 3)
    convscope("train", NETWORK, "--data", "small.npz", *options, "--run", "squared")
    document = json.loads(convscope("evaluate", "squared", "--json", "--save", "worst.svg").out)
    x, labels = (source := load_data("small.npz", "test")).batch(np.arange(len(source)))
    outputs = cs.Model.load("squared").predict(x, probabilities=False)
    assert document["errors"]
    for mistake in document["errors"]:
        at = mistake["index"]
        assert set(mistake) == {"index", "class", "predicted", "output", "class_output"}
        assert mistake["output"] == pytest.approx(outputs[at].max(), rel=1e-5)
        assert mistake["class_output"] == pytest.approx(outputs[at, labels[at]], rel=1e-5)
    assert set(json.loads(convscope("evaluate", run, "--json", "--part", "train").out)["errors"][0]) == {
        "index",
        "class",
        "predicted",
        "probability",
        "class_probability",
    }


def test_evaluation_text_matches_json(convscope, run):
    """A line of sums, a table, a matrix."""
    labels, found = found_by_hand()
    right = int((labels == found).sum())
    lines = convscope("evaluate", run).out.splitlines()
    assert lines[0] == "mine on small (test, 23 images)"
    assert lines[1].endswith(
        f", accuracy {100 * right / 23:.2f} %: {right} of 23 images correct, {23 - right} errors"
    )
    rows = [line.split()[0] for line in lines if line.startswith(CLASSES)]
    assert rows == [*CLASSES, *CLASSES]


def test_csv_is_the_confusion(convscope, run):
    """A spreadsheet's form."""
    rows = list(csv.reader(io.StringIO(convscope("evaluate", run, "--csv").out)))
    assert rows[0] == ["class", *CLASSES]
    assert [[row[0], *map(int, row[1:])] for row in rows[1:]] == [
        [name, *counts]
        for name, counts in zip(
            CLASSES, json.loads(convscope("evaluate", run, "--json").out)["confusion"], strict=True
        )
    ]


def test_another_part(convscope, run):
    """By name; nearest names for another word."""
    labels, found = found_by_hand("train")
    document = json.loads(convscope("evaluate", run, "--part", "train", "--json").out)
    assert (document["images"], document["accuracy"]) == (len(labels), (labels == found).mean())
    ended = convscope("evaluate", run, "--part", "tset")
    assert ended == (
        2,
        "",
        "convscope: --part must be train, validation or test (got 'tset'). Did you mean test? [part]\n",
    )


def test_data_without_test_part_is_evaluated_on_validation_part(convscope, run):
    """And says so."""
    write_folder(Path("folder"))
    convscope("train", NETWORK, "--data", "folder", "--epochs", 1, "--run", "other")
    assert convscope("evaluate", "other").out.splitlines()[0] == "other on folder (validation, 3 images)"
    ended = convscope("evaluate", "other", "--part", "test")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"convscope: {str(Path('folder').resolve())!r} has no test part. Add a folder test/ (or x_test and "
        "y_test), or evaluate on the validation part. [data-split]\n"
    )


def test_other_data_is_resized_and_its_classes_reordered(convscope, run):
    """Color images of another size, in folders whose order is another: names count, not numbers."""
    x, labels = images(18, seed=9)
    for name, label in (("coal", 2), ("ash", 0)):  # without bone, whose number lies between
        folder = Path("photos") / name
        folder.mkdir(parents=True)
        for at in np.flatnonzero(labels == label):
            Image.fromarray(x[at, 0]).resize((11, 13)).convert("RGB").save(folder / f"{at}.png")
    document = json.loads(convscope("evaluate", run, "--data", "photos", "--part", "train", "--json").out)
    assert [known["name"] for known in document["classes"]] == list(CLASSES)
    assert [known["images"] for known in document["classes"]] == [5, 0, 5]
    assert document["classes"][1]["accuracy"] is None
    assert document["accuracy"] > 0.5


def test_unknown_classes_are_refused(convscope, run):
    """Both lists are shown."""
    write_folder(Path("folder"))
    Path("folder/ash").rename("folder/dust")
    ended = convscope("evaluate", run, "--data", "folder")
    assert ended == (
        2,
        "",
        "convscope: The data has classes that the model was not trained on: dust (it knows ash, bone, coal). "
        "Rename them as in training, or remove them. [classes-unknown]\n",
    )


def test_errors_are_drawn(convscope, run):
    """As an image, in the figure's own size."""
    ended = convscope("evaluate", run, "--part", "train", "--save", "mistakes.png")
    assert (ended.code, ended.err) == (0, "saved mistakes.png\n")
    with Image.open("mistakes.png") as image:
        assert image.format == "PNG"


def test_checkpoints_by_name(convscope, run):
    """The last one may do otherwise than the best."""
    convscope("train", NETWORK, "--data", "small.npz", "--epochs", 3, "--run", "up", "--lr", 2)
    last = json.loads(convscope("evaluate", "up", "--checkpoint", "last", "--json").out)
    model = cs.Model.load("up/last.safetensors")
    assert last["loss"] == pytest.approx(model.evaluate(load_data("small.npz", "test"))["loss"], rel=1e-6)
    assert last["loss"] != json.loads(convscope("evaluate", "up", "--json").out)["loss"]
    ended = convscope("evaluate", "up", "--checkpoint", "first")
    assert ended.err == ("convscope: --checkpoint must be best, last or previous (got 'first'). [checkpoint]\n")


@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_line_is_wider_than_the_terminal(convscope, run, width):
    """Whatever its width."""
    assert max(map(len, convscope("evaluate", run, width=width).out.splitlines())) <= width
