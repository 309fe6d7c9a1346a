"""Loading networks."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from convscope.errors import BadFile, BadNotation, BadShape, ConvscopeError, UnknownModel
from convscope.loading import LARGEST_FILE, load, zoo_names
from convscope.notation import parse, to_yaml

TINY = "name: small\ninput: 3x9x8\nlayers: [conv 4 3, relu]\n"


@pytest.mark.parametrize("name", ["s4-example-1", "s4_example_1", "S4-Example_1", " s4-example-1 "])
def test_zoo_names_ignore_case_and_hyphens(name: str) -> None:
    assert load(name) is load("s4-example-1")
    assert load(name).name == "s4-example-1"


def test_zoo_names_are_listed() -> None:
    """Every listed name loads."""
    assert zoo_names() == sorted(zoo_names())
    assert {"alexnet", "resnet50", "vgg16_bn", "unet", "digits"} < set(zoo_names())
    assert all(load(name).name == name for name in zoo_names())


@pytest.mark.parametrize(
    "text", ["input 3x9x8 | relu", "input 3x9x8", "\n# mine\ninput 3x9x8\nrelu", "  input 3x9x8"]
)
def test_notation_is_loaded(text: str) -> None:
    """Notation is recognized by a bar, a newline or a leading `input`."""
    assert load(text) == parse(text)
    assert load(text).name == "network"


def test_network_is_returned_unchanged() -> None:
    network = parse("input 3x9x8 | relu")
    assert load(network) is network


def test_input_shape_is_changed() -> None:
    network = load("input 3x9x8 | conv 4 3", input_shape=[3, 31, 29])
    assert network["conv1"].output_shape == (4, 29, 27)
    assert load(network, (3, 5, 7))["conv1"].output_shape == (4, 3, 5)
    with pytest.raises(BadShape, match="kernel-too-large"):
        load("alexnet", input_shape=(3, 8, 9))


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".YAML"])
def test_yaml_files_are_loaded(tmp_path: Path, suffix: str) -> None:
    """The name in a file takes precedence over its stem. Strings and paths are accepted."""
    path = tmp_path / f"mine{suffix}"
    path.write_text(TINY, encoding="utf-8")
    assert load(path).name == load(str(path)).name == "small"
    path.write_text("\ufeff" + TINY.replace("name: small\n", ""), encoding="utf-8")
    assert load(path).name == "mine"
    assert load(path) == parse("input 3x9x8 | conv 4 3 | relu")


def test_json_files_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"input": [3, 9, 8],\n\t"layers": ["conv 4 3", "relu"]}', encoding="utf-8")
    assert load(path) == parse("input 3x9x8 | conv 4 3 | relu")
    assert load(path).name == "mine"


def test_written_network_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "copy.yaml"
    path.write_text(to_yaml(load("densenet121")), encoding="utf-8")
    assert load(path) == load("densenet121")
    assert load(path).name == "densenet121"


def test_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    """The path precedes line and column."""
    path = tmp_path / "wrong.yaml"
    path.write_text("input: 3x9x8\nlayers:\n  - rleu\n", encoding="utf-8")
    message = (
        f"{path}: Line 3, column 5: A layer must begin with a known word (got 'rleu'). Did you mean relu, "
        "relu6, prelu? [unknown-kind]\n    - rleu\n      ^"
    )
    with pytest.raises(BadNotation, match=f"^{re.escape(message)}$"):
        load(path)


UNKNOWN = (
    "There is no model {model!r}. {hint} A model is a name in the zoo, notation (`input 3x224x224 | conv …`), a .yaml, "
    ".json or .onnx file, or a run folder. [model-name]"
)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            "torch:a.b:c",
            "Module 'a.b' cannot be imported (got ModuleNotFoundError: No module named 'a'). "
            "Check the name, and install the package. [torch-import]",
        ),
        (
            "keras:a.b:c",
            "Module 'a.b' cannot be imported (got ModuleNotFoundError: No module named 'a'). "
            "Check the name, and install the package. [keras-import]",
        ),
        ("resnet51", UNKNOWN.format(model="resnet51", hint="Did you mean resnet50, resnet18, resnet152?")),
        ("vgg-16-bn", UNKNOWN.format(model="vgg-16-bn", hint="Did you mean vgg16_bn, vgg19_bn, vgg13_bn?")),
        (
            "!",
            UNKNOWN.format(
                model="!",
                hint="Known: alexnet, alexnet-torchvision, convnext_tiny, densenet121, digits, efficientnet_b0, "
                "exercise, googlenet, inception_v3, lenet, mobilenet_v1, mobilenet_v2, ….",
            ),
        ),
    ],
)
def test_unknown_models_are_reported(model: str, message: str) -> None:
    """Unknown names give suggestions."""
    with pytest.raises(UnknownModel, match=f"^{re.escape(message)}$"):
        load(model)


def test_run_folder_gives_its_network(tmp_path: Path) -> None:
    """From run.json, or from the network.yaml of a saved model. The folder's name may have a dot."""
    run = tmp_path / "run-1.2"
    run.mkdir()
    document = {"schema": 1, "network": TINY, "seed": 0, "dtype": "float32", "classes": [], "images": 9}
    document |= {"configuration": {}, "notes": {}}
    (run / "run.json").write_text(json.dumps(document), encoding="utf-8")
    assert load(run) == load(str(run)) == parse("input 3x9x8 | conv 4 3 | relu")
    assert load(run).name == "small"
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "network.yaml").write_text(TINY, encoding="utf-8")
    assert load(saved) == load(run)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1]", "does not describe a run of schema 2 (got a list, not an object)"),
        ("{}", "does not describe a run of schema 2 (got no schema)"),
        ('{"network": 3}', "does not describe a run of schema 2 (got no schema)"),
        ("not JSON", "is not valid JSON (Expecting value: line 1 column 1 (char 0))"),
    ],
)
def test_run_without_network_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{str(tmp_path / 'run.json')!r} {problem}. Restore the file. [damaged-run]"


