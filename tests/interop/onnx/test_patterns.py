"""Functions that files write as several nodes: read as one layer where they are, as pieces where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

import convscope as cs
from convscope import layers as L
from convscope.interop.onnx import operators  # noqa: F401 - registers them
from interop.onnx.models import FLOAT, model, numbers, saved, whole
from interop.onnx.runtime import agrees, kinds

node = helper.make_node


@pytest.mark.parametrize("shape", [(), (1,), (5, 3)])
def test_what_is_added_after_a_product_may_be_no_bias(shape, tmp_path):
    """One number for all, or one per row: an addition of its own."""
    nodes = [node("MatMul", ["x", "w"], ["p"], "fc"), node("Add", ["p", "b"], ["y"], "plus")]
    made = model(nodes, (1, 5, 8), {"w": numbers((8, 3)), "b": numbers(shape)})
    assert kinds(agrees(made, numbers((1, 5, 8)), tmp_path))[0::2] in (["Linear", "Add"], ["Linear"])
    assert cs.from_onnx(tmp_path / "made.onnx")["fc"].layer == L.Linear(3, bias=False)


def test_a_bias_after_a_product_is_the_layers_own(tmp_path):
    nodes = [node("MatMul", ["x", "w"], ["p"], "fc"), node("Add", ["b", "p"], ["y"], "plus")]
    network = agrees(
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
def test_gelu_in_pieces(half_first, tmp_path):
    tensors = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
    network = agrees(model(gelu_nodes(half_first), (1, 4, 5, 6), tensors), numbers((1, 4, 5, 6)), tmp_path)
    assert kinds(network) == ["GELU"]


def test_numbers_may_be_nodes_that_stand_after_their_use(tmp_path):
    """Constants are known before anything else, wherever the file lists them."""
    half = [node("Constant", [], [name], value_float=value) for name, value in (("half", 0.5), ("one", 1.0))]
    root = node("Constant", [], ["root"], value_float=2**0.5)
    division, erf, *rest = gelu_nodes(True)
    made = model([root, division, half[1], erf, *rest[:1], half[0], *rest[1:]], (1, 4, 5, 6))
    assert kinds(agrees(made, numbers((1, 4, 5, 6)), tmp_path)) == ["GELU"]


def test_what_a_converter_began_is_taken_back(tmp_path):
    """Pooling whose winners' places are used is unknown: nothing of the pooling layer stays."""
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
def test_pieces_with_other_numbers_stay_pieces(other, tmp_path):
    """The same graph with 0.6 for a half is no GELU, nor with another root or another 1."""
    tensors = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)} | other
    network = agrees(model(gelu_nodes(False), (1, 4, 5, 6), tensors), numbers((1, 4, 5, 6)), tmp_path)
    assert kinds(network) == ["Affine", "Function", "Affine", "Multiply", "Affine"]


def test_functions_that_multiply_their_input(tmp_path):
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
    network = agrees(model(nodes, (1, 4, 5, 6)), numbers((1, 4, 5, 6)), tmp_path)
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
def test_layer_normalization_in_pieces(opset, tmp_path):
    nodes, tensors = layer_norm_nodes(opset)
    network = agrees(model(nodes, (1, 4, 5, 6), tensors, opset), numbers((1, 4, 5, 6)), tmp_path)
    assert [(layer.name, layer.layer) for layer in network.layers] == [("norm", L.LayerNorm((-1,), 0.001))]


def test_a_spread_over_other_axes_than_the_mean_stays_pieces(tmp_path):
    nodes, tensors = layer_norm_nodes(18)
    nodes[3].input[1] = "others"
    made = model(nodes, (1, 4, 5, 6), tensors | {"others": whole(-2)}, 18)
    network = agrees(made, numbers((1, 4, 5, 6)), tmp_path)
    assert "LayerNorm" not in kinds(network)


def test_a_normalization_whose_axes_come_back_elsewhere_stays_pieces(tmp_path):
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
        node("LayerNormalization", ["t", "w", "b"], ["n"]),
        node("Transpose", ["n"], ["y"], perm=[0, 3, 2, 1]),
    ]
    made = model(nodes, (1, 4, 5, 6), {"w": numbers((4,)), "b": numbers((4,), 9)})
    assert kinds(agrees(made, numbers((1, 4, 5, 6)), tmp_path)) == ["Permute", "LayerNorm", "Permute"]


def test_a_normalization_whose_axes_are_moved_for_it(tmp_path):
    nodes = [
        node("Transpose", ["x"], ["t"], "norm", perm=[0, 2, 3, 1]),
        node("LayerNormalization", ["t", "w", "b"], ["n"]),
        node("Transpose", ["n"], ["y"], perm=[0, 3, 1, 2]),
    ]
    made = model(nodes, (1, 4, 5, 6), {"w": numbers((4,)), "b": numbers((4,), 9)})
    network = agrees(made, numbers((1, 4, 5, 6)), tmp_path)
    assert [layer.layer for layer in network.layers] == [L.LayerNorm((0,))]


def test_channels_dealt_like_cards(tmp_path):
    nodes = [
        node("Reshape", ["x", "split"], ["s"], "shuffle"),
        node("Transpose", ["s"], ["t"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["t", "join"], ["y"]),
    ]
    made = model(nodes, ("N", 6, 4, 5), {"split": whole(-1, 2, 3, 4, 5), "join": whole(-1, 6, 4, 5)})
    network = agrees(made, numbers((1, 6, 4, 5)), tmp_path)
    assert [layer.layer for layer in network.layers] == [L.ChannelShuffle(2)]


@pytest.mark.parametrize(("order", "join"), [((0, 2, 1, 4, 3), (-1, 6, 5, 4)), ((0, 1, 2, 3, 4), (-1, 6, 4, 5))])
def test_channels_dealt_otherwise_are_no_shuffle(order, join, tmp_path):
    nodes = [
        node("Reshape", ["x", "split"], ["s"]),
        node("Transpose", ["s"], ["t"], perm=order),
        node("Reshape", ["t", "join"], ["y"]),
    ]
    made = model(nodes, ("N", 6, 4, 5), {"split": whole(-1, 2, 3, 4, 5), "join": whole(*join)})
    assert "ChannelShuffle" not in kinds(agrees(made, numbers((1, 6, 4, 5)), tmp_path))
