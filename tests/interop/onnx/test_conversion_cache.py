"""The conversion cache: the networks are the same as without it."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

import convscope as cs
from convscope.interop.onnx import call, importer
from convscope.interop.onnx import conversion_cache as cache
from interop.onnx.models import model, numbers, saved
from interop.onnx.runtime import assert_close, by_reference, by_runtime

node = helper.make_node
X = numbers((1, 4, 9, 7), 5)


@pytest.fixture(autouse=True)
def empty_cache():
    """Empty the cache before and after each test, so that their order does not matter."""
    cache.conversion_cache.cache_clear()
    yield
    cache.conversion_cache.cache_clear()


@pytest.fixture
def conversions(monkeypatch):
    """Return a list to which every call of a converter adds its operator."""
    called = []

    def recording(function):
        return lambda call: (called.append(call.operator), function(call))[1]

    for key, converter in list(call.converters().items()):
        monkeypatch.setitem(call.converters(), key, converter._replace(convert=recording(converter.convert)))
    return called


def read(made, folder, name="made"):
    """Import a model, compare its output with ONNX Runtime's, and return the layers' kinds and the network."""
    network, ours = by_reference(saved(made, folder, name), {"x": X})
    theirs = by_runtime(made.SerializeToString(), {"x": X})[0]
    assert_close(ours.reshape(theirs.shape), theirs, 1e-5)
    return [layer.kind for layer in network.layers], network


def convs(count, weights=("w",)):
    """Return a chain of equal convolutions with alternating weights."""
    names = ["x", *(f"c{n}" for n in range(1, count)), "y"]
    return [
        node("Conv", [names[n], weights[n % len(weights)]], [names[n + 1]], f"conv{n}", pads=[1, 1, 1, 1])
        for n in range(count)
    ]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "googlenet", "inception_v3", "unet"])
def test_cached_conversion_gives_the_same_network(name, tmp_path, monkeypatch):
    """Layers, order, names, origins and parameters; a second import finds all conversions in the cache."""
    path = tmp_path / f"{name}.onnx"
    cs.to_onnx(cs.Model(cs.load(name)), path)
    first, second = importer.read_network(path), importer.read_network(path)
    monkeypatch.setattr(cache.ConversionCache, "add", lambda *_: None)
    cache.conversion_cache.cache_clear()
    single = importer.read_network(path)
    for network, weights in (first, second):
        assert network.nodes == single[0].nodes
        assert {key: one.key for key, one in weights.items()} == {key: one.key for key, one in single[1].items()}


def test_equal_nodes_share_one_conversion(tmp_path, conversions):
    tensors = {"w": numbers((4, 4, 3, 3)), "v": numbers((4, 4, 3, 3), 8)}
    kinds, network = read(model(convs(5, ("w", "v")), X.shape, tensors), tmp_path)
    assert kinds == ["Conv2d"] * 5
    assert conversions == ["Conv"]
    assert [layer.parameters_of for layer in network.layers] == ["conv0", "conv1", "conv0", "conv1", "conv0"]
    assert [layer.inputs for layer in network.layers] == [("x",), ("conv0",), ("conv1",), ("conv2",), ("conv3",)]
    assert [layer.origin for layer in network.layers] == [f"conv{n}" for n in range(5)]


def test_other_attributes_and_shapes_are_converted_again(tmp_path, conversions):
    nodes = [
        node("Conv", ["x", "w"], ["a"], "one", pads=[1, 1, 1, 1]),
        node("Conv", ["a", "w"], ["b"], "two"),
        node("Conv", ["b", "w"], ["y"], "three"),
    ]
    network = read(model(nodes, X.shape, {"w": numbers((4, 4, 3, 3))}), tmp_path)[1]
    assert conversions == ["Conv"] * 3
    assert [layer.output_shape for layer in network.layers] == [(4, 9, 7), (4, 7, 5), (4, 5, 3)]


def test_nodes_whose_constants_matter_are_not_cached(tmp_path, conversions):
    """Two constants of one shape give two sums."""
    nodes = [
        node("Add", ["x", "two"], ["a"]),
        node("Add", ["a", "three"], ["b"]),
        node("Mul", ["b", "two"], ["y"]),
    ]
    tensors = {"two": np.float32([2]), "three": np.float32([3])}
    network = read(model(nodes, X.shape, tensors), tmp_path)[1]
    assert [(layer.layer.scale, layer.layer.shift) for layer in network.layers] == [(1, 2), (1, 3), (2, 0)]
    assert conversions == ["Add", "Add", "Mul"]


def test_nodes_of_patterns_are_not_cached(tmp_path):
    """σ(x) · x is SiLU, σ(x) alone is not, in either order."""
    product = [node("Sigmoid", ["{0}"], ["{1}s"]), node("Mul", ["{0}", "{1}s"], ["{1}"])]
    alone = [node("Sigmoid", ["{0}"], ["{1}"])]

    def part(nodes, before, after):
        return [
            node(
                one.op_type,
                [name.format(before, after) for name in one.input],
                [one.output[0].format(before, after)],
            )
            for one in nodes
        ]

    for order in ([product, alone, product], [alone, product, alone]):
        nodes = [*part(order[0], "x", "a"), *part(order[1], "a", "b"), *part(order[2], "b", "y")]
        expected = ["SiLU" if nodes is product else "Sigmoid" for nodes in order]
        assert read(model(nodes, X.shape), tmp_path)[0] == expected


def test_node_with_a_repeated_input_is_not_cached(tmp_path):
    """x + x before and after a + b."""
    nodes = [
        node("Add", ["x", "x"], ["a"], "double"),
        node("Add", ["a", "x"], ["b"], "sum"),
        node("Add", ["x", "b"], ["c"], "swapped"),
        node("Add", ["c", "c"], ["y"], "again"),
    ]
    network = read(model(nodes, X.shape), tmp_path)[1]
    assert [layer.inputs for layer in network.layers] == [
        ("x", "x"),
        ("double", "x"),
        ("x", "sum"),
        ("swapped", "swapped"),
    ]


def test_nodes_over_learned_tables_are_not_cached(tmp_path):
    """Two tables times one matrix: the node's input then is a layer, which its signature does not contain."""
    nodes = [
        node("Gemm", ["t", "w"], ["a"], "first", transB=1),
        node("Gemm", ["u", "w"], ["b"], "second", transB=1),
        node("Add", ["x", "a"], ["c"], "sum"),
        node("Add", ["c", "b"], ["y"], "all"),
    ]
    tensors = {"t": numbers((9, 6)), "u": numbers((9, 6), 8), "w": numbers((7, 6))}
    kinds, network = read(model(nodes, X.shape, tensors), tmp_path)
    assert kinds == ["Parameter", "Linear", "Parameter", "Linear", "Add", "Add"]
    assert [network[name].inputs for name in ("first", "second")] == [("first.table",), ("second.table",)]


