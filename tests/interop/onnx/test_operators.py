"""Operators: shapes match ONNX's inference, values match ONNX Runtime."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from convscope import inspect
from interop.onnx.models import INT64, inferred_shape, model, numbers, one, saved, whole
from interop.onnx.runtime import assert_close, by_reference, by_runtime

IMAGE = (1, 6, 7, 10)
ROWS = (1, 5, 8)
VECTOR = (1, 12)


class Case(NamedTuple):
    """A node: its attributes and initializers, and the layers it becomes."""

    operator: str
    kinds: tuple[str, ...]
    attributes: dict[str, Any] = {}  # noqa: RUF012
    shape: tuple[int, ...] = IMAGE
    tensors: dict[str, Any] = {}  # noqa: RUF012
    opset: int = 21
    first: bool = True  # whether x is the first input


INDEX_TUPLES = whole(0, 5, 6, 0, -2, 0, 0, 3, 2, 0, 0, -7).reshape(4, 3)

CASES = [
    Case("Relu", ("ReLU",)),
    Case("Relu", ("ReLU",), opset=9),
    Case("Sigmoid", ("Sigmoid",)),
    Case("Tanh", ("Tanh",), opset=11),
    Case("Softplus", ("Softplus",)),
    Case("Elu", ("ELU",), {"alpha": 0.7}),
    Case("Selu", ("SELU",)),
    Case("LeakyRelu", ("LeakyReLU",), {"alpha": 0.03}),
    Case("LeakyRelu", ("LeakyReLU",), opset=15),
    Case("HardSigmoid", ("Affine", "Clamp")),
    Case("HardSigmoid", ("Hardsigmoid",), {"alpha": 1 / 6}),
    Case("HardSwish", ("Hardswish",)),
    Case("Mish", ("Mish",)),
    Case("Gelu", ("GELU",), {"approximate": "tanh"}),
    Case("Gelu", ("GELU",)),
    Case("PRelu", ("PReLU",), tensors={"s": numbers((6, 1, 1))}),
    Case("PRelu", ("PReLU",), tensors={"s": numbers((1,))}, opset=9),
    Case("Clip", ("Clamp",), tensors={"low": np.float32(-0.25), "high": np.float32(0.5)}),
    Case("Clip", ("ReLU6",), {"min": 0.0, "max": 6.0}, opset=10),
    Case("Clip", ("ReLU",), tensors={"low": np.float32(0)}),
    Case("Softmax", ("Softmax",), {"axis": -2}),
    Case("Softmax", ("Softmax",), shape=VECTOR, opset=11),
    Case("Softmax", ("Reshape", "Softmax", "Reshape"), {"axis": 2}, opset=11),
    Case("Softmax", ("Reshape", "Softmax", "Reshape"), opset=12),
    Case("LogSoftmax", ("LogSoftmax",), {"axis": 1}),
    *(Case(name, ("Function",)) for name in ("Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Neg", "Round", "Sign", "Sin")),
    Case("Reciprocal", ("Function",)),
    Case("Pow", ("Power",), tensors={"e": np.float32(3)}),
    Case("Add", ("Affine",), tensors={"c": np.float32(0.3)}),
    Case("Add", ("Parameter", "Add"), tensors={"c": numbers((6, 1, 10))}),
    Case("Add", ("Parameter", "Add"), tensors={"c": numbers((1, 6, 7, 10))}),
    Case("Sub", ("Affine",), tensors={"c": np.array([0.3], np.float32)}),
    Case("Sub", ("Affine",), tensors={"c": np.float32(0.3)}, first=False),
    Case("Sub", ("Parameter", "Subtract"), tensors={"c": numbers((7, 10))}, first=False),
    Case("Mul", ("Scale",), tensors={"c": numbers((6, 1, 1))}),
    Case("Mul", ("Scale",), tensors={"c": numbers((10,))}),
    Case("Mul", ("Affine",), tensors={"c": np.float32(-1.7)}),
    Case("Mul", ("Parameter", "Multiply"), tensors={"c": numbers((7, 10))}),
    Case("Div", ("Affine",), tensors={"c": np.float32(4)}),
    Case("Div", ("Function", "Affine"), tensors={"c": np.float32(4)}, first=False),
    Case("Div", ("Parameter", "Divide"), tensors={"c": numbers((6, 7, 1))}),
    Case("Max", ("Clamp",), tensors={"c": np.float32(0.1)}),
    Case("Max", ("Parameter", "Maximum"), tensors={"c": numbers((7, 1))}),
    Case("Min", ("Clamp",), tensors={"c": np.float32(0.1)}, first=False),
    Case("Sum", ("Parameter", "Parameter", "Add"), tensors={"c": numbers((7, 1)), "d": numbers((6, 1, 1))}),
    Case("Mean", ("Parameter", "Add", "Affine"), tensors={"c": numbers((6, 7, 10))}),
    Case("Gemm", ("Linear",), {"transB": 1, "alpha": 0.5, "beta": 2.0}, VECTOR, {"w": numbers((5, 12)), "b": numbers((5,))}),
    Case("Gemm", ("Linear", "Parameter", "Add"), {"beta": 0.5}, VECTOR, {"w": numbers((12, 5)), "b": numbers((1,))}, 10),
    Case("Gemm", ("Linear",), {}, VECTOR, {"w": numbers((12, 5))}),
    Case("MatMul", ("Linear",), {}, ROWS, {"w": numbers((8, 3))}),
    Case("MatMul", ("Linear",), {}, VECTOR, {"w": numbers((12, 3))}, 9),
    Case("MatMul", ("Parameter", "MatMul"), {}, ROWS, {"w": numbers((4, 5))}, first=False),
    Case("MatMul", ("Parameter", "Expand", "MatMul"), {}, IMAGE, {"w": numbers((1, 10, 3))}),
    Case("BatchNormalization", ("BatchNorm2d",), {"epsilon": 0.01}, IMAGE, {n: np.abs(numbers((6,), i)) + 0.1 for i, n in enumerate("abmv")}),
    Case("BatchNormalization", ("BatchNorm1d",), {}, (1, 6, 9), {n: np.abs(numbers((6,), i)) + 0.1 for i, n in enumerate("abmv")}, 9),
    Case("BatchNormalization", ("BatchNorm1d",), {}, VECTOR, {n: np.abs(numbers((12,), i)) + 0.1 for i, n in enumerate("abmv")}, 14),
    Case("InstanceNormalization", ("InstanceNorm2d",), {"epsilon": 0.01}, IMAGE, {"a": numbers((6,)), "b": numbers((6,), 1)}),
    Case("GroupNormalization", ("GroupNorm",), {"num_groups": 3}, IMAGE, {"a": numbers((6,)), "b": numbers((6,), 1)}),
    Case("LayerNormalization", ("LayerNorm",), {}, ROWS, {"a": numbers((8,)), "b": numbers((8,), 1)}, 17),
    Case("LayerNormalization", ("LayerNorm",), {"axis": 2, "epsilon": 0.1}, IMAGE, {"a": numbers((7, 10)), "b": numbers((7, 10), 1)}),
    Case("LayerNormalization", ("LayerNorm", "Scale"), {}, ROWS, {"a": numbers((8,))}),
    Case("LRN", ("LocalResponseNorm",), {"size": 3, "alpha": 0.2, "beta": 0.6, "bias": 1.5}),
    Case("GlobalAveragePool", ("GlobalAvgPool2d",)),
    Case("GlobalMaxPool", ("GlobalMaxPool3d",), shape=(1, 2, 3, 4, 5)),
    Case("ReduceMean", ("GlobalAvgPool2d",), {"axes": [2, 3]}, opset=13),
    Case("ReduceMean", ("GlobalAvgPool2d", "Flatten"), {"keepdims": 0}, tensors={"a": whole(-1, -2)}),
    Case("ReduceMax", ("GlobalMaxPool2d",), tensors={"a": whole(3, 2)}),
    Case("ReduceSum", ("Reduce",), {"keepdims": 0}, tensors={"a": whole(1)}),
    Case("ReduceSum", ("Reduce",), {"axes": [1, 3]}, opset=11),
    Case("ReduceMin", ("Reduce",), tensors={"a": whole(2)}),
    Case("ReduceL2", ("Power", "Reduce", "Function"), tensors={"a": whole(1)}),
    Case("ReduceSumSquare", ("Power", "Reduce"), {"keepdims": 0}, tensors={"a": whole(-1)}),
    Case("Flatten", ("Flatten",)),
    Case("Flatten", ("Reshape",), {"axis": 2}),
    Case("Flatten", ("Flatten",), {"axis": -3}, opset=11),
    Case("Reshape", ("Reshape",), tensors={"s": whole(0, 3, -1)}),
    Case("Reshape", ("Flatten",), tensors={"s": whole(1, -1)}),
    Case("Reshape", ("Reshape",), tensors={"s": whole(6, 70)}),
    Case("Transpose", ("Permute",), {"perm": [0, 3, 1, 2]}),
    Case("Transpose", ("Permute",), {"perm": [2, 0, 1, 3]}),
    Case("Transpose", (), {"perm": [1, 0, 2, 3]}),
    Case("Squeeze", ("Reshape",), shape=(1, 6, 1, 10), tensors={"a": whole(2)}),
    Case("Squeeze", ("Flatten",), {"axes": [2, 3]}, (1, 6, 1, 1), opset=11),
    Case("Squeeze", ("Reshape",), {}, (1, 6, 1, 10)),
    Case("Unsqueeze", ("Reshape",), tensors={"a": whole(2, -1)}),
    Case("Unsqueeze", ("Reshape",), tensors={"a": whole(0)}),
    Case("Unsqueeze", ("Reshape",), {"axes": [1]}, opset=11),
    Case("Expand", ("Expand",), {}, (1, 6, 1, 10), {"s": whole(1, 1, 7, 1)}),
    Case("Tile", ("Concat", "Concat"), {}, (1, 2, 3, 5), {"r": whole(1, 2, 1, 3)}),
    Case("DepthToSpace", ("ChannelShuffle", "PixelShuffle"), {"blocksize": 2}, (1, 12, 3, 5)),
    Case("DepthToSpace", ("PixelShuffle",), {"blocksize": 2, "mode": "CRD"}, (1, 12, 3, 5)),
    Case("SpaceToDepth", ("Slice",) * 6 + ("Concat",), {"blocksize": 2}, (1, 3, 4, 10)),
    Case("Slice", ("Slice", "Slice"), {"axes": [3, 1], "starts": [1, 2], "ends": [-2, 99]}, opset=9),
    Case("Slice", ("Slice",), tensors={"s": whole(-3), "e": whole(2**63 - 1), "a": whole(2)}),
    Case("Slice", ("Slice",), tensors={"s": whole(1), "e": whole(9), "a": whole(-1), "t": whole(3)}),
    Case("Gather", ("Slice",), {"axis": 3}, tensors={"i": whole(2, 4, 6)}),
    Case("Gather", ("IndexSelect",), {"axis": 2}, tensors={"i": whole(5, -7, 3)}),
    Case("Gather", ("Slice", "Reshape"), {"axis": 2}, tensors={"i": np.int64(-2)}),
    Case("Gather", ("IndexSelect", "Reshape"), {"axis": 2}, tensors={"i": whole(0, 5, 3, 1, 2, 2).reshape(2, 3)}),
    Case("GatherND", ("IndexSelect",), {}, tensors={"i": INDEX_TUPLES[:, :2]}),
    Case("GatherND", ("Reshape", "IndexSelect"), {}, tensors={"i": INDEX_TUPLES}),
    Case("GatherND", ("Reshape", "IndexSelect", "Reshape"), {}, tensors={"i": INDEX_TUPLES.reshape(2, 2, 3)}),
    Case("GatherND", ("Slice",), {}, (1, 5, 4), {"i": whole(0, 1, 0, 3).reshape(2, 2)}),
    Case("Pad", ("Pad",), tensors={"p": whole(0, 0, 1, 2, 0, 0, 3, 0), "v": np.float32(0.7)}),
    Case("Pad", ("Pad",), {"mode": "reflect", "pads": [0, 0, 1, 2, 0, 0, 3, 0]}, opset=9),
    Case("Pad", ("Pad",), {"mode": "edge"}, tensors={"p": whole(0, 0, 1, 2, 0, 0, 3, 0)}),
    Case("Pad", ("Pad",), {"mode": "wrap"}, tensors={"p": whole(0, 0, 1, 2, 0, 0, 3, 0)}),
    Case("Pad", ("Crop",), tensors={"p": whole(0, 0, -1, -2, 0, 0, -3, 0)}),
    Case("Pad", ("Parameter", "Concat", "Pad"), tensors={"p": whole(0, 2, 1, 0, 0, 0, 0, 2), "v": np.float32(0.5)}),
    Case("Identity", ("Identity",)),
    Case("Dropout", ("Dropout",), tensors={"r": np.float32(0.3)}),
    Case("Dropout", ("Dropout",), {"ratio": 0.3}, opset=10),
    Case("Upsample", ("Upsample",), {}, IMAGE, {"s": np.array([1, 1, 2, 3], np.float32)}, 9),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.operator}-{case.opset}")
def test_operator_becomes_layers_with_the_same_shape_and_values(case, tmp_path):
    """All dimensions differ, so that swapped axes are noticed."""
    inputs = ["x", *case.tensors] if case.first else [*case.tensors, "x"]
    if case.operator == "Clip" and list(case.tensors) == ["low"]:
        inputs = ["x", "low"]
    made = model([one(case.operator, case.attributes, inputs)], case.shape, case.tensors, case.opset)
    x = numbers(case.shape, 11)
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    (theirs,) = by_runtime(made.SerializeToString(), {"x": x})
    assert tuple(node.kind for node in network.layers if node.name != "x.output") == case.kinds
    assert inferred_shape(made) in (theirs.shape, None)
    assert network.outputs[-1].name == "made" or not case.kinds
    assert_close(ours.reshape(theirs.shape), theirs)


RESIZES = [
    ({"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, (2.0, 3.0), "Upsample"),
    ({"mode": "nearest"}, (2.0, 4.0), "Upsample"),
    ({"mode": "nearest", "nearest_mode": "ceil", "coordinate_transformation_mode": "asymmetric"}, (2.0, 2.0), "Opaque(Resize)"),
    ({"mode": "nearest", "coordinate_transformation_mode": "tf_crop_and_resize"}, (2.0, 2.0), "Opaque(Resize)"),
    ({"mode": "linear"}, (2.0, 3.0), "Upsample"),
    ({"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}, (1.0, 2.0), "Upsample"),
    ({"mode": "linear", "coordinate_transformation_mode": "align_corners"}, (2.0, 3.0), "Upsample"),
    ({"mode": "linear", "coordinate_transformation_mode": "asymmetric"}, (2.0, 3.0), "Opaque(Resize)"),
    ({"mode": "linear", "coordinate_transformation_mode": "half_pixel_symmetric"}, (1.3, 2.6), "Opaque(Resize)"),
    ({"mode": "cubic", "cubic_coeff_a": -0.75}, (2.0, 3.0), "Upsample"),
    ({"mode": "cubic", "cubic_coeff_a": -0.5}, (2.0, 3.0), "Opaque(Resize[cubic_coeff_a])"),
    ({"mode": "linear"}, (0.2, 1.0), "Upsample"),
    ({"mode": "linear", "antialias": 1}, (0.2, 1.0), "Opaque(Resize[antialias])"),
    ({"mode": "nearest"}, (0.5, 0.5), "Upsample"),
    ({"mode": "nearest", "nearest_mode": "round_prefer_ceil"}, (0.5, 0.5), "Opaque(Resize)"),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "scales", "kind"), RESIZES)
def test_resize_is_a_layer_if_all_coordinates_agree(attributes, scales, kind, tmp_path):
    tensors = {"roi": np.zeros(8, np.float32), "s": np.array([1, 1, *scales], np.float32)}
    made = model([one("Resize", attributes, ("x", "roi", "s"))], (1, 3, 5, 7), tensors)
    x = numbers((1, 3, 5, 7))
    if kind.startswith("Opaque"):
        from convscope import from_onnx

        network = from_onnx(saved(made, tmp_path))
        assert [node.kind for node in network.layers] == [kind]
        return
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    (theirs,) = by_runtime(made.SerializeToString(), {"x": x})
    assert [node.kind for node in network.layers] == [kind]
    assert_close(ours, theirs)


@pytest.mark.parametrize("sizes", [(11, 16), (3, 20), (5, 9)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_resize_to_sizes(sizes, mode, tmp_path):
    """For other sizes than multiples, the nearest pixels of half-pixel coordinates differ from PyTorch's."""
    tensors = {"z": whole(1, 3, *sizes)}
    attributes = {
        "mode": mode,
        "coordinate_transformation_mode": "half_pixel" if mode == "linear" else "asymmetric",
    }
    attributes |= {"nearest_mode": "floor"} if mode == "nearest" else {}
    made = model([one("Resize", attributes, ("x", "", "", "z"))], (1, 3, 5, 8), tensors)
    x = numbers((1, 3, 5, 8))
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    assert [node.kind for node in network.layers] == ["Upsample"]
    assert_close(ours, by_runtime(made.SerializeToString(), {"x": x})[0])


