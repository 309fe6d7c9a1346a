"""Constants: values match ONNX Runtime, and learned tables become layers."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from onnx import helper

import convscope as cs
from convscope.interop.onnx.importer import read_network
from interop.onnx.models import FLOAT, INT64, model, numbers, saved, whole
from interop.onnx.runtime import assert_close, by_reference, by_runtime

TABLE = numbers((5, 7))
VALUE = helper.make_tensor("value", FLOAT, [1], [0.25])
ROWS = np.stack([*np.meshgrid(np.arange(5), np.arange(7), indexing="ij"), np.ones((5, 7), int)], axis=-1)
INDEX_TUPLES = np.array([[[0, 1], [4, 2]], [[3, 6], [2, 0]]])


@pytest.mark.parametrize(
    ("operator", "attributes", "tensors"),
    [
        ("Tanh", {}, {"t": TABLE}),
        ("Relu", {}, {"t": TABLE}),
        ("Sigmoid", {}, {"t": TABLE}),
        ("Clip", {}, {"t": TABLE, "l": np.float32(-0.25), "h": np.float32(0.5)}),
        ("GatherElements", {"axis": 1}, {"t": TABLE, "i": whole(3, 0, 6, 1, 1).reshape(5, 1)}),
        ("ScatterND", {}, {"t": TABLE, "i": INDEX_TUPLES, "u": numbers((2, 2), 8)}),
        (
            "ScatterElements",
            {"axis": 1},
            {"t": TABLE, "i": whole(3, 0, 6, 1, 1).reshape(5, 1), "u": numbers((5, 1), 8)},
        ),
        ("GatherND", {}, {"t": np.arange(70).reshape(5, 7, 2), "i": ROWS}),
        ("ScatterND", {}, {"t": TABLE, "i": whole(3, 1).reshape(2, 1), "u": numbers((2, 7), 8)}),
        ("Trilu", {"upper": 0}, {"t": TABLE, "k": np.int64(1)}),
        ("Trilu", {}, {"t": TABLE}),
        ("CumSum", {}, {"t": TABLE, "a": np.int64(1)}),
        ("EyeLike", {}, {"t": TABLE}),
        ("EyeLike", {"k": -2, "dtype": INT64}, {"t": TABLE}),
        (
            "BatchNormalization",
            {"epsilon": 0.01},
            {"t": TABLE.reshape(1, 5, 7)} | {f"s{seed}": numbers((5,), seed) + 1.5 for seed in range(4)},
        ),
        ("IsNaN", {}, {"t": np.where(TABLE < 0, np.float32(np.nan), TABLE)}),
        ("NonZero", {}, {"t": whole(0, 3, 1, 1, 0, 9, 2, 5, 4)}),
        ("MatMul", {}, {"t": np.arange(15).reshape(5, 3), "u": np.arange(21)[::-1].reshape(3, 7)}),
    ],
)
def test_folded_constants_match_onnx_runtime(operator, attributes, tensors, tmp_path):
    """The constant is added to the input."""
    nodes = [
        helper.make_node(operator, list(tensors), ["c"], "made", **attributes),
        helper.make_node("Cast", ["c"], ["r"], "real", to=FLOAT),
        helper.make_node("Mul", ["r", "one"], ["d"], "held"),
        helper.make_node("Add", ["x", "d"], ["y"], "sum"),
    ]
    path = saved(model(nodes, (1, 5, 7), {**tensors, "one": np.ones((1, 1), np.float32)}, opset=17), tmp_path)
    x = numbers((1, 5, 7), 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == ["Parameter", "Add"]
    assert_close(ours, by_runtime(path, {"x": x})[0])


def test_folding_with_an_undeclared_attribute_is_refused(tmp_path):
    nodes = [
        helper.make_node("Neg", ["t"], ["c"], "made", twice=1),
        helper.make_node("Add", ["x", "c"], ["y"], "sum"),
    ]
    path = saved(model(nodes, (1, 5, 7), {"t": TABLE}, opset=17), tmp_path)
    with pytest.raises(
        cs.errors.BadFile, match=r"^A constant of .* \(got the unsupported attribute twice at node"
    ):
        cs.from_onnx(path)


@pytest.mark.parametrize(
    ("operator", "attributes", "tensors"),
    [
        ("ScatterND", {"reduction": "add"}, {"t": TABLE, "i": INDEX_TUPLES, "u": numbers((2, 2))}),
        (
            "ScatterElements",
            {"reduction": "mul"},
            {"t": TABLE, "i": whole(3, 0).reshape(1, 2), "u": numbers((1, 2))},
        ),
        ("CumSum", {"reverse": 1}, {"t": TABLE, "a": np.int64(1)}),
    ],
)
def test_rare_folding_attributes_match_onnx_runtime(operator, attributes, tensors, tmp_path):
    nodes = [
        helper.make_node(operator, list(tensors), ["c"], "made", **attributes),
        helper.make_node("Add", ["x", "c"], ["y"], "sum"),
    ]
    path = saved(model(nodes, (1, 5, 7), tensors, opset=17), tmp_path)
    x = numbers((1, 5, 7), 4)
    assert_close(by_reference(path, {"x": x})[1], by_runtime(path, {"x": x})[0])


def test_gathered_learned_table_counts_once(tmp_path):
    """As in relative position tables: 7 × 3 elements, of which 4 × 5 rows are gathered."""
    gathered = np.random.default_rng(2).integers(0, 7, (4, 5))
    nodes = [
        helper.make_node("Gather", ["t", "i"], ["g"], "gathered"),
        helper.make_node("Add", ["x", "g"], ["y"], "sum"),
    ]
    path = saved(model(nodes, (1, 4, 5, 3), {"t": numbers((7, 3)), "i": gathered}), tmp_path)
    x = numbers((1, 4, 5, 3), 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == ["Parameter", "IndexSelect", "Reshape", "Add"]
    assert cs.inspect(network).totals.params == 21
    assert_close(ours, by_runtime(path, {"x": x})[0])


def test_learned_table_gathered_by_index_tuples_counts_once(tmp_path):
    """As the newer exporter writes relative position tables: rows by tuples of one index."""
    gathered = np.random.default_rng(2).integers(-7, 7, (4, 5, 1))
    nodes = [
        helper.make_node("GatherND", ["t", "i"], ["g"], "gathered"),
        helper.make_node("Add", ["x", "g"], ["y"], "sum"),
    ]
    path = saved(model(nodes, (1, 4, 5, 3), {"t": numbers((7, 3)), "i": gathered}), tmp_path)
    x = numbers((1, 4, 5, 3), 4)
    network, ours = by_reference(path, {"x": x})
    assert cs.inspect(network).totals.params == 21
    assert_close(ours, by_runtime(path, {"x": x})[0])


CONDITION = np.random.default_rng(3).random((5, 1, 7)) < 0.4


@pytest.mark.parametrize(
    ("inputs", "kinds"),
    [
        (("c", "zero", "x"), ["Parameter", "Multiply"]),
        (("c", "x", "half"), ["Parameter", "Multiply", "Parameter", "Add"]),
        (("c", "table", "x"), ["Parameter", "Multiply", "Parameter", "Add"]),
        (("c", "x", "relu"), ["ReLU", "Parameter", "Multiply", "Parameter", "Multiply", "Add"]),
    ],
)
def test_where_with_constant_mask_becomes_products_and_a_sum(inputs, kinds, tmp_path):
    nodes = [
        helper.make_node("Relu", ["x"], ["relu"], "act"),
        helper.make_node("Where", list(inputs), ["y"], "chosen"),
    ]
    tensors = {"c": CONDITION, "zero": np.float32(0), "half": np.float32([0.5]), "table": numbers((5, 6, 7), 9)}
    path = saved(model(nodes, (1, 5, 6, 7), tensors), tmp_path)
    x = numbers((1, 5, 6, 7), 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == kinds
    assert_close(ours, by_runtime(path, {"x": x})[0])


def test_where_with_infinite_elements_is_opaque(tmp_path):
    """Multiplied by 0 it would be NaN."""
    nodes = [helper.make_node("Where", ["c", "x", "low"], ["y"], "chosen")]
    tensors = {"c": CONDITION, "low": np.float32(-np.inf)}
    network = cs.from_onnx(saved(model(nodes, (1, 5, 6, 7), tensors), tmp_path))
    assert network["chosen"].kind == "Opaque(Where)"


def test_dense_layers_over_constants_keep_their_parameters(tmp_path):
    """As in continuous position tables: constants through dense layers, added to the input."""
    nodes = [
        helper.make_node("MatMul", ["positions", "w"], ["h"], "first"),
        helper.make_node("Relu", ["h"], ["r"], "act"),
        helper.make_node("MatMul", ["r", "v"], ["g"], "second"),
        helper.make_node("Add", ["x", "g"], ["y"], "sum"),
    ]
    tensors = {"positions": numbers((5, 2)), "w": numbers((2, 6), 5), "v": numbers((6, 3), 6)}
    path = saved(model(nodes, (1, 5, 3), tensors), tmp_path)
    x = numbers((1, 5, 3), 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == ["Parameter", "Linear", "ReLU", "Linear", "Add"]
    assert network["first"].facts.params + network["second"].facts.params == 12 + 18
    assert_close(ours, by_runtime(path, {"x": x})[0])


def test_convolution_over_constants_keeps_its_parameters(tmp_path):
    """As in sinusoidal position encodings followed by a 1×1 convolution."""
    nodes = [
        helper.make_node("Sin", ["positions"], ["s"], "sines"),
        helper.make_node("Conv", ["s", "w", "b"], ["c"], "mixed"),
        helper.make_node("Add", ["x", "c"], ["y"], "sum"),
    ]
    tensors = {"positions": numbers((1, 6, 5, 7)), "w": numbers((4, 6, 1, 1), 5), "b": numbers((4,), 6)}
    path = saved(model(nodes, (1, 4, 5, 7), tensors), tmp_path)
    x = numbers((1, 4, 5, 7), 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == ["Parameter", "Reshape", "Conv2d", "Add"]
    assert network["mixed"].facts.params == 4 * 6 + 4
    assert_close(ours, by_runtime(path, {"x": x})[0])


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_resized_learned_table_counts_as_stored(mode, tmp_path):
    """Position encodings learned at another size: 4 × 3 × 2 parameters for any input size."""
    nodes = [
        helper.make_node("Resize", ["t", "", "", "size"], ["r"], "resized", mode=mode, cubic_coeff_a=-0.75),
        helper.make_node("Add", ["x", "r"], ["y"], "sum"),
    ]
    tensors = {"t": numbers((1, 4, 3, 2)), "size": whole(1, 4, 7, 5)}
    path = saved(model(nodes, (1, 4, 7, 5), tensors, opset=17), tmp_path)
    x = numbers((1, 4, 7, 5), 4)
    network, ours = by_reference(path, {"x": x})
    assert [node.kind for node in network.layers] == ["Parameter", "Reshape", "Upsample", "Add"]
    assert cs.inspect(network).totals.params == 24
    assert_close(ours, by_runtime(path, {"x": x})[0])


def test_standardized_weight_is_the_convolutions_parameter(tmp_path):
    """Each filter is normalized, as PyTorch exports weight standardization."""
    kernel, gain = numbers((4, 3, 3, 2), 5), numbers((4,), 6)
    nodes = [
        helper.make_node("Reshape", ["w", "flat"], ["f"], "rows"),
        helper.make_node(
            "BatchNormalization", ["f", "g", "z", "z", "o"], ["n", "m", "v"], "standardized", training_mode=1
        ),
        helper.make_node("Reshape", ["n", "kernel"], ["k"], "filters"),
        helper.make_node("Conv", ["x", "k"], ["y"], "made"),
    ]
    tensors = {"w": kernel, "g": gain, "z": np.zeros(4, np.float32), "o": np.ones(4, np.float32)}
    tensors |= {"flat": whole(1, 4, -1), "kernel": whole(4, 3, 3, 2)}
    model_ = cs.from_onnx(saved(model(nodes, (1, 3, 6, 8), tensors, opset=17), tmp_path), parameters=True)
    assert [node.kind for node in model_.network.layers] == ["Conv2d"]
    rows = kernel.reshape(4, -1).astype(np.float64)
    spread = np.sqrt(rows.var(1, keepdims=True) + 1e-5)
    expected = (rows - rows.mean(1, keepdims=True)) / spread * gain[:, None]
    np.testing.assert_allclose(model_.parameters["made.weight"].reshape(4, -1), expected, rtol=1e-5, atol=1e-5)


def grid_model(scale):
    """Return a model that adds positions times a stored scale to a convolution, for any input size."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Shape", ["c"], ["s"], "shape"),
        helper.make_node("Gather", ["s", "three"], ["columns"], "width"),
        helper.make_node("Range", ["zero", "columns", "one"], ["r"], "range"),
        helper.make_node("Cast", ["r"], ["f"], "real", to=FLOAT),
        helper.make_node("Mul", ["f", "scale"], ["g"], "scaled"),
        helper.make_node("Add", ["c", "g"], ["y"], "sum"),
    ]
    tensors = {"w": numbers((4, 3, 3, 3)), "scale": np.float32(scale)}
    tensors |= {"zero": np.int64(0), "one": np.int64(1), "three": np.int64(3)}
    return model(nodes, ("n", 3, "h", "w"), tensors, opset=17)