def test_operator_sets_have_separate_caches(tmp_path):
    """Softmax normalizes one axis since version 13, all axes from one on before; the nodes are the same."""
    for opset, expected in (
        (12, ["Reshape", "Softmax", "Reshape"]),
        (13, ["Softmax"]),
        (12, ["Reshape", "Softmax", "Reshape"]),
    ):
        nodes = [node("Softmax", ["x"], ["y"], "soft", axis=2)]
        assert read(model(nodes, X.shape, opset=opset), tmp_path)[0] == expected


def test_local_functions_are_not_cached(tmp_path):
    """A file's local function named Relu does not affect another file."""
    for operator, expected in ((None, "ReLU"), ("Abs", "Function"), ("Tanh", "Tanh"), (None, "ReLU")):
        functions = []
        if operator is not None:
            inner = [node(operator, ["a"], ["b"], "inner")]
            functions = [helper.make_function("", "Relu", ["a"], ["b"], inner, [helper.make_opsetid("", 21)])]
        made = model([node("Relu", ["x"], ["y"], "act")], X.shape, functions=functions)
        network = cs.from_onnx(saved(made, tmp_path))
        assert [layer.kind for layer in network.layers] == [expected]


def test_repeated_names_are_numbered(tmp_path):
    nodes = [
        node("Relu", ["x"], ["a"], "an act"),
        node("Relu", ["a"], ["b"], "an_act"),
        node("Relu", ["b"], ["y"]),
    ]
    network = read(model(nodes, X.shape), tmp_path)[1]
    assert [layer.name for layer in network.layers] == ["an_act", "an_act_2", "relu1"]


def test_full_cache_is_emptied(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MAX_ENTRIES", 2)
    nodes = [
        node("Relu", ["x"], ["a"]),
        node("Tanh", ["a"], ["b"]),
        node("Selu", ["b"], ["c"]),
        node("Relu", ["c"], ["y"]),
    ]
    assert read(model(nodes, X.shape), tmp_path)[0] == ["ReLU", "Tanh", "SELU", "ReLU"]
    assert len(cache.conversion_cache((("", 21),))._entries) == 2