EQUATIONS = [
    ("nij->nji", [(1, 4, 5)]),
    ("nij->nj", [(1, 4, 5)]),
    ("nhid,nhjd->nhij", [(1, 2, 4, 5), (1, 2, 3, 5)]),
    ("nhij,nhjd->nihd", [(1, 2, 4, 3), (1, 2, 3, 5)]),
    ("nchw,kc->nkhw", [(1, 4, 3, 5), "6,4"]),
]


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_einsum_matches_onnx_runtime(equation, shapes, tmp_path):
    """Converted to permutations, sums and matrix products."""
    from onnx import helper

    written = [shape for shape in shapes if isinstance(shape, str)]
    fixed = {f"w{text}": numbers(tuple(map(int, text.split(","))), 5) for text in written}
    flows = [s for s in shapes if not isinstance(s, str)]
    more = [helper.make_tensor_value_info("z", 1, flows[1])] if len(flows) == 2 else []
    names = ["x", *(["z"] if more else []), *fixed]
    made = model([one("Einsum", {"equation": equation}, names)], flows[0], fixed, inputs=more)
    given = {name: numbers(shape, 2) for name, shape in zip(names, flows, strict=False)}
    network, ours = by_reference(saved(made, tmp_path), given)
    assert not any(node.kind.startswith("Opaque") for node in network.layers)
    assert_close(ours, by_runtime(made.SerializeToString(), given)[0])