@pytest.mark.parametrize("shape", [(3, 8, 6), (3, 12, 31)])
def test_table_computed_from_shapes_is_not_a_parameter(shape, tmp_path):
    """4 × 3 × 3 × 3 weights for any input size; the scale belongs to the table."""
    path = saved(grid_model(0.5), tmp_path)
    assert cs.inspect(cs.from_onnx(path, input_shape=shape)).totals.params == 108
    model_ = cs.from_onnx(path, parameters=True, input_shape=shape)
    x = numbers((1, *shape), 4)
    assert_close(model_.logits(x), by_runtime(path, {"x": x})[0], 1e-4)


def test_stored_integers_are_not_parameters(tmp_path):
    nodes = [
        helper.make_node("Cast", ["i"], ["f"], "real", to=FLOAT),
        helper.make_node("Add", ["x", "f"], ["y"], "sum"),
    ]
    network = cs.from_onnx(saved(model(nodes, (1, 4, 5), {"i": np.arange(20).reshape(4, 5)}), tmp_path))
    assert cs.inspect(network).totals.params == 0


@pytest.mark.parametrize(
    ("operator", "tensors", "attributes"),
    [
        ("Expand", {"s": whole(1, 4, 6, 5)}, {}),
        ("Tile", {"s": whole(1, 1, 6, 1)}, {}),
        ("Concat", {"s": np.zeros((1, 4, 5, 5), np.int64)}, {"axis": 2}),
    ],
)
def test_repeated_learned_table_counts_as_stored(operator, tensors, attributes, tmp_path):
    """4 × 5 learned elements, repeated to 4 × 6 × 5."""
    name = "f" if operator == "Concat" else "s"
    nodes = [
        helper.make_node("Cast", ["s"], ["f"], "real", to=FLOAT),
        helper.make_node(operator, ["t", name], ["r"], "repeated", **attributes),
        helper.make_node("Add", ["x", "r"], ["y"], "sum"),
    ]
    path = saved(model(nodes, (1, 4, 6, 5), {"t": numbers((1, 4, 1, 5)), **tensors}, opset=17), tmp_path)
    x = numbers((1, 4, 6, 5), 4)
    network, ours = by_reference(path, {"x": x})
    assert cs.inspect(network).totals.params == 20
    assert_close(ours, by_runtime(path, {"x": x})[0])


