"""Whole graphs: batches, shapes computed in the graph, patterns, shared weights, inner graphs, names."""

from __future__ import annotations

import re

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import convscope as cs
from convscope import layers as L
from convscope.errors import BadFile
from convscope.interop.onnx.call import converters, converts
from convscope.interop.onnx.graph import operator_schema
from interop.onnx.models import FLOAT, model, numbers, one, saved, whole
from interop.onnx.runtime import assert_close, assert_imported_matches_runtime, by_runtime, kinds

node = helper.make_node


@pytest.mark.parametrize("batch", [1, "N", 4, None])
def test_batch_axis_is_removed_for_any_batch_size(batch, tmp_path):
    """Symbolic, unknown, one or several: the network is the same."""
    nodes = [
        node("Conv", ["x", "w"], ["c"], "conv"),
        node("Flatten", ["c"], ["f"], "flat"),
        one("Gemm", {}, ("f", "g")),
    ]
    made = model(nodes, (batch, 3, 7, 6), {"w": numbers((5, 3, 3, 2)), "g": numbers((125, 4))})
    network = cs.from_onnx(saved(made, tmp_path))
    assert [layer.output_shape for layer in network] == [(3, 7, 6), (5, 5, 5), (125,), (4,)]


def test_computed_shapes_are_constant_folded(tmp_path):
    """What exporters write for x.view(n, c, -1): Shape, Gather, Unsqueeze, Concat, arithmetic."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Constant", [], ["axis"], value_ints=[0]),
        node("Constant", [], ["three"], value=numpy_helper.from_array(np.int64(3))),
        node("Constant", [], ["two"], value_int=2),
        node("Gather", ["shape", "zero"], ["n"]),
        node("Gather", ["shape", "one"], ["c"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Mul", ["c", "three"], ["c3"]),
        node("Div", ["c3", "two"], ["c32"]),
        node("Cast", ["c32"], ["c32f"], to=FLOAT),
        node("Floor", ["c32f"], ["c32g"]),
        node("Cast", ["c32g"], ["c32i"], to=TensorProto.INT64),
        node("Unsqueeze", ["c32i", "axis"], ["c1"]),
        node("Slice", ["shape", "first", "last"], ["size"]),
        node("Concat", ["n1", "c1", "rest"], ["new"], axis=0),
        node("ReduceProd", ["size"], ["count"], keepdims=0),
        node("ConstantOfShape", ["four"], ["ones"], value=numpy_helper.from_array(np.array([1], np.int64))),
        node("Range", ["zero", "three", "one"], ["range"]),
        one("Reshape", {}, ("x", "new")),
    ]
    tensors = {
        "zero": np.int64(0),
        "one": np.int64(1),
        "rest": whole(-1),
        "first": whole(2),
        "last": whole(4),
        "four": whole(4),
    }
    made = model(nodes, ("N", 4, 3, 5), tensors)
    network = assert_imported_matches_runtime(made, numbers((1, 4, 3, 5)), tmp_path)
    assert network["made"].layer == L.Reshape((6, 10))


def test_reserved_characters_in_names_are_replaced(tmp_path):
    """Names are the nodes', made valid and unique; `origin` is the file's name."""
    nodes = [
        node("Relu", ["x"], ["a"], "block one: relu|#1"),
        node("Relu", ["a"], ["b"], "block one: relu|#1"),
        node("Relu", ["b"], ["c"]),
        node("Relu", ["c"], ["y"], "/layer1/layer1.0/Relu"),
    ]
    network = cs.from_onnx(saved(model(nodes, (1, 3, 4)), tmp_path))
    names = [(layer.name, layer.origin) for layer in network.layers]
    assert names == [
        ("block_one__relu__1", "block one: relu|#1"),
        ("block_one__relu__1_2", "block one: relu|#1"),
        ("relu1", None),
        ("/layer1/layer1.0/Relu", "/layer1/layer1.0/Relu"),
    ]


def test_shared_initializer_counts_once(tmp_path):
    """Layers with the same weights share them; one with another bias does not."""
    nodes = [
        node("Conv", ["x", "w", "b"], ["a"], "first", pads=[1, 1, 1, 1]),
        node("Identity", ["w"], ["same"], "alias"),
        node("Conv", ["a", "same", "b"], ["c"], "second", pads=[1, 1, 1, 1]),
        node("Conv", ["c", "w", "b2"], ["y"], "third", pads=[1, 1, 1, 1]),
    ]
    tensors = {"w": numbers((4, 4, 3, 3)), "b": numbers((4,)), "b2": numbers((4,), 8)}
    network = assert_imported_matches_runtime(model(nodes, (1, 4, 5, 6), tensors), numbers((1, 4, 5, 6)), tmp_path)
    assert [layer.parameters_of for layer in network.layers] == ["first", "first", "third"]
    assert cs.inspect(network).totals.params == 2 * (4 * 4 * 9 + 4)


def test_squeeze_and_excitation_keeps_the_local_field(tmp_path):
    nodes = [
        node("Conv", ["x", "w"], ["c"], "conv"),
        node("GlobalAveragePool", ["c"], ["p"], "pool"),
        node("Conv", ["p", "v"], ["q"], "squeeze"),
        node("Sigmoid", ["q"], ["s"], "gate"),
        node("Mul", ["c", "s"], ["y"], "scale"),
    ]
    made = model(nodes, (1, 3, 9, 8), {"w": numbers((5, 3, 3, 2)), "v": numbers((5, 5, 1, 1))})
    network = assert_imported_matches_runtime(made, numbers((1, 3, 9, 8)), tmp_path)
    row = {row.name: row for row in cs.inspect(network)}["scale"].receptive_field
    assert (tuple(row.size), row.global_via) == ((3, 2), "pool")


def test_bidirectional_pytorch_lstm_becomes_one_layer(tmp_path):
    """As PyTorch exports a bidirectional LSTM with batch_first: only the LSTM remains."""
    nodes = [
        node("Transpose", ["x"], ["t"], "turn", perm=[1, 0, 2]),
        node("LSTM", ["t", "w", "r"], ["steps"], "lstm", hidden_size=3, direction="bidirectional"),
        node("Transpose", ["steps"], ["u"], perm=[0, 2, 1, 3]),
        node("Reshape", ["u", "shape"], ["j"]),
        node("Transpose", ["j"], ["y"], perm=[1, 0, 2]),
    ]
    tensors = {"w": numbers((2, 12, 4)), "r": numbers((2, 12, 3), 5), "shape": whole(0, 0, -1)}
    made = model(nodes, ("N", 5, 4), tensors)
    network = assert_imported_matches_runtime(made, numbers((1, 5, 4)), tmp_path)
    assert [(layer.name, layer.output_shape) for layer in network.layers] == [("lstm", (5, 6))]


def test_transposed_batch_axis_needs_no_layer(tmp_path):
    """Moving the batch behind the sequence axis and back adds no layer."""
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        node("Relu", ["t"], ["r"], "relu"),
        node("MatMul", ["r", "w"], ["m"], "fc"),
        node("Add", ["m", "c"], ["a"], "plus"),
        node("Transpose", ["a"], ["y"], perm=[1, 0, 2]),
    ]
    made = model(nodes, (3, 5, 4), {"w": numbers((4, 6)), "c": numbers((5, 1, 6), 4)})
    network = cs.from_onnx(saved(made, tmp_path))
    assert [(layer.name, layer.output_shape) for layer in network.layers] == [
        ("relu", (5, 4)),
        ("fc", (5, 6)),
        ("plus.constant1", (5, 6)),
        ("plus", (5, 6)),
    ]


def test_constant_per_image_is_opaque(tmp_path):
    made = model([one("Add", {}, ("x", "c"))], (4, 3, 5), {"c": numbers((4, 3, 5))})
    assert kinds(cs.from_onnx(saved(made, tmp_path))) == ["Opaque(Add)"]


@pytest.mark.parametrize("operator", ["Add", "Mul"])
def test_constants_that_broadcast_the_input(operator, tmp_path):
    """Broadcasting may enlarge the input: a scalar with more axes, a factor along an axis of size 1."""
    made = model([one(operator, {}, ("x", "c"))], (1, 3), {"c": np.full((1, 1, 1, 1), 0.3, np.float32)})
    assert assert_imported_matches_runtime(made, numbers((1, 3)), tmp_path)["made"].output_shape == (1, 1, 3)
    made = model([one(operator, {}, ("x", "c"))], (1, 1, 5), {"c": numbers((6, 1))})
    assert assert_imported_matches_runtime(made, numbers((1, 1, 5)), tmp_path)["made"].output_shape == (6, 5)


@pytest.mark.parametrize(("stored", "learned"), [(True, True), (False, False)])
def test_initializers_are_learned_and_constant_nodes_are_not(stored, learned, tmp_path):
    """An initializer is a parameter; the same tensor in a Constant node is not."""
    array = numbers((3, 5))
    nodes = [] if stored else [node("Constant", [], ["c"], value=numpy_helper.from_array(array))]
    made = model([*nodes, one("Add", {}, ("x", "c"))], (1, 3, 5), {"c": array} if stored else {})
    network = assert_imported_matches_runtime(made, numbers((1, 3, 5)), tmp_path)
    assert network["made.constant1"].layer == L.Parameter((3, 5), learned)
    assert cs.inspect(network).totals.params == (15 if learned else 0)


def test_cast_to_integers_is_opaque(tmp_path):
    nodes = [node("Cast", ["x"], ["i"], "cut", to=TensorProto.INT64), node("Cast", ["i"], ["y"], "back", to=FLOAT)]
    network = cs.from_onnx(saved(model(nodes, (1, 3, 5)), tmp_path))
    assert kinds(network) == ["Opaque(Cast)", "Identity"]


def test_transposition_of_the_batch_is_refused(tmp_path):
    """An axis of the batch's size is not the batch."""
    nodes = [node("Reshape", ["x", "s"], ["y"], "fold")]
    with pytest.raises(BadFile, match=r"\[onnx-batch\]$"):
        cs.from_onnx(saved(model(nodes, (4, 3, 5), {"s": whole(3, 4, 5)}), tmp_path))


