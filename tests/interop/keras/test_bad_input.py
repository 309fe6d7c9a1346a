"""What cannot be imported is refused with one clear message."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import keras
import pytest
import torch
from keras import layers

import convscope as cs
from convscope.cli import main
from convscope.errors import BadNetwork, BadSetting, BadShape, ConvscopeError, MissingExtra, UnknownModel
from interop.keras.parity import chain

NETS = """
import keras
from keras import layers

def plain():
    return keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3, name="conv"), layers.ReLU(name="relu")])

def deep(depth, width=4):
    convs = [layers.Conv2D(width, 3, name=f"conv{i}") for i in range(depth)]
    return keras.Sequential([keras.Input((None, None, 3)), *convs])

def unbuilt():
    return keras.Sequential([layers.Conv2D(4, 3, name="conv")], name="mine")

class Net(keras.Model):
    def __init__(self):
        super().__init__(name="net")
        self.conv = layers.Conv2D(4, 3, name="conv")

    def call(self, x):
        return self.conv(x)

def unnamed():
    return keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3), layers.Conv2D(4, 3)])

def broken():
    raise RuntimeError("no weights\\non this machine")

def nothing():
    return "a string"

number = 3
"""


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    """Put a module with models into the current folder."""
    (tmp_path / "nets_for_tests.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("nets_for_tests", None)


def refused(act, error: type[ConvscopeError]) -> str:
    with pytest.raises(error) as raised:
        act()
    return str(raised.value)


@pytest.mark.parametrize(
    "model", ["resnet", keras.Model, torch.nn.ReLU(), layers.Dense(3)], ids=["text", "class", "torch", "layer"]
)
def test_what_is_no_model(model):
    assert refused(lambda: cs.from_keras(model), BadSetting) == (
        f"from_keras.model must be a Keras model; got {type(model).__name__}; "
        "pass one, as in from_keras(keras.applications.ResNet50(weights=None)). [keras-model]"
    )


@pytest.mark.parametrize("shape", [(), (3, 0, 4), (3, -1), 224])
def test_what_is_no_shape(shape):
    assert refused(lambda: cs.from_keras(chain((9, 8, 3), layers.ReLU()), shape), BadSetting) == (
        "input_shape must be positive integers, channels first and without the batch, or a mapping from input "
        f"names to such shapes; got input_shape={shape!r}; use (3, 224, 224). [input-shape]"
    )


def test_a_shape_with_another_number_of_axes():
    model = keras.Sequential([keras.Input((9, None, 3), name="image"), layers.Conv2D(4, 3)])
    assert refused(lambda: cs.from_keras(model, (3, 9)), BadSetting) == (
        "from_keras.input_shape must have 3 sizes for input 'image' (3×9×?); got 3×9; "
        "list them channels first and without the batch. [keras-input]"
    )


def test_a_sequence_whose_length_is_open():
    model = keras.Sequential([keras.Input((None, 3), name="sound"), layers.Conv1D(4, 3)])
    assert refused(lambda: cs.from_keras(model), BadSetting) == (
        "input 'sound' must have known sizes; got 3×?; "
        "give them by input_shape=… or --input, channels first and without the batch. [keras-open]"
    )
    assert cs.from_keras(model, (3, 20)).input_shape == (3, 20)


def test_images_that_the_model_cannot_take():
    """The weights are the truth: another number of channels or pixels needs others."""
    model = chain((9, 8, 3), layers.Conv2D(4, 3, name="conv"), layers.Flatten(), layers.Dense(5, name="fc"))
    assert refused(lambda: cs.from_keras(model, (2, 9, 8)), BadShape) == (
        "layer 'conv': Conv2d.weight must have the model's 108 numbers; got 4×2×3×3; "
        "give the image's shape that the model was made for, channels first. [keras-weights]"
    )
    assert refused(lambda: cs.from_keras(model, (3, 9, 10)), BadShape) == (
        "layer 'fc': Linear.weight must have the model's 840 numbers; got 5×224; "
        "give the image's shape that the model was made for, channels first. [keras-weights]"
    )
    assert "kernel_size must reach over at most 2 pixels" in refused(
        lambda: cs.from_keras(model, (3, 2, 8)), BadShape
    )


def test_images_that_are_too_small_for_a_model_of_any_size():
    """Keras has not looked at them; inside a model the layer's whole name is said, once."""
    inner = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 5, name="conv")], name="inner")
    model = chain((None, None, 3), inner)
    assert refused(lambda: cs.from_keras(model, (3, 4, 8)), BadShape).startswith(
        "layer 'inner/conv': Conv2d.kernel_size must reach over at most 4 pixels of height here"
    )


def test_an_unknown_layer_that_cannot_take_the_images():
    class Picky(layers.Layer):
        def call(self, x):
            return torch.cumsum(x, 1)

        def compute_output_shape(self, shape):
            if shape[1] != 9:
                raise ValueError("nine rows\nor nothing")
            return shape

    model = chain((9, 8, 3), Picky(name="picky"))
    assert refused(lambda: cs.from_keras(model, (3, 12, 8)), BadShape) == (
        "layer 'picky' must take what the layers before it give out for these images; got ValueError: nine rows; "
        "give the shape that the model was made for, channels first. [keras-shape]"
    )


