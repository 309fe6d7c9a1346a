"""Models by name: built without weights, and with a shape for each of several inputs."""

from __future__ import annotations

import json
import sys

import keras
import pytest
from keras import layers

import convscope as cs
from convscope.cli import main
from convscope.interop.keras.importer import without_weights
from interop.keras.parity import chain, learned_by_keras

NETS = """
import keras
from keras import layers

def pair():
    image, state = keras.Input((None, None, 3), name="image"), keras.Input((None, 5), name="state")
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(4, (2, 7), name="conv")(image))
    y = layers.GlobalAveragePooling1D(name="mean")(layers.Dense(8, name="hidden")(state))
    return keras.Model([image, state], layers.Dense(10, name="fc")(layers.Concatenate(name="both")([x, y])))

def measured():
    model = keras.Sequential([keras.Input((9, 8, 3)), layers.Conv2D(4, 3)])
    scale = float(model.predict(keras.ops.convert_to_numpy(keras.random.uniform((2, 9, 8, 3))), verbose=0).max())
    return keras.Sequential([keras.Input((9, 8, 3)), layers.Rescaling(scale, name="scale")])
"""

PAIR = "keras:nets_with_inputs:pair"
SHAPES = {"state": (6, 5), "image": (3, 11, 15)}
INPUTS = ["--input", "state=6x5", "--input", "image=3x11x15"]
PARAMS = (2 * 7 * 3 + 1) * 4 + (5 + 1) * 8 + (4 + 8 + 1) * 10
MACS = (10 * 9) * 4 * (2 * 7 * 3) + 6 * 5 * 8 + 12 * 10


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    """Let a module with models be imported."""
    (tmp_path / "nets_with_inputs.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("nets_with_inputs", None)


def values_held(model: keras.Model) -> int:
    """Return how many weights have values in memory."""
    values = [variable._value for variable in model.weights]
    return sum(value is not None and str(getattr(value, "device", "")) != "meta" for value in values)


def test_models_built_without_weights_have_none():
    with without_weights():
        model = chain((9, 8, 3), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Dense(5))
    assert values_held(model) == 0
    # To infer a shape, Keras runs the function; it then initializes all weights that still wait for their values.
    other = chain((7, 3), layers.Dense(2), layers.Lambda(lambda x: x * 2))
    assert values_held(other) == len(other.weights)
    assert cs.inspect(cs.from_keras(model)).totals.params == learned_by_keras(model) == 3 * 3 * 3 * 4 + 4 + 8 + 25
    assert values_held(model) == 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_model_that_needs_values_is_built_with_them():
    assert cs.load("keras:nets_with_inputs:measured")["scale"].kind == "Affine"


def test_load_of_named_model_accepts_shapes_by_input():
    network = cs.load(PAIR, SHAPES)
    assert {node.name: node.output_shape for node in network.inputs} == SHAPES
    assert network["conv"].output_shape == (4, 10, 9)
    assert network["hidden"].output_shape == (6, 8)


def test_functions_accept_keras_model_of_two_inputs():
    import nets_with_inputs

    model = nets_with_inputs.pair()
    totals = cs.inspect(model, input_shape=SHAPES).totals
    assert (totals.params, totals.macs, totals.status) == (PARAMS, MACS, "complete")
    assert (
        f"params = weights + biases = 120 + 10 = {120 + 10}" in cs.explain(model, "fc", input_shape=SHAPES).text()
    )
    assert cs.diagnose(model, input_shape=SHAPES) == cs.diagnose(cs.load(PAIR, SHAPES))
    assert cs.check(model, max_macs=MACS, input_shape=SHAPES).ok
    assert not cs.check(model, max_macs=MACS - 1, input_shape=SHAPES).ok
    assert cs.compare(model, model, input_shape=SHAPES).same


def test_inspect_command_accepts_shapes_by_input(capsys):
    assert main(["inspect", PAIR, *INPUTS, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["input_shapes"] == {"image": [3, 11, 15], "state": [6, 5]}
    assert document["totals"]["params"] == PARAMS
    assert document["totals"]["macs"] == MACS


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (["explain", PAIR, "conv"], "macs = "),
        (["diagnose", PAIR], "inputs image 3×11×15, state 6×5"),
        (["check", PAIR, "--max-macs", str(MACS)], "within all limits"),
        (["compare", PAIR, PAIR], "0 changed, 0 added, 0 removed"),
    ],
    ids=lambda asked: asked[0] if isinstance(asked, list) else "",
)
def test_other_commands_accept_shapes_by_input(asked, shown, capsys):
    assert main([*asked, *INPUTS]) == 0
    assert shown in capsys.readouterr().out


def test_command_refuses_an_input_without_a_known_size(capsys):
    assert main(["inspect", PAIR, "--input", "image=3x11x15"]) == 2
    assert "Input 'state' has open sizes (got ?×5)" in capsys.readouterr().err
