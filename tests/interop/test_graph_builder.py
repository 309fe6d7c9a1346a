"""The graph builder that all importers share."""

from __future__ import annotations

import pytest

from convscope.errors import BadShape
from convscope.interop.graph_builder import ShapedGraphBuilder
from convscope.layers import Conv2d, ReLU


class Builder(ShapedGraphBuilder[str]):
    """A graph builder whose weights are texts."""

    def sharing_key(self, parameters):
        return tuple(parameters.values())


@pytest.fixture
def builder() -> Builder:
    builder = Builder()
    builder.add_input((3, 9, 8), "image")
    return builder


def names(builder: Builder) -> list[str]:
    return [entry.name for entry in builder.entries]


def test_equal_names_are_numbered(builder):
    for wanted in ("relu", "relu", "relu_2", "relu", "a|b", ""):
        builder.add(wanted, ReLU(), ["image"])
    assert names(builder) == ["image", "relu", "relu_2", "relu_2_2", "relu_3", "a_b", "layer"]


def test_rollback_frees_names_shapes_and_parameters(builder):
    builder.add("conv", Conv2d(4, 3), ["image"], {"weight": "w", "bias": "b"})
    builder.rollback(1)
    assert (names(builder), builder.weights(), list(builder.shapes)) == (["image"], {}, ["image"])
    assert "conv" not in builder
    builder.add("other", Conv2d(4, 3), ["image"], {"weight": "w", "bias": "b"})
    assert builder.entries[-1].shares is None
    assert builder.add("conv", ReLU(), ["image"]) == "conv"


def test_layers_with_equal_parameters_share_them(builder):
    shared = {"weight": "w", "bias": "b"}
    for parameters in (shared, shared, {"weight": "w", "bias": "other"}):
        builder.add("conv", Conv2d(3, 3, padding=1), ["image"], parameters, frozen=["bias"])
    assert [(one.shares, one.frozen) for one in builder.entries[1:]] == [
        (None, ("bias",)),
        ("conv", ()),
        (None, ("bias",)),
    ]
    assert builder.weights() == {
        "conv.weight": "w",
        "conv.bias": "b",
        "conv_3.weight": "w",
        "conv_3.bias": "other",
    }


def test_layer_that_refuses_its_input_is_not_added(builder):
    with pytest.raises(BadShape):
        builder.add("conv", Conv2d(4, 10), ["image"])
    assert names(builder) == ["image"]


def test_build_keeps_inputs_and_ends_with_the_first_output(builder):
    builder.add_input((5,), "state")
    first = builder.add("first", ReLU(), ["image"])
    second = builder.add("second", ReLU(), ["image"])
    builder.add("unused", ReLU(), ["image"])
    network = builder.build([first, second], "net")
    assert [node.name for node in network] == ["image", "state", "second", "first"]


def test_build_adds_an_identity_for_an_output_that_layers_use(builder):
    first = builder.add("first", ReLU(), ["image"])
    second = builder.add("second", ReLU(), [first])
    network = builder.build([first, second], "net")
    assert [(node.name, node.kind) for node in network.layers] == [
        ("first", "ReLU"),
        ("second", "ReLU"),
        ("first.output", "Identity"),
    ]
