"""Patterns of several nodes that become one layer, and similar ones that do not."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

import convscope as cs
from convscope import layers as L
from convscope.interop.onnx import operators  # noqa: F401 - registers them
from interop.onnx.models import FLOAT, model, numbers, saved, whole
from interop.onnx.runtime import assert_imported_matches_runtime, kinds

node = helper.make_node


@pytest.mark.parametrize("shape", [(), (1,), (5, 3)])
def test_addition_after_matmul_of_another_shape_is_no_bias(shape, tmp_path):
    """A scalar, or one value per row, is an Add layer."""
    nodes = [node("MatMul", ["x", "w"], ["p"], "fc"), node("Add", ["p", "b"], ["y"], "plus")]
    made = model(nodes, (1, 5, 8), {"w": numbers((8, 3)), "b": numbers(shape)})
    assert kinds(assert_imported_matches_runtime(made, numbers((1, 5, 8)), tmp_path))[0::2] in (
        ["Linear", "Add"],
        ["Linear"],
    )
    assert cs.from_onnx(tmp_path / "made.onnx")["fc"].layer == L.Linear(3, bias=False)


def test_addition_after_matmul_is_the_bias(tmp_path):
    nodes = [node("MatMul", ["x", "w"], ["p"], "fc"), node("Add", ["b", "p"], ["y"], "plus")]
    network = assert_imported_matches_runtime(
        model(nodes, (1, 5, 8), {"w": numbers((8, 3)), "b": numbers((3,))}), numbers((1, 5, 8)), tmp_path
    )
    assert [(layer.name, layer.layer) for layer in network.layers] == [("fc", L.Linear(3))]


def gelu_nodes(half_first: bool) -> list:
    first = [node("Mul", ["plus", "half"], ["h"]), node("Mul", ["h", "x"], ["y"])]
    second = [node("Mul", ["x", "plus"], ["h"]), node("Mul", ["h", "half"], ["y"])]
    return [
        node("Div", ["x", "root"], ["d"], "gelu"),
        node("Erf", ["d"], ["e"]),
        node("Add", ["e", "one"], ["plus"]),
        *(first if half_first else second),
    ]


@pytest.mark.parametrize("half_first", [True, False])
def test_gelu_pattern_is_one_layer(half_first, tmp_path):
    tensors = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
    network = assert_imported_matches_runtime(
        model(gelu_nodes(half_first), (1, 4, 5, 6), tensors), numbers((1, 4, 5, 6)), tmp_path
    )
    assert kinds(network) == ["GELU"]


def test_pattern_constants_may_be_listed_after_their_use(tmp_path):
    """Constants are converted before other nodes, wherever the file lists them."""
    half = [node("Constant", [], [name], value_float=value) for name, value in (("half", 0.5), ("one", 1.0))]
    root = node("Constant", [], ["root"], value_float=2**0.5)
    division, erf, *rest = gelu_nodes(True)
    made = model([root, division, half[1], erf, *rest[:1], half[0], *rest[1:]], (1, 4, 5, 6))
    assert kinds(assert_imported_matches_runtime(made, numbers((1, 4, 5, 6)), tmp_path)) == ["GELU"]


def test_layers_of_a_failed_conversion_are_removed(tmp_path):
    """Pooling whose indices are used is Opaque, and the pooling layer is removed."""
    nodes = [
        node("MaxPool", ["x"], ["p", "i"], "pool", kernel_shape=[2, 3]),
        node("Cast", ["i"], ["y"], "cast", to=FLOAT),
    ]
    network = cs.from_onnx(saved(model(nodes, (1, 3, 5, 6)), tmp_path))
    assert [(layer.name, layer.kind) for layer in network.layers] == [
        ("pool", "Opaque(MaxPool)"),
        ("cast", "Identity"),
    ]


@pytest.mark.parametrize("other", [{"half": np.float32(0.6)}, {"root": np.float32(1.5)}, {"one": np.float32(2)}])
def test_gelu_pattern_with_other_constants_is_not_matched(other, tmp_path):
    """The same graph with another value for one half, the root or 1 is not GELU."""
    tensors = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)} | other
    network = assert_imported_matches_runtime(
        model(gelu_nodes(False), (1, 4, 5, 6), tensors), numbers((1, 4, 5, 6)), tmp_path
    )
    assert kinds(network) == ["Affine", "Function", "Affine", "Multiply", "Affine"]


def test_self_gated_activations_are_one_layer(tmp_path):
    """x·σ(x), x·tanh(softplus(x)) and x·hardsigmoid(x) are layers; y·σ(x) is a product."""
    nodes = [
        node("Sigmoid", ["x"], ["s"], "silu"),
        node("Mul", ["s", "x"], ["a"]),
        node("Softplus", ["a"], ["p"], "mish"),
        node("Tanh", ["p"], ["t"]),
        node("Mul", ["a", "t"], ["b"]),
        node("HardSigmoid", ["b"], ["h"], "swish", alpha=1 / 6),
        node("Mul", ["b", "h"], ["c"]),
        node("Sigmoid", ["c"], ["g"], "gate"),
        node("Mul", ["b", "g"], ["y"], "product"),
    ]
    network = assert_imported_matches_runtime(model(nodes, (1, 4, 5, 6)), numbers((1, 4, 5, 6)), tmp_path)
    assert [(layer.name, layer.kind) for layer in network.layers] == [
        ("silu", "SiLU"),
        ("mish", "Mish"),
        ("swish", "Hardswish"),
        ("gate", "Sigmoid"),
        ("product", "Multiply"),
    ]


def layer_norm_nodes(opset: int) -> tuple[list, dict]:
    axes = {"axes": [-1]} if opset < 18 else {}
    more = [] if opset < 18 else ["axes"]
    nodes = [
        node("ReduceMean", ["x", *more], ["m"], "norm", **axes),
        node("Sub", ["x", "m"], ["s"]),
        node("Pow", ["s", "two"], ["q"]),
        node("ReduceMean", ["q", *more], ["v"], **axes),
        node("Add", ["v", "eps"], ["e"]),
        node("Sqrt", ["e"], ["r"]),
        node("Div", ["s", "r"], ["n"]),
        node("Mul", ["n", "w"], ["k"]),
        node("Add", ["k", "b"], ["y"]),
    ]
    tensors = {"two": np.float32(2), "eps": np.float32(1e-3), "w": numbers((6,)), "b": numbers((6,), 9)}
    return nodes, tensors | ({"axes": whole(-1)} if opset >= 18 else {})


@pytest.mark.parametrize("opset", [13, 18])
def test_layer_norm_pattern_is_one_layer(opset, tmp_path):
    nodes, tensors = layer_norm_nodes(opset)
    network = assert_imported_matches_runtime(
        model(nodes, (1, 4, 5, 6), tensors, opset), numbers((1, 4, 5, 6)), tmp_path
    )
    assert [(layer.name, layer.layer) for layer in network.layers] == [("norm", L.LayerNorm((-1,), 0.001))]


def test_layer_norm_pattern_with_other_variance_axes_is_not_matched(tmp_path):
    nodes, tensors = layer_norm_nodes(18)
    nodes[3].input[1] = "others"
    made = model(nodes, (1, 4, 5, 6), tensors | {"others": whole(-2)}, 18)
    network = assert_imported_matches_runtime(made, numbers((1, 4, 5, 6)), tmp_path)
    assert "LayerNorm" not in kinds(network)


def test_moved_layer_norm_with_another_order_is_not_matched(tmp_path):
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
        node("LayerNormalization", ["t", "w", "b"], ["n"]),
        node("Transpose", ["n"], ["y"], perm=[0, 3, 2, 1]),
    ]
    made = model(nodes, (1, 4, 5, 6), {"w": numbers((4,)), "b": numbers((4,), 9)})
    assert kinds(assert_imported_matches_runtime(made, numbers((1, 4, 5, 6)), tmp_path)) == [
        "Permute",
        "LayerNorm",
        "Permute",
    ]


def test_moved_layer_norm_is_one_layer(tmp_path):
    nodes = [
        node("Transpose", ["x"], ["t"], "norm", perm=[0, 2, 3, 1]),
        node("LayerNormalization", ["t", "w", "b"], ["n"]),
        node("Transpose", ["n"], ["y"], perm=[0, 3, 1, 2]),
    ]
    made = model(nodes, (1, 4, 5, 6), {"w": numbers((4,)), "b": numbers((4,), 9)})
    network = assert_imported_matches_runtime(made, numbers((1, 4, 5, 6)), tmp_path)
    assert [layer.layer for layer in network.layers] == [L.LayerNorm((0,))]


def test_channel_shuffle_pattern_is_one_layer(tmp_path):
    nodes = [
        node("Reshape", ["x", "split"], ["s"], "shuffle"),
        node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["t", "join"], ["y"]),
    ]
    made = model(nodes, ("N", 6, 4, 5), {"split": whole(-1, 2, 3, 4, 5), "join": whole(-1, 6, 4, 5)})
    network = assert_imported_matches_runtime(made, numbers((1, 6, 4, 5)), tmp_path)
    assert [layer.layer for layer in network.layers] == [L.ChannelShuffle(2)]


@pytest.mark.parametrize(("order", "join"), [((0, 2, 1, 4, 3), (-1, 6, 5, 4)), ((0, 1, 2, 3, 4), (-1, 6, 4, 5))])
def test_other_transposes_are_no_channel_shuffle(order, join, tmp_path):
    nodes = [
        node("Reshape", ["x", "split"], ["s"]),
        node("Transpose", ["s"], ["t"], perm=order),
        node("Reshape", ["t", "join"], ["y"]),
    ]
    made = model(nodes, ("N", 6, 4, 5), {"split": whole(-1, 2, 3, 4, 5), "join": whole(*join)})
    assert "ChannelShuffle" not in kinds(assert_imported_matches_runtime(made, numbers((1, 6, 4, 5)), tmp_path))