def test_a_model_without_a_graph_and_without_a_shape():
    unbuilt = (
        "from_keras.model must know its input's shape; got {0}, which does not; "
        "give input_shape=(channels, height, width) or --input, or make it from keras.Input. [keras-unbuilt]"
    )
    assert refused(lambda: cs.load("keras:nets_for_tests:unbuilt"), BadSetting) == unbuilt.format(
        "Sequential 'mine'"
    )
    assert refused(lambda: cs.load("keras:nets_for_tests:Net"), BadSetting) == unbuilt.format("Net 'net'")
    assert cs.load("keras:nets_for_tests:Net", (3, 9, 8))["conv"].output_shape == (4, 7, 6)


class Pair(keras.Model):
    """Takes two tensors."""

    def call(self, image, state):
        return image


def test_a_shape_alone_for_a_model_of_two_inputs():
    assert refused(lambda: cs.from_keras(Pair(name="pair"), (3, 9, 8)), BadSetting) == (
        "from_keras.input_shape must have a shape for each input of Pair 'pair'; it is called with image and state; "
        "give input_shape={'image': (…), 'state': (…)}, channels first. [keras-inputs]"
    )


def test_a_shape_for_an_input_that_is_not_there():
    model = chain((9, 8, 3), layers.ReLU())
    assert refused(lambda: cs.from_keras(model, {"images": (3, 9, 8)}), BadSetting).startswith(
        "input_shape must name inputs of the model; got 'images'; "
    )


class Asks(keras.Model):
    """Goes on only where an image is bright."""

    def call(self, x):
        return x * 2 if float(keras.ops.mean(x)) > 0 else x


class Hides(keras.Model):
    """Takes a weight's numbers for constants."""

    def build(self, shape) -> None:
        self.factor = self.add_weight(shape=(3,), name="factor")

    def call(self, x):
        return x * self.factor.value


def test_a_model_that_asks_for_the_numbers_in_an_image():
    said = refused(lambda: cs.from_keras(Asks(), (3, 9, 8)), BadNetwork)
    assert said.startswith("a model without a graph must be callable with symbolic tensors; got ")
    assert said.endswith(" from Asks; make it from keras.Input, or use keras.ops in its call. [keras-trace]")
    assert "\n" not in said


def test_a_model_that_hides_a_weight():
    assert refused(lambda: cs.from_keras(Hides(), (3, 9, 8)), BadNetwork) == (
        "a model without a graph must be callable with symbolic tensors; got ValueError: weights of its own that "
        "its graph does not show from Hides; make it from keras.Input, or use keras.ops in its call. [keras-trace]"
    )


def test_weights_without_numbers():
    with keras.device("meta"):
        model = keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3, name="conv")], name="net")
    assert refused(lambda: cs.from_keras(model, parameters=True), BadNetwork) == (
        "a model's weights must have numbers to be brought along; got NotImplementedError for 'net/conv/kernel'; "
        "build the model on the CPU, or leave out parameters=True. [keras-no-numbers]"
    )


@pytest.mark.parametrize(
    "name", ["keras:nets", "keras::plain", "keras:nets:plain(", "keras:nets:plain(3)", "keras:a b:c"]
)
def test_names_that_are_none(name):
    assert refused(lambda: cs.load(name), UnknownModel) == (
        f"a model must be named keras:package.module:callable; got model={name!r}; "
        "write keras:keras.applications:ResNet50, with arguments by --arg name=value. [keras-name]"
    )


