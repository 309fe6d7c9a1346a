"""Files of other programs, named as a MODEL, lead to advice."""

from __future__ import annotations

import re

import pytest

import convscope as cs
from convscope.cli import main
from convscope.errors import UnknownModel

MODULE = (
    "a PyTorch module or its weights, which need the code that builds them. Name that code, "
    "torch:package.module:callable, and give the weights to the commands that run it by --weights, or to "
    "cs.load_model in Python. [model-file]"
)
KERAS = (
    "a Keras model. Load it with keras:keras.models:load_model --arg filepath={0}, or pass "
    "keras.models.load_model({0!r}) to cs.from_keras in Python. [model-file]"
)
GRAPH = "a TensorFlow graph. Convert it to ONNX with tf2onnx, and name the .onnx file. [model-file]"
WEIGHTS = (
    "weights without a network. Name the network, such as torch:package.module:callable, and give the weights to the "
    "commands that run it by --weights. [model-file]"
)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("net.pt", MODULE),
        ("net.pth", MODULE),
        ("net.safetensors", WEIGHTS),
        ("net.keras", KERAS),
        ("net.h5", KERAS),
        ("net.tflite", GRAPH),
        ("net.pb", GRAPH),
    ],
)
def test_files_of_other_programs_give_a_hint(name, said, capsys):
    whole = f"{name!r} has {said.format(name)}"
    with pytest.raises(UnknownModel, match=f"^{re.escape(whole)}$"):
        cs.load(name)
    assert main(["inspect", name]) == 2
    assert "[model-file]" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_saved_keras_model_is_loaded_as_hinted(tmp_path, capsys):
    from convscope.interop.keras.backend import require_keras

    keras = require_keras()
    path = tmp_path / "net.keras"
    layers = [keras.Input((9, 8, 3)), keras.layers.Conv2D(4, 3, name="conv")]
    keras.Sequential(layers).save(path)
    assert main(["inspect", "keras:keras.models:load_model", "--arg", f"filepath={path}"]) == 0
    assert "112" in capsys.readouterr().out
