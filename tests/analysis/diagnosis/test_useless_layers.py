"""Layers and parameters without effect."""

import pytest

import convscope as cs
from convscope import layers as L
from convscope.network import Entry, Network


def of(network, code):
    return [finding for finding in cs.diagnose(network) if finding.code == code]


def test_a_bias_before_a_normalization_is_counted():
    network = cs.load(
        "input 3x12x10 | conv 4 3 | bn | relu | conv 6 3 bias=false | bn | conv 5 3 | flatten | dense 7"
    )
    (finding,) = of(network, "useless-bias")
    assert str(finding) == (
        "waste: Biases right before a normalization have no effect: subtracting the channel mean cancels "
        "4 parameters of conv1. [useless-bias]\n"
        "  → Disable the bias of these layers."
    )


def test_bias_read_by_another_layer_has_no_finding():
    entries = [
        Entry("input", L.Input((3, 12, 10))),
        Entry("conv", L.Conv2d(4, 3), ("input",)),
        Entry("bn", L.BatchNorm2d(), ("conv",)),
    ]
    assert of(Network(entries), "useless-bias")[0].numbers == {"params": 4, "layers": 1}
    assert not of(Network([*entries, Entry("add", L.Add(), ("conv", "bn"))]), "useless-bias")
    shared = [*entries, Entry("again", L.Conv2d(4, 3), ("input",), shares="conv")]
    assert not of(Network(shared), "useless-bias")


def test_a_dense_layer_on_a_sequence_keeps_its_bias():
    """Batch normalization of (length, features) takes the positions for channels."""
    assert of(cs.load("input 6 | dense 4 | bn"), "useless-bias")
    assert not of(cs.load("input 5x6 | linear 4 | bn"), "useless-bias")


@pytest.mark.parametrize(
    ("text", "useless"),
    [
        ("input 3x12x10 | conv 4 3 | relu | relu", ("relu2",)),
        ("input 3x12x10 | conv 4 3 | relu | maxpool 2 | dropout 0.3 | relu", ("relu2",)),
        ("input 3x12x10 | conv 4 3 | sigmoid | avgpool 2 | flatten | relu", ("relu1",)),
        ("input 3x12x10 | conv 4 3 | relu | upsample 2 mode=linear | relu", ("relu2",)),
        ("input 3x12x10 | relu | conv 4 3 | relu", ()),
        ("input 3x12x10 | conv 4 3 | leakyrelu | maxpool 2 | relu", ()),
        ("input 3x12x10 | conv 4 3 | relu | upsample 2 mode=cubic | relu", ()),
        ("input 3x12x10 | conv 4 3 | relu | bn | relu", ()),
    ],
)
def test_a_relu_is_useless_where_its_input_is_never_negative(text, useless):
    found = of(cs.load(text), "useless-relu")
    assert tuple(name for finding in found for name in finding.layers) == useless


def test_useless_relu_has_message_and_suggestion():
    assert str(of(cs.load("input 3x12x10 | conv 4 3 | relu | relu"), "useless-relu")[0]) == (
        "waste: relu2 has no effect: its input is never negative. [useless-relu]\n"
        "  → Remove it, or insert a layer with weights before it."
    )


def test_a_sum_is_never_negative_only_where_all_parts_are():
    """A shortcut that passes a ReLU's output and a branch without one may sum to anything."""
    entries = [
        Entry("input", L.Input((4, 12, 10))),
        Entry("relu1", L.ReLU(), ("input",)),
        Entry("conv", L.Conv2d(4, 3, padding=1), ("relu1",)),
        Entry("add", L.Add(), ("relu1", "conv")),
        Entry("relu2", L.ReLU(), ("add",)),
    ]
    assert not of(Network(entries), "useless-relu")


def test_dropout_on_the_output_is_a_risk():
    (finding,) = of(cs.load("input 6 | dense 4 | dropout 0.25"), "output-dropout")
    assert str(finding) == (
        "risk: dropout1 is an output: in training it sets 25 % of the results to 0. [output-dropout]\n"
        "  → Move the dropout before the last layer with weights, or remove it."
    )
    assert not of(cs.load("input 6 | dropout 0.25 | dense 4"), "output-dropout")


def test_dropout_of_0_or_1_is_found():
    network = cs.load("input 6 | dropout 0 | dense 4 | dropout 1 | dense 3")
    assert of(network, "idle-dropout")[0].message == "dropout1 drops nothing: its p is 0."
    assert of(network, "total-dropout")[0].message == (
        "dropout2 drops everything in training: its p is 1, and no gradient passes."
    )


def test_consecutive_dense_layers_are_found():
    """6·9 + 9 and 9·4 + 4 parameters are one layer of 6·4 + 4."""
    (finding,) = of(cs.load("input 6 | dense 9 | dropout 0.5 | dense 4 | relu | dense 5"), "linear-stack")
    assert str(finding) == (
        "waste: dense1 and dense2 have no nonlinearity between them: together they equal one linear "
        "layer from 6 to 4 features (28 parameters instead of 103). [linear-stack]\n"
        "  → Insert an activation between them, or use one dense 4."
    )


def test_wide_middle_layer_is_no_bottleneck():
    """The rank of 6 to 5 to 4 is that of 6 to 4."""
    assert of(cs.load("input 6 | dense 5 | dense 4"), "linear-stack")[0].numbers["joined_params"] == 28


@pytest.mark.parametrize("text", ["input 6 | dense 9 | relu | dense 4", "input 6 | dense 2 | dense 5"])
def test_dense_layers_around_an_activation_or_bottleneck_have_no_finding(text):
    assert not of(cs.load(text), "linear-stack")