def test_scalar_bias_counts_once(tmp_path):
    path = saved(model([helper.make_node("Gemm", ["x", "w", "b"], ["y"], "made")], (1, 12), {"w": numbers((12, 5)), "b": numbers((1,))}), tmp_path)  # fmt: skip
    assert cs.inspect(cs.from_onnx(path)).totals.params == 61


def test_filled_constant_takes_no_memory_until_read(tmp_path):
    """A kernel of 25,088 × 4,096 given by its shape, as in ONNX's light models; it would take 0.4 GiB."""
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["w"], "fill"),
        helper.make_node("Flatten", ["x"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "w"], ["y"], "made"),
    ]
    path = saved(model(nodes, ("n", 512, 7, 7), {"s": whole(25088, 4096)}), tmp_path)
    tracemalloc.start()
    network, weights = read_network(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cs.inspect(network).totals.params == 102_760_448
    assert weights["made.weight"].shape == (4096, 25088)
    assert peak < 16 << 20


def test_constants_filled_by_two_nodes_are_not_shared(tmp_path):
    """Two nodes with one shape give two weights; one node used twice gives one."""
    fill = [helper.make_node("ConstantOfShape", ["s"], [name], value=VALUE) for name in ("a", "b")]
    for second, params in (("b", 98), ("a", 49)):
        nodes = [
            *fill,
            helper.make_node("MatMul", ["x", "a"], ["m"], "one"),
            helper.make_node("MatMul", ["m", second], ["y"], "two"),
        ]
        path = saved(model(nodes, (1, 7), {"s": whole(7, 7)}), tmp_path)
        x = numbers((1, 7))
        network, ours = by_reference(path, {"x": x})
        assert cs.inspect(network).totals.params == params
        assert_close(ours, by_runtime(path, {"x": x})[0])


def test_folded_broadcast_constants_match_onnx_runtime(tmp_path):
    """Sums and products of filled constants, and of constants that are broadcast along some axes."""
    nodes = [
        helper.make_node("ConstantOfShape", ["s"], ["c"], value=VALUE),
        helper.make_node("Expand", ["t", "s"], ["e"]),
        helper.make_node("Mul", ["c", "e"], ["m"]),
        helper.make_node("Sqrt", ["c"], ["q"]),
        helper.make_node("Where", ["cond", "m", "q"], ["v"]),
        helper.make_node("Add", ["x", "v"], ["y"], "sum"),
    ]
    tensors = {"s": whole(1, 70, 80), "t": numbers((70, 1)), "cond": numbers((80,), 5) > 0}
    path = saved(model(nodes, (1, 70, 80), tensors, opset=17), tmp_path)
    x = numbers((1, 70, 80), 4)
    _, ours = by_reference(path, {"x": x})
    assert_close(ours, by_runtime(path, {"x": x})[0])
