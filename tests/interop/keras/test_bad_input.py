"""Errors of the importer."""

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
def test_other_objects_are_refused(model):
    assert refused(lambda: cs.from_keras(model), BadSetting) == (
        f"from_keras.model must be a Keras model (got {type(model).__name__}). "
        "Pass one, as in from_keras(keras.applications.ResNet50(weights=None)). [keras-model]"
    )


@pytest.mark.parametrize("shape", [(), (3, 0, 4), (3, -1), 224])
def test_invalid_shapes_are_refused(shape):
    assert refused(lambda: cs.from_keras(chain((9, 8, 3), layers.ReLU()), shape), BadSetting) == (
        "input_shape must be positive integers, channels first and without the batch, or a mapping from input "
        f"names to such shapes (got input_shape={shape!r}). Use (3, 224, 224). [input-shape]"
    )


def test_shape_of_other_rank_is_refused():
    model = keras.Sequential([keras.Input((9, None, 3), name="image"), layers.Conv2D(4, 3)])
    assert refused(lambda: cs.from_keras(model, (3, 9)), BadSetting) == (
        "input_shape must have 3 sizes for input 'image', 3×9×? (got 3×9). "
        "List them channels first and without the batch. [keras-input]"
    )


def test_open_sequence_length_is_refused():
    model = keras.Sequential([keras.Input((None, 3), name="sound"), layers.Conv1D(4, 3)])
    assert refused(lambda: cs.from_keras(model), BadSetting) == (
        "Input 'sound' has open sizes (got 3×?). "
        "Pass input_shape=… or --input, channels first and without the batch. [keras-open]"
    )
    assert cs.from_keras(model, (3, 20)).input_shape == (3, 20)


def test_input_shape_that_does_not_fit_weights_is_refused():
    """Another number of channels or pixels needs other weights."""
    model = chain((9, 8, 3), layers.Conv2D(4, 3, name="conv"), layers.Flatten(), layers.Dense(5, name="fc"))
    assert refused(lambda: cs.from_keras(model, (2, 9, 8)), BadShape) == (
        "Layer 'conv': Conv2d.weight has 108 elements in the model (got 4×2×3×3 for this input shape). "
        "Pass the shape that the model was built for, channels first. [keras-weights]"
    )
    assert refused(lambda: cs.from_keras(model, (3, 9, 10)), BadShape) == (
        "Layer 'fc': Linear.weight has 840 elements in the model (got 5×224 for this input shape). "
        "Pass the shape that the model was built for, channels first. [keras-weights]"
    )
    assert "kernel_size must fit into the input (got height 2, kernel 3)" in refused(
        lambda: cs.from_keras(model, (3, 2, 8)), BadShape
    )


def test_too_small_input_of_open_model_is_refused():
    """Keras has not checked them. The message names the layer's full path once."""
    inner = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 5, name="conv")], name="inner")
    model = chain((None, None, 3), inner)
    assert refused(lambda: cs.from_keras(model, (3, 4, 8)), BadShape).startswith(
        "Layer 'inner/conv': Conv2d.kernel_size must fit into the input (got height 4, kernel 5)"
    )


def test_opaque_layer_that_refuses_the_shape_is_named():
    class Picky(layers.Layer):
        def call(self, x):
            return torch.cumsum(x, 1)

        def compute_output_shape(self, shape):
            if shape[1] != 9:
                raise ValueError("nine rows\nor nothing")
            return shape

    model = chain((9, 8, 3), Picky(name="picky"))
    assert refused(lambda: cs.from_keras(model, (3, 12, 8)), BadShape) == (
        "Layer 'picky' does not accept the output of the layers before it for this input shape (got ValueError: nine "
        "rows). Pass the shape that the model was built for, channels first. [keras-shape]"
    )


def test_unbuilt_model_without_shape_is_refused():
    unbuilt = (
        "from_keras.model has no input shape (got {0}). "
        "Pass input_shape=(channels, height, width) or --input, or build it from keras.Input. [keras-unbuilt]"
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


def test_single_shape_for_two_inputs_is_refused():
    assert refused(lambda: cs.from_keras(Pair(name="pair"), (3, 9, 8)), BadSetting) == (
        "from_keras.input_shape must have a shape for each input of Pair 'pair' (it is called with image and state). "
        "Pass input_shape={'image': (…), 'state': (…)}, channels first. [keras-inputs]"
    )


def test_shape_of_unknown_input_is_refused():
    model = chain((9, 8, 3), layers.ReLU())
    assert refused(lambda: cs.from_keras(model, {"images": (3, 9, 8)}), BadSetting).startswith(
        "input_shape must name inputs of the model (got 'images'). Known: "
    )


class Asks(keras.Model):
    """Branches on the brightness of an image."""

    def call(self, x):
        return x * 2 if float(keras.ops.mean(x)) > 0 else x


class Hides(keras.Model):
    """Uses a weight's values as constants."""

    def build(self, shape) -> None:
        self.factor = self.add_weight(shape=(3,), name="factor")

    def call(self, x):
        return x * self.factor.value


def test_control_flow_on_values_is_refused():
    said = refused(lambda: cs.from_keras(Asks(), (3, 9, 8)), BadNetwork)
    assert said.startswith("Asks has no graph, and cannot be called with symbolic tensors (got ")
    assert said.endswith("). Build it from keras.Input, or use keras.ops in its call. [keras-trace]")
    assert "\n" not in said


def test_weight_missing_from_graph_is_refused():
    assert refused(lambda: cs.from_keras(Hides(), (3, 9, 8)), BadNetwork) == (
        "Hides has no graph, and cannot be called with symbolic tensors (got weights that do not appear in its "
        "graph). Build it from keras.Input, or use keras.ops in its call. [keras-trace]"
    )


def test_weights_without_values_are_refused():
    with keras.device("meta"):
        model = keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3, name="conv")], name="net")
    assert refused(lambda: cs.from_keras(model, parameters=True), BadNetwork) == (
        "The model's weights have no values (got NotImplementedError for 'net/conv/kernel'). "
        "Build the model on the CPU, or leave out parameters=True. [keras-no-numbers]"
    )