@pytest.mark.parametrize("equation", ["nij,jkn->nik", "nij,nkj->nijk", "nii->n", "...ij->...ji"])
def test_unsupported_einsum_is_opaque(equation, tmp_path):
    """The batch under two letters, an outer product, a diagonal, an ellipsis."""
    from onnx import helper

    from convscope import from_onnx

    pair = "," in equation
    other = (5, 3, 1) if "jkn" in equation else (1, 3, 5)
    more = [helper.make_tensor_value_info("z", 1, other)] if pair else []
    node = one("Einsum", {"equation": equation}, ("x", "z") if pair else ("x",))
    made = model([node], (1, 4, 5) if "ii" not in equation else (1, 4, 4), inputs=more)
    assert from_onnx(saved(made, tmp_path))["made"].kind == "Opaque(Einsum)"


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("which", ["y", "last"])
@pytest.mark.parametrize("biased", [True, False])
def test_lstm_matches_onnx_runtime(direction, which, biased, tmp_path):
    """Both directions, all steps or the last state."""
    from onnx import helper

    ways = 2 if direction == "bidirectional" else 1
    tensors = {"w": numbers((ways, 12, 4)), "r": numbers((ways, 12, 3), 5)}
    if biased:
        tensors["b"] = numbers((ways, 24), 6)
    node = helper.make_node("LSTM", ["x", *tensors], ["y", "last"], "lstm", hidden_size=3, direction=direction)
    made = model([node], (5, 1, 4), tensors, outputs=[which])
    x = numbers((5, 1, 4), 8)
    network, ours = by_reference(saved(made, tmp_path), {"x": x[:, 0][None]})
    (theirs,) = by_runtime(made.SerializeToString(), {"x": x})
    assert network["lstm"].kind == "LSTM"
    assert_close(ours.reshape(theirs.shape), theirs)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_lstm_over_the_rows_of_an_image(direction, layout, tmp_path):
    """Rows along the batch axis: each is a sequence of its own, with shared parameters.

    ONNX Runtime does not support the batch-first layout: it gets the input of the other one.
    """
    from onnx import helper

    import convscope as cs

    ways = 2 if direction == "bidirectional" else 1
    tensors = {"w": numbers((ways, 12, 4)), "r": numbers((ways, 12, 3), 5), "b": numbers((ways, 24), 6)}

    def rows(layout):
        settings = {"hidden_size": 3, "direction": direction, **({"layout": 1} if layout else {})}
        nodes = [
            helper.make_node("Transpose", ["x"], ["t"], "rows", perm=[3, 2, 0, 1] if layout else [2, 3, 0, 1]),
            helper.make_node("Reshape", ["t", "shape"], ["s"], "cut"),
            helper.make_node("LSTM", ["s", "w", "r", "b"], ["y"], "lstm", **settings),
        ]
        return model(nodes, (1, 4, 7, 5), tensors | {"shape": whole(5, 7, 4) if layout else whole(7, 5, 4)})

    x = numbers((1, 4, 7, 5), 8)
    network, ours = by_reference(saved(rows(layout), tmp_path), {"x": x})
    (theirs,) = by_runtime(rows(0).SerializeToString(), {"x": x})
    expected = theirs.transpose(2, 0, 1, 3) if layout else theirs
    assert [node.kind for node in network.layers].count("LSTM") == 5
    assert cs.inspect(network).totals.params == sum(array.size for array in tensors.values())
    assert_close(ours.reshape(expected.shape), expected)