def test_batch_transposed_to_channels_is_refused(tmp_path):
    """Four images as channels of one: their convolution is not a layer of one image."""
    nodes = [node("Transpose", ["x"], ["t"], perm=[1, 0, 2, 3]), one("Conv", {}, ("t", "w"))]
    made = model(nodes, (4, 1, 5, 6), {"w": numbers((2, 4, 3, 3))})
    message = (
        "The batch axis is combined with another axis (got a batch of 4 and an output of shape (1, 2, 3, 4)). "
        "Export the model with a batch of 1 or a symbolic one. [onnx-batch]"
    )
    with pytest.raises(BadFile, match=f"^{re.escape(message)}$"):
        cs.from_onnx(saved(made, tmp_path))


def test_first_output_is_the_last_layer(tmp_path):
    """A Model returns the output that the file lists first, also if other nodes use it."""
    nodes = [
        node("Relu", ["x"], ["y"], "main"),
        node("Tanh", ["x"], ["z"], "side"),
        node("Sigmoid", ["y"], ["w"], "more"),
    ]
    network = cs.from_onnx(saved(model(nodes, (1, 3, 4), outputs=["y", "z"]), tmp_path))
    assert [layer.name for layer in network.layers] == ["side", "main"]
    network = cs.from_onnx(saved(model(nodes, (1, 3, 4), outputs=["y", "w"]), tmp_path))
    assert [layer.name for layer in network.layers] == ["main", "more", "main.output"]