def test_other_folders_are_refused(tmp_path: Path) -> None:
    refused(
        tmp_path,
        "must be the folder of a run or a saved model (got no run.json and no network.yaml in it). Check the path. "
        "[model-folder]",
    )


def refused(path: Path, message: str) -> None:
    with pytest.raises(ConvscopeError) as caught:
        load(path)
    assert type(caught.value) is BadFile
    assert str(caught.value) == f"{str(path)!r} {message}"


def test_unreadable_files_are_reported(tmp_path: Path) -> None:
    """Missing, a folder, binary, not UTF-8, too large."""
    refused(tmp_path / "none.yaml", "cannot be read (no such file or directory). Check the path. [file-missing]")
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    refused(folder, "must be a file (got a folder or device). Name a .yaml or .json file. [file-kind]")
    path = tmp_path / "net.yaml"
    path.write_bytes(b"input: 3x9x8\n\x00\x01")
    refused(path, "must be text (got binary data). Name a .yaml or .json file. [file-text]")
    path.write_bytes(b"input: 3x9x8\n\xff\xfe")
    refused(path, "must be text in UTF-8 (got another encoding at byte 13). Save it as UTF-8. [file-text]")
    os.truncate(path, LARGEST_FILE + 1)
    size = f"{LARGEST_FILE + 1:,}"
    refused(path, f"must have at most 16 MiB (got {size} bytes). Describe repeated parts with blocks. [file-size]")
    with pytest.raises(BadFile) as caught:
        load(tmp_path / "a\0b.yaml")
    assert str(caught.value) == (
        f"A file name must have no zero byte (got {str(tmp_path / 'a') + chr(0) + 'b.yaml'!r}). Check the path. [file-missing]"
    )


def test_file_with_wrong_content_is_reported(tmp_path: Path) -> None:
    """YAML in a .json file, an image in a .yaml file."""
    path = tmp_path / "net.json"
    path.write_text(TINY, encoding="utf-8")
    with pytest.raises(BadNotation, match="must contain valid JSON"):
        load(path)
    image = tmp_path / "net.yaml"
    image.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    refused(image, "must be text in UTF-8 (got another encoding at byte 0). Save it as UTF-8. [file-text]")