def test_gather_from_a_table_is_an_embedding(tmp_path):
    """Rows of a table at the input's indices; a second axis is kept."""
    made = model([one("Gather", {}, ("t", "x"))], (1, 5), {"t": numbers((9, 4))}, kind=INT64)
    x = whole(3, 0, 8, 2, 3)[None]
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    assert [node.kind for node in network.layers] == ["Embedding"]
    assert_close(ours, by_runtime(made.SerializeToString(), {"x": x})[0])


@pytest.mark.parametrize("sizes", [None, (1, 3, 2), (4, 1, 1)])
def test_split_is_one_slice_per_output(sizes, tmp_path):
    from onnx import helper

    tensors = {"s": whole(*sizes)} if sizes else {}
    attributes = {} if sizes else {"num_outputs": 3}
    split = helper.make_node("Split", ["x", *tensors], ["a", "b", "c"], "cut", axis=1, **attributes)
    join = helper.make_node("Concat", ["c", "a", "b"], ["y"], "join", axis=1)
    made = model([split, join], IMAGE, tensors)
    x = numbers(IMAGE)
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    assert [node.name for node in network.layers] == ["cut.0", "cut.1", "cut.2", "join"]
    assert_close(ours, by_runtime(made.SerializeToString(), {"x": x})[0])