def test_initializers_listed_as_inputs_are_not_inputs(tmp_path):
    """As in files of the first IR versions."""
    more = [helper.make_tensor_value_info("w", FLOAT, (4, 6))]
    network = cs.from_onnx(
        saved(model([one("MatMul", {}, ("x", "w"))], (1, 4), {"w": numbers((4, 6))}, inputs=more), tmp_path)
    )
    assert [layer.name for layer in network] == ["x", "made"]


def test_class_token_is_a_parameter(tmp_path):
    """A stored row, expanded to the batch and concatenated before the others."""
    nodes = [
        node("Shape", ["x"], ["n"], start=0, end=1),
        node("Concat", ["n", "ones"], ["size"], axis=0),
        node("Expand", ["token", "size"], ["rows"]),
        node("Concat", ["rows", "x"], ["y"], "join", axis=1),
    ]
    made = model(nodes, ("N", 5, 4), {"token": numbers((1, 1, 4)), "ones": whole(1, 1)})
    network = assert_imported_matches_runtime(made, numbers((1, 5, 4)), tmp_path)
    assert [layer.layer for layer in network.layers] == [L.Parameter((1, 4)), L.Concat()]
    assert cs.inspect(network).totals.params == 4


def test_if_with_a_constant_condition_is_inlined(tmp_path):
    """An If with a constant condition, as exporters write for optional squeezes."""
    then = helper.make_graph(
        [node("Relu", ["x"], ["t"], "inside")], "then", [], [helper.make_tensor_value_info("t", FLOAT, None)]
    )
    other = helper.make_graph(
        [node("Tanh", ["x"], ["o"], "point_to_external_data")],
        "else",
        [],
        [helper.make_tensor_value_info("o", FLOAT, None)],
    )
    choose = node("If", ["yes"], ["y"], "choice", then_branch=then, else_branch=other)
    network = assert_imported_matches_runtime(
        model([choose], (1, 3, 4), {"yes": np.array(False)}), numbers((1, 3, 4)), tmp_path
    )
    assert [(layer.name, layer.kind) for layer in network.layers] == [("choice/point_to_external_data", "Tanh")]