@pytest.mark.parametrize("name", ["keras:", "keras::", "keras:nets"])
def test_a_name_that_says_nothing_without_keras_is_refused_for_what_it_is(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    assert refused(lambda: cs.load(name), UnknownModel).endswith("[keras-name]")


def test_a_callable_that_ends_the_process_is_one_message_and_exit_code_2(capsys):
    assert main(["inspect", "keras:sys:exit"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "exit must build a Keras model; got SystemExit; " in said.err


def test_a_module_that_is_not_there():
    assert refused(lambda: cs.load("keras:nets_that_are_not_there:plain"), UnknownModel) == (
        "a module must be importable; got ModuleNotFoundError: No module named 'nets_that_are_not_there' for "
        "'nets_that_are_not_there'; check the name, and install the package. [keras-import]"
    )


def test_a_callable_that_is_not_there():
    assert refused(lambda: cs.load("keras:nets_for_tests:plane"), UnknownModel) == (
        "nets_for_tests must have plane; got no 'plane' in it; did you mean plain, layers? [keras-callable]"
    )


def test_what_is_found_and_is_no_model():
    for name, kind in (("number", "int"), ("nothing", "str")):
        assert refused(lambda name=name: cs.load(f"keras:nets_for_tests:{name}"), BadSetting) == (
            f"{name} must be a Keras model or return one; got {kind}; "
            "name a model or a function that builds it. [keras-model]"
        )


def test_a_callable_that_raises():
    assert refused(lambda: cs.load("keras:nets_for_tests:broken"), BadSetting) == (
        "broken must build a Keras model; got RuntimeError: no weights; pass other arguments by --arg name=value. "
        "[keras-raised]"
    )


def test_a_callable_that_needs_arguments():
    assert refused(lambda: cs.load("keras:nets_for_tests:deep"), BadSetting) == (
        "deep must be called with arguments it takes; got missing a required argument: 'depth'; "
        "it takes depth, width: pass them by --arg name=value. [keras-arguments]"
    )


def test_unnamed_layers_have_the_same_names_each_time():
    networks = [cs.load("keras:nets_for_tests:unnamed") for _ in range(2)]
    assert networks[0] == networks[1]
    assert [node.name for node in networks[0].layers] == ["conv2d", "conv2d_1"]


def test_the_command_line_takes_arguments_and_shapes(capsys):
    asked = ["inspect", "keras:nets_for_tests:deep", "--arg", "depth=2", "--arg", "width=5", "--input", "3x20x31"]
    assert main([*asked, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["input_shape"] == [3, 20, 31]
    assert [(layer["name"], layer["output_shape"]) for layer in document["layers"]] == [
        ("conv0", [5, 18, 29]),
        ("conv1", [5, 16, 27]),
    ]


@pytest.mark.parametrize(
    "asked",
    [
        ["inspect", "keras:nets_for_tests:plain"],
        ["field", "keras:nets_for_tests:plain", "conv", "--at", "2,3"],
        ["explain", "keras:nets_for_tests:plain", "conv"],
        ["diagnose", "keras:nets_for_tests:plain"],
        ["compare", "keras:nets_for_tests:plain", "keras:nets_for_tests:plain"],
        ["check", "keras:nets_for_tests:plain", "--max-macs", "1G"],
        ["counted-by", "keras:nets_for_tests:plain", "torchinfo"],
        ["plot", "network", "keras:nets_for_tests:plain", "--save", "net.svg"],
        ["convert", "keras:nets_for_tests:plain", "net.yaml"],
    ],
    ids=lambda asked: asked[0],
)
def test_every_verb_takes_such_models(asked, capsys):
    assert main(asked) == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["keras:nets_for_tests:deep"], "[keras-arguments]"),
        (["keras:nets_for_tests:broken"], "[keras-raised]"),
        (["keras:nets_for_tests:nothing"], "[keras-model]"),
        (["keras:nets_for_tests:Net"], "[keras-unbuilt]"),
        (["keras:nets_for_tests:plain", "--input", "5x9x9"], "[keras-weights]"),
        (["keras:nets_for_tests:plain", "--input", "5x9"], "[keras-input]"),
    ],
    ids=["needed", "raises", "no-model", "no-graph", "shape", "axes"],
)
def test_the_command_line_says_what_is_wrong_and_exits_with_2(asked, message, capsys):
    assert main(["inspect", *asked]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err


def test_keras_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    for act in (lambda: cs.from_keras(3), lambda: cs.load("keras:keras.applications:ResNet50")):
        assert refused(act, MissingExtra) == (
            "Keras models need Keras 3 with a backend, torch, tensorflow, jax, which is not installed. "
            'Run `pip install "keras>=3"`. [missing-keras]'
        )


def test_an_older_keras(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "2.15.0")
    assert '(got Keras 2.15.0). Run `pip install "keras>=3"`. [missing-keras]' in refused(
        lambda: cs.from_keras(3), MissingExtra
    )


def fresh(code: str, **settings: str) -> str:
    """Run code in a new process with these settings alone, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**kept, **settings}
    )
    return done.stdout.strip()


@pytest.mark.parametrize("written", ['{"backend": "a_backend_of_nobody"}', "{damaged"], ids=["missing", "damaged"])
def test_a_backend_is_chosen_where_the_user_has_not(written, tmp_path):
    """Also where Keras has written its settings file by itself, with a backend that is not installed."""
    (tmp_path / "keras.json").write_text(written)
    code = "from convscope.interop.keras.backend import imported; print(imported().backend.backend())"
    assert fresh(code, KERAS_HOME=str(tmp_path)) == "torch"


def test_the_users_backend_stays_and_may_be_missing(tmp_path):
    code = "import convscope as cs\ntry: cs.from_keras(3)\nexcept ValueError as error: print(error)"
    said = fresh(code, KERAS_HOME=str(tmp_path), KERAS_BACKEND="a_backend_of_nobody")
    assert said == (
        "Keras models need Keras 3 with a backend, torch, tensorflow, jax; got ValueError: Unable to import "
        'backend : a_backend_of_nobody; run `pip install "keras>=3" torch`. [missing-keras]'
    )


def test_the_package_loads_no_keras_until_asked():
    assert fresh("import convscope as cs, sys; cs.load; print('keras' in sys.modules)") == "False"