def test_group_norm_with_scale_per_group_counts_each_once(tmp_path):
    """GroupNormalization of operator set 18, which ONNX Runtime does not support: tested against the formula."""
    scale, bias = numbers((3,), 5), numbers((3,), 6)
    made = model(
        [one("GroupNormalization", {"num_groups": 3}, ("x", "a", "b"))], IMAGE, {"a": scale, "b": bias}, 18
    )
    x = numbers(IMAGE).astype(np.float64)
    network, ours = by_reference(saved(made, tmp_path), {"x": x})
    groups = x.reshape(3, 2, 7, 10)
    normal = (groups - groups.mean((1, 2, 3), keepdims=True)) / np.sqrt(
        groups.var((1, 2, 3), keepdims=True) + 1e-5
    )
    expected = normal * scale.reshape(3, 1, 1, 1) + bias.reshape(3, 1, 1, 1)
    assert inspect(network).totals.params == 6
    assert network["made"].output_shape == IMAGE[1:]
    assert_close(ours, expected.reshape(IMAGE))


@pytest.mark.parametrize(
    ("operator", "attributes", "shape", "tensors"),
    [
        ("LRN", {"size": 4}, IMAGE, {}),
        ("PRelu", {}, (1, 6, 7, 6), {"s": numbers((6,))}),
        ("Pow", {}, IMAGE, {"e": numbers((10,))}),
        ("Celu", {}, IMAGE, {}),
        ("Selu", {"alpha": 1.5}, IMAGE, {}),
        ("Slice", {}, IMAGE, {"s": whole(-1), "e": whole(-99), "a": whole(2), "t": whole(-1)}),
        ("Softmax", {"axis": 0}, IMAGE, {}),
        ("Gemm", {"transA": 1}, (1, 12), {"w": numbers((1, 5))}),
    ],
)
def test_unsupported_attributes_are_opaque_with_the_right_shape(operator, attributes, shape, tensors, tmp_path):
    """Never a layer that computes something similar."""
    from convscope import from_onnx

    made = model([one(operator, attributes, ("x", *tensors))], shape, tensors)
    (layer,) = from_onnx(saved(made, tmp_path)).layers
    assert (layer.kind, layer.facts.status.word) == (f"Opaque({operator})", "unknown")
    inferred = inferred_shape(made)
    assert inferred is not None
    assert int(np.prod(layer.output_shape)) == int(np.prod(inferred))


def test_lstm_with_an_initial_state_is_opaque(tmp_path):
    """An initial state, lengths and peepholes are not supported, unless the state is zero."""
    from onnx import helper

    from convscope import from_onnx

    tensors = {"w": numbers((1, 12, 4)), "r": numbers((1, 12, 3), 5), "h": np.zeros((1, 1, 3), np.float32)}
    for start, kind in ((0.0, "LSTM"), (0.5, "Opaque(LSTM)")):
        node = helper.make_node("LSTM", ["x", "w", "r", "", "", "h"], ["y"], "lstm", hidden_size=3)
        made = model([node], (5, 1, 4), tensors | {"h": np.full((1, 1, 3), start, np.float32)})
        assert from_onnx(saved(made, tmp_path))["lstm"].kind == kind