def test_local_function_is_inlined(tmp_path):
    """Its nodes are named after the call, and attributes come from the caller."""
    inner = helper.make_node("LeakyRelu", ["a"], ["b"], "leak")
    slope = inner.attribute.add()
    slope.name, slope.ref_attr_name, slope.type = "alpha", "slope", 1
    function = helper.make_function(
        "mine", "Leaky", ["a"], ["b"], [inner], [helper.make_opsetid("", 21)], ["slope"]
    )
    call = node("Leaky", ["x"], ["y"], "called", domain="mine", slope=0.3)
    made = model([call], (1, 3, 4), opsets=[helper.make_opsetid("mine", 1)], functions=[function])
    network = assert_imported_matches_runtime(made, numbers((1, 3, 4)), tmp_path)
    assert [(layer.name, layer.layer) for layer in network.layers] == [("called/leak", L.LeakyReLU(0.3))]


def test_unsupported_operator_has_the_declared_shape(tmp_path):
    """Its status is unknown, and so is that of the totals."""
    nodes = [node("Frobnicate", ["x"], ["f"], "odd", domain="elsewhere"), node("Relu", ["f"], ["y"], "relu")]
    info = [helper.make_tensor_value_info("f", FLOAT, ("N", 7, 2))]
    made = model(nodes, ("N", 3, 4), value_info=info, opsets=[helper.make_opsetid("elsewhere", 1)])
    network = cs.from_onnx(saved(made, tmp_path))
    assert network["odd"].layer == L.Opaque("elsewhere.Frobnicate", (7, 2))
    report = cs.inspect(network).to_dict()
    assert [row["status"] for row in report["layers"]][-2:] == ["unknown", "complete"]