@pytest.mark.parametrize(
    "name", ["keras:nets", "keras::plain", "keras:nets:plain(", "keras:nets:plain(3)", "keras:a b:c"]
)
def test_malformed_name_is_refused(name):
    assert refused(lambda: cs.load(name), UnknownModel) == (
        f"The model must have the form keras:package.module:callable (got {name!r}). "
        "For example, use keras:keras.applications:ResNet50, and pass arguments by --arg name=value. [keras-name]"
    )


@pytest.mark.parametrize("name", ["keras:", "keras::", "keras:nets"])
def test_malformed_name_is_refused_without_keras(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    assert refused(lambda: cs.load(name), UnknownModel).endswith("[keras-name]")


def test_callable_that_exits_gives_one_message_and_exit_code_2(capsys):
    assert main(["inspect", "keras:sys:exit"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "exit failed to build a Keras model (got SystemExit). " in said.err


def test_missing_module_is_refused():
    assert refused(lambda: cs.load("keras:nets_that_are_not_there:plain"), UnknownModel) == (
        "Module 'nets_that_are_not_there' cannot be imported (got ModuleNotFoundError: No module named "
        "'nets_that_are_not_there'). Check the name, and install the package. [keras-import]"
    )


def test_missing_callable_is_refused():
    assert refused(lambda: cs.load("keras:nets_for_tests:plane"), UnknownModel) == (
        "Module nets_for_tests has no attribute plane (got no 'plane' in it). Did you mean plain, layers? "
        "[keras-callable]"
    )


def test_name_of_no_model_is_refused():
    for name, kind in (("number", "int"), ("nothing", "str")):
        assert refused(lambda name=name: cs.load(f"keras:nets_for_tests:{name}"), BadSetting) == (
            f"{name} must be a Keras model or return one (got {kind}). "
            "Name a model, or a function that builds one. [keras-model]"
        )


def test_callable_that_raises_is_refused():
    assert refused(lambda: cs.load("keras:nets_for_tests:broken"), BadSetting) == (
        "broken failed to build a Keras model (got RuntimeError: no weights). Pass other arguments by --arg "
        "name=value. [keras-raised]"
    )


def test_missing_arguments_of_callable_are_refused():
    assert refused(lambda: cs.load("keras:nets_for_tests:deep"), BadSetting) == (
        "deep does not accept these arguments (got missing a required argument: 'depth'). "
        "Its arguments are depth, width; pass them by --arg name=value. [keras-arguments]"
    )


def test_names_of_unnamed_layers_are_stable():
    networks = [cs.load("keras:nets_for_tests:unnamed") for _ in range(2)]
    assert networks[0] == networks[1]
    assert [node.name for node in networks[0].layers] == ["conv2d", "conv2d_1"]


def test_command_line_accepts_arguments_and_shapes(capsys):
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
def test_every_command_accepts_keras_models(asked, capsys):
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
def test_command_line_reports_errors_and_exits_with_2(asked, message, capsys):
    assert main(["inspect", *asked]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err


def test_missing_keras_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    for act in (lambda: cs.from_keras(3), lambda: cs.load("keras:keras.applications:ResNet50")):
        assert refused(act, MissingExtra) == (
            "Keras models need Keras 3 with torch, tensorflow or jax as its backend, which is not installed. "
            'Run `pip install "keras>=3"`. [missing-keras]'
        )


def test_older_keras_is_refused(monkeypatch):
    monkeypatch.setattr(keras, "__version__", "2.15.0")
    assert '(got Keras 2.15.0). Run `pip install "keras>=3"`. [missing-keras]' in refused(
        lambda: cs.from_keras(3), MissingExtra
    )


def fresh(code: str, **settings: str) -> str:
    """Run code in a new process with only these settings, and return its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**kept, **settings}
    )
    return done.stdout.strip()


@pytest.mark.parametrize("written", ['{"backend": "a_backend_of_nobody"}', "{damaged"], ids=["missing", "damaged"])
def test_installed_backend_is_the_default(written, tmp_path):
    """Also if Keras has written its settings file itself, with a backend that is not installed."""
    (tmp_path / "keras.json").write_text(written)
    code = "from convscope.interop.keras.backend import require_keras; print(require_keras().backend.backend())"
    assert fresh(code, KERAS_HOME=str(tmp_path)) == "torch"


def test_chosen_backend_is_kept_and_may_be_missing(tmp_path):
    code = "import convscope as cs\ntry: cs.from_keras(3)\nexcept ValueError as error: print(error)"
    said = fresh(code, KERAS_HOME=str(tmp_path), KERAS_BACKEND="a_backend_of_nobody")
    assert said == (
        "Keras models need Keras 3 with torch, tensorflow or jax as its backend (got ValueError: Unable to import "
        'backend : a_backend_of_nobody). Run `pip install "keras>=3" torch`. [missing-keras]'
    )


def test_import_of_package_does_not_import_keras():
    assert fresh("import convscope as cs, sys; cs.load; print('keras' in sys.modules)") == "False"
