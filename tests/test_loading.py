"""Finding the network that a user names."""

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
def test_zoo_names_are_forgiving(name: str) -> None:
    """Capitals, hyphens and underscores do not matter."""
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
def test_notation(text: str) -> None:
    """A bar, a new line or a beginning `input` tell notation from names."""
    assert load(text) == parse(text)
    assert load(text).name == "network"


def test_a_network_passes_through() -> None:
    """What is a Network already is not touched."""
    network = parse("input 3x9x8 | relu")
    assert load(network) is network


def test_another_input_shape() -> None:
    """The shape is replaced, and everything follows."""
    network = load("input 3x9x8 | conv 4 3", input_shape=[3, 31, 29])
    assert network["conv1"].output_shape == (4, 29, 27)
    assert load(network, (3, 5, 7))["conv1"].output_shape == (4, 3, 5)
    with pytest.raises(BadShape, match="kernel-too-large"):
        load("alexnet", input_shape=(3, 8, 9))


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".YAML"])
def test_yaml_files(tmp_path: Path, suffix: str) -> None:
    """A file's own name goes before the file's stem; strings and paths name it alike."""
    path = tmp_path / f"mine{suffix}"
    path.write_text(TINY, encoding="utf-8")
    assert load(path).name == load(str(path)).name == "small"
    path.write_text("\ufeff" + TINY.replace("name: small\n", ""), encoding="utf-8")
    assert load(path).name == "mine"
    assert load(path) == parse("input 3x9x8 | conv 4 3 | relu")


def test_json_files(tmp_path: Path) -> None:
    """JSON has the same structure."""
    path = tmp_path / "mine.json"
    path.write_text('{"input": [3, 9, 8],\n\t"layers": ["conv 4 3", "relu"]}', encoding="utf-8")
    assert load(path) == parse("input 3x9x8 | conv 4 3 | relu")
    assert load(path).name == "mine"


def test_a_written_network_loads(tmp_path: Path) -> None:
    """to_yaml to a file and back."""
    path = tmp_path / "copy.yaml"
    path.write_text(to_yaml(load("densenet121")), encoding="utf-8")
    assert load(path) == load("densenet121")
    assert load(path).name == "densenet121"


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    """The path stands before line and column."""
    path = tmp_path / "wrong.yaml"
    path.write_text("input: 3x9x8\nlayers:\n  - rleu\n", encoding="utf-8")
    message = (
        f"{path}: line 3, column 5: a layer must begin with a word that is known; got 'rleu'; did you mean relu, "
        "relu6, prelu? [unknown-kind]\n    - rleu\n      ^"
    )
    with pytest.raises(BadNotation, match=f"^{re.escape(message)}$"):
        load(path)


UNKNOWN = (
    "a model must be a zoo name, notation (`input 3x224x224 | conv …`) or a .yaml, .json or .onnx file; got model={model!r}; "
    "{way_out} [model-name]"
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
        ("resnet51", UNKNOWN.format(model="resnet51", way_out="did you mean resnet50, resnet18, resnet152?")),
        ("vgg-16-bn", UNKNOWN.format(model="vgg-16-bn", way_out="did you mean vgg16_bn, vgg19_bn, vgg13_bn?")),
        (
            "!",
            UNKNOWN.format(
                model="!",
                way_out="known: alexnet, alexnet-torchvision, convnext_tiny, densenet121, digits, efficientnet_b0, "
                "exercise, googlenet, inception_v3, lenet, mobilenet_v1, mobilenet_v2, …",
            ),
        ),
    ],
)
def test_unknown_models(model: str, message: str) -> None:
    """What is not read is said so; what is not known gets the nearest names."""
    with pytest.raises(UnknownModel, match=f"^{re.escape(message)}$"):
        load(model)


def test_a_folder_has_the_network_of_its_run(tmp_path: Path) -> None:
    """run.json holds it; a saved model has it as a file of its own; the folder's name may have a dot."""
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
    ("text", "rule"),
    [
        ("[1]", "describe a run of schema 2; got a list, not an object"),
        ("{}", "describe a run of schema 2; got no schema"),
        ('{"network": 3}', "describe a run of schema 2; got no schema"),
        ("not JSON", "be JSON; got Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_a_run_without_a_network_is_refused(tmp_path: Path, text: str, rule: str) -> None:
    """The file in the folder is named."""
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{str(tmp_path / 'run.json')!r} must {rule}; restore it. [damaged-run]"


def test_any_other_folder_is_refused(tmp_path: Path) -> None:
    """What was looked for is said."""
    refused(
        tmp_path,
        "be the folder of a run or a saved model; got no run.json and no network.yaml in it; check the path. "
        "[model-folder]",
    )


def refused(path: Path, message: str) -> None:
    with pytest.raises(ConvscopeError) as caught:
        load(path)
    assert type(caught.value) is BadFile
    assert str(caught.value) == f"{str(path)!r} must {message}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, binary, not UTF-8, too large: one sentence each."""
    refused(tmp_path / "none.yaml", "be readable; got no such file or directory; check the path. [file-missing]")
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    refused(folder, "be a file; got a folder or device; name a .yaml or .json file. [file-kind]")
    path = tmp_path / "net.yaml"
    path.write_bytes(b"input: 3x9x8\n\x00\x01")
    refused(path, "be text; got binary data; name a .yaml or .json file. [file-text]")
    path.write_bytes(b"input: 3x9x8\n\xff\xfe")
    refused(path, "be text in UTF-8; got byte 13 is not UTF-8; save it as UTF-8. [file-text]")
    os.truncate(path, LARGEST_FILE + 1)
    size = f"{LARGEST_FILE + 1:,}"
    refused(path, f"hold at most 16 MiB; got {size} bytes; describe repeated parts with blocks. [file-size]")
    refused(
        tmp_path / "a\0b.yaml", "have a name that a file can have; got a zero byte; check the path. [file-missing]"
    )


def test_a_file_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    """YAML in a .json file, an image in a .yaml file."""
    path = tmp_path / "net.json"
    path.write_text(TINY, encoding="utf-8")
    with pytest.raises(BadNotation, match="must hold JSON"):
        load(path)
    image = tmp_path / "net.yaml"
    image.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    refused(image, "be text in UTF-8; got byte 0 is not UTF-8; save it as UTF-8. [file-text]")
