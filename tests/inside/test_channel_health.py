"""Dead, saturated and duplicate channels: planted ones are found, a healthy network has none."""

from __future__ import annotations

import numpy as np
import pytest

import convscope as cs
from convscope.data import ArrayDataset
from convscope.errors import BadData
from convscope.inside import channel_health
from convscope.inside.channel_health import diagnose_channels

NETWORK = "input 2x9x8 | conv 6 3 | {} | conv 5 3 | {} | flatten | dense 7 | {} | dense 3"
DATA = ArrayDataset(np.random.default_rng(5).random((23, 2, 9, 8)).astype(np.float32), [0, 1, 2] * 7 + [0, 1])


def model_of(function: str) -> cs.Model:
    """Return a network whose units are all in use: small weights, and biases above what the weights take away."""
    model = cs.Model(NETWORK.format(function, function, function), seed=3)
    for name in model.parameters:
        array = model.parameters[name].copy()
        model.parameters[name] = 0.2 * array if name.endswith("weight") else np.full_like(array, 0.3)
    return model


def change(model: cs.Model, name: str, edit) -> None:
    array = model.parameters[name].copy()
    edit(array)
    model.parameters[name] = array


def codes(found) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.code, one.layers) for one in found]


@pytest.mark.parametrize("function", ["relu", "sigmoid", "tanh", "gelu", "leakyrelu"])
def test_healthy_networks_have_no_findings(function):
    assert diagnose_channels(model_of(function), DATA) == []


@pytest.mark.parametrize("size", [1, 5, 64])
def test_channels_below_zero_are_dead_behind_relu(size, monkeypatch):
    monkeypatch.setattr(channel_health, "MOST_IMAGES", size)
    model = model_of("relu")

    def edit(bias):
        bias[[1, 4]] = -9

    change(model, "conv1.bias", edit)
    (found,) = diagnose_channels(model, DATA)
    assert (found.code, found.layers, found.severity) == ("dead-channels", ("relu1",), "waste")
    assert found.numbers == {"dead": 2, "channels": 6, "images": 23, "which": [1, 4]}
    assert found.message == (
        "2 of 6 channels of relu1 (33 %) output the same value at every position of 23 images: 1, 4."
    )


def test_a_channel_without_weights_is_dead_where_it_is_computed():
    """The activation behind it, constant too, is not reported again."""
    model = model_of("gelu")

    def edit(weight):
        weight[2] = 0

    change(model, "conv2.weight", edit)
    (found,) = diagnose_channels(model, DATA)
    assert (found.code, found.layers, found.numbers["which"]) == ("dead-channels", ("conv2",), [2])


def test_a_dead_channel_is_counted_against_the_layer_severity():
    model = model_of("relu")
    change(model, "dense1.bias", lambda bias: bias.__setitem__(slice(0, 4), -9))
    (found,) = diagnose_channels(model, DATA)
    assert (found.severity, found.layers, found.numbers["dead"]) == ("risk", ("relu3",), 4)


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_large_weights_saturate(function):
    model = model_of(function)

    def edit(bias):
        bias[3] = 30.0
        bias[5] = -30.0

    change(model, "conv1.bias", edit)

    def steepen(weight):
        weight[[3, 5]] *= 20

    change(model, "conv1.weight", steepen)
    found = [one for one in diagnose_channels(model, DATA) if one.code == "saturated-channels"]
    values = model.activations(DATA.batch(np.arange(23))[0], ["conv1"])["conv1"]
    slopes = 1 / (4 * np.cosh(values / 2) ** 2) if function == "sigmoid" else 1 / np.cosh(values) ** 2
    largest = 0.25 if function == "sigmoid" else 1.0
    shares = (slopes < 0.05 * largest).mean(axis=(0, 2, 3))
    dead = {
        i for one in diagnose_channels(model, DATA) if one.code == "dead-channels" for i in one.numbers["which"]
    }
    assert {3, 5} == set(np.flatnonzero(shares >= 0.95))
    assert {i for one in found for i in one.numbers["which"]} | dead == {3, 5}


def test_saturated_channels_are_named_with_their_share():
    model = model_of("tanh")
    change(model, "dense1.bias", lambda bias: bias.__setitem__(2, 4.0))
    (found,) = diagnose_channels(model, DATA)
    assert (found.code, found.layers, found.numbers["which"]) == ("saturated-channels", ("tanh3",), [2])
    assert found.numbers["share"] == [1.0]


@pytest.mark.parametrize("layer", ["conv1", "conv2", "dense1"])
def test_proportional_weights_are_duplicates(layer):
    """Up to a factor and an offset; the opposite sign is no duplicate, since ReLU keeps the other half."""
    model = model_of("relu")

    def edit(weight):
        weight[4] = 3 * weight[1]
        weight[3] = -weight[0]

    change(model, f"{layer}.weight", edit)
    (found,) = diagnose_channels(model, DATA)
    assert (found.code, found.severity, found.layers) == ("duplicate-channels", "waste", (layer,))
    assert found.numbers["pairs"] == [[4, 1]]
    assert ": 4=1." in found.message


def test_nearly_equal_weights_are_no_duplicates():
    model = model_of("relu")

    def edit(weight):
        weight[4] = weight[1]
        weight[4, 0, 0, 0] += 0.05

    change(model, "conv1.weight", edit)
    assert diagnose_channels(model, DATA) == []


def test_features_of_a_sequence_are_on_the_last_axis():
    """A dense layer on (positions, features) has its channels last, and so has the function behind it."""
    model = cs.Model("input 4x6 | fc: linear 5 | relu", seed=1)
    change(model, "fc.weight", lambda weight: weight.__setitem__(slice(None), np.abs(weight) * 0.2))
    change(model, "fc.bias", lambda bias: bias.__setitem__(slice(None), [0.2, -9, 0.2, 0.2, 0.2]))
    data = np.random.default_rng(1).random((8, 4, 6)).astype(np.float32)

    class Sequences:
        classes, image_shape, labels = ("0",), (4, 6), np.zeros(8, np.int64)

        def __len__(self):
            return 8

        def batch(self, indices):
            return data[indices], self.labels[indices]

    (found,) = diagnose_channels(model, Sequences())
    assert (found.layers, found.numbers["which"], found.numbers["channels"]) == (("relu1",), [1], 5)


def test_images_of_another_shape_are_refused():
    with pytest.raises(BadData, match=r"\[images-shape\]$"):
        diagnose_channels(cs.Model("input 1x9x8 | conv 2 3"), DATA)