def test_unsupported_operator_has_the_shape_that_onnx_infers(tmp_path):
    nodes = [node("TopK", ["x", "k"], ["v", "i"], "top"), node("Cast", ["i"], ["y"], "cast", to=FLOAT)]
    network = cs.from_onnx(saved(model(nodes, (1, 3, 9), {"k": whole(4)}), tmp_path))
    assert [(layer.name, layer.kind, layer.output_shape) for layer in network.layers] == [
        ("top", "Opaque(TopK)", (3, 4)),
        ("cast", "Identity", (3, 4)),
    ]


def test_unneeded_nodes_are_dropped(tmp_path):
    nodes = [node("Frobnicate", ["x"], ["f"], "odd", domain="elsewhere"), one("Relu")]
    made = model(nodes, (1, 3, 4), opsets=[helper.make_opsetid("elsewhere", 1)])
    assert kinds(cs.from_onnx(saved(made, tmp_path))) == ["ReLU"]


def test_nodes_may_be_in_any_order(tmp_path):
    nodes = [node("Tanh", ["b"], ["y"], "c"), node("Relu", ["a"], ["b"], "b"), node("Sigmoid", ["x"], ["a"], "a")]
    assert [layer.name for layer in cs.from_onnx(saved(model(nodes, (1, 3, 4)), tmp_path)).layers] == [
        "a",
        "b",
        "c",
    ]


def test_input_shape_sets_open_and_fixed_sizes(tmp_path):
    """Open sizes are required; fixed ones may be overridden."""
    made = model([one("Conv", {}, ("x", "w"))], ("N", 3, "H", "W"), {"w": numbers((4, 3, 3, 3))})
    path = saved(made, tmp_path)
    assert cs.from_onnx(path, input_shape=(3, 11, 9))["made"].output_shape == (4, 9, 7)
    assert cs.load(str(path), (3, 6, 5))["made"].output_shape == (4, 4, 3)


def test_model_with_imported_weights_matches_onnx_runtime(tmp_path):
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], "conv", strides=[2, 1]),
        node("BatchNormalization", ["c", "s", "o", "m", "v"], ["n"], "norm"),
        node("Relu", ["n"], ["r"], "relu"),
        node("Flatten", ["r"], ["f"], "flat"),
        one("Gemm", {"transB": 1}, ("f", "g")),
    ]
    tensors = {"w": numbers((4, 3, 3, 2)), "b": numbers((4,)), "g": numbers((5, 60), 4)}
    tensors |= {name: np.abs(numbers((4,), seed)) + 0.1 for seed, name in enumerate("somv")}
    made = model(nodes, ("N", 3, 7, 6), tensors)
    loaded = cs.from_onnx(saved(made, tmp_path), parameters=True)
    x = numbers((3, 3, 7, 6), 21)
    assert isinstance(loaded, cs.Model)
    assert_close(loaded.logits(x), by_runtime(made.SerializeToString(), {"x": x})[0])


def test_every_version_of_a_supported_operator_is_registered():
    """Without a registered version, a supported operator would be Opaque."""
    from onnx.defs import get_all_schemas_with_history, onnx_opset_version

    known = {operator for domain, operator, _ in converters() if not domain}
    reachable = {
        (name, found.since)
        for name in known
        for opset in range(9, onnx_opset_version() + 1)
        if (found := operator_schema("", name, opset)) is not None
    }
    schemas = [schema for schema in get_all_schemas_with_history() if not schema.domain and not schema.deprecated]
    versions = {(schema.name, schema.since_version) for schema in schemas}
    missing = {key for key in reachable & versions if ("", *key) not in converters()}
    assert missing == set()


def test_duplicate_converter_is_refused():
    with pytest.raises(ValueError, match=r"^ai\.onnx\.Conv of version 11 has two converters$"):
        converts("Conv", since=(11,))(lambda call: [])
