"""No attribute, input or element type is ignored silently: all are read, or the node is Opaque."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import convscope as cs
from convscope.engines.reference.layers import run
from convscope.errors import BadFile
from convscope.interop.onnx.call import IRRELEVANT, converters
from convscope.interop.onnx.importer import read_network
from convscope.interop.onnx.operators import activation
from convscope.interop.onnx.reader import MIN_OPSET
from convscope.layers import ReLU
from interop.onnx.models import model, numbers, one, saved, whole
from interop.onnx.runtime import assert_close, by_runtime

NEWEST_OF_RUNTIME = 24
"""The newest operator set that ONNX Runtime runs; ONNX's reference evaluator judges those after it."""

IMAGE = (1, 4, 6, 10)


class Variant(NamedTuple):
    """A node with one attribute that is not at its default."""

    operator: str
    attribute: str
    value: Any
    rest: dict[str, Any] = {}  # noqa: RUF012 - read only
    tensors: dict[str, Any] = {}  # noqa: RUF012 - read only
    shape: tuple[int, ...] = IMAGE
    opset: int = 17
    kind: str = ""

    def __repr__(self) -> str:
        return f"{self.operator}.{self.attribute}={self.value}".replace(" ", "")


def _lstm(**changed: Any) -> dict[str, Any]:
    return {"w": numbers((1, 12, 5), 1), "r": numbers((1, 12, 3), 2), **changed}


SCALES = {"roi": np.zeros(0, np.float32), "s": np.float32([1, 1, 2, 2])}
KERNEL = {"w": numbers((3, 4, 3, 3))}
TRANSPOSED = {"w": numbers((4, 2, 3, 3))}
CHANNELS = {name: np.abs(numbers((4,), seed)) + 0.1 for seed, name in enumerate("abmv")}
POOL = {"kernel_shape": [3, 2]}
ROWS = {"axes": [2]}

VARIANTS = [
    *(
        Variant(operator, name, value, {**POOL, **more}, {}, IMAGE, opset)
        for operator, opset in (("AveragePool", 22), ("MaxPool", 22), ("LpPool", 22))
        for name, value, more in (
            ("pads", [1, 0, 0, 1], {}),
            ("auto_pad", "SAME_UPPER", {"strides": [2, 3]}),
            ("auto_pad", "SAME_LOWER", {"strides": [2, 3]}),
            ("strides", [2, 3], {}),
            ("kernel_shape", [2, 3], {}),
            ("ceil_mode", 1, {"strides": [2, 3]}),
            ("dilations", [2, 3], {}),
        )
        if (operator, value) != ("LpPool", "SAME_LOWER")
    ),
    Variant("AveragePool", "count_include_pad", 1, {**POOL, "pads": [1, 0, 0, 1]}),
    Variant("LpPool", "p", 3, POOL),
    Variant("BatchNormalization", "epsilon", 0.25, {}, CHANNELS),
    Variant("BatchNormalization", "training_mode", 1, {}, CHANNELS),
    Variant("Cast", "to", TensorProto.INT32, opset=25, kind="Opaque(Cast)"),
    Variant("Cast", "to", TensorProto.FLOAT16, opset=25),
    Variant("Clip", "min", -0.25, {"max": 9.0}, {}, IMAGE, 10),
    Variant("Clip", "max", 0.25, {}, {}, IMAGE, 10),
    Variant("Concat", "axis", 2, {}, {"c": numbers((1, 4, 3, 10))}),
    Variant("Conv", "group", 2, {}, {"w": numbers((6, 2, 3, 3))}),
    Variant("Conv", "pads", [1, 0, 2, 1], {}, KERNEL),
    Variant("Conv", "auto_pad", "SAME_LOWER", {"strides": [2, 3]}, KERNEL),
    Variant("Conv", "auto_pad", "SAME_UPPER", {"strides": [2, 3]}, KERNEL),
    Variant("Conv", "auto_pad", "VALID", {}, KERNEL),
    Variant("Conv", "strides", [2, 3], {}, KERNEL),
    Variant("Conv", "dilations", [2, 3], {}, KERNEL),
    Variant("Conv", "kernel_shape", [3, 3], {}, KERNEL),
    Variant("ConvTranspose", "group", 2, {}, TRANSPOSED),
    Variant("ConvTranspose", "auto_pad", "SAME_UPPER", {"strides": [2, 3]}, TRANSPOSED),
    Variant("ConvTranspose", "strides", [2, 3], {}, TRANSPOSED),
    Variant("ConvTranspose", "pads", [1, 0, 2, 1], {}, TRANSPOSED),
    Variant("ConvTranspose", "output_padding", [1, 2], {"strides": [2, 3]}, TRANSPOSED),
    Variant("ConvTranspose", "dilations", [2, 3], {}, TRANSPOSED),
    Variant("ConvTranspose", "output_shape", [12, 29], {"strides": [2, 3]}, TRANSPOSED),
    Variant("ConvTranspose", "kernel_shape", [3, 3], {}, TRANSPOSED),
    Variant("DepthToSpace", "blocksize", 2),
    Variant("DepthToSpace", "mode", "CRD", {"blocksize": 2}, {}, (1, 8, 3, 5)),
    Variant("SpaceToDepth", "blocksize", 2),
    Variant("SpaceToDepth", "mode", "CRD", {"blocksize": 2}, {}, IMAGE, 28),
    Variant("Dropout", "ratio", 0.25, {}, {}, IMAGE, 11),
    Variant("Einsum", "equation", "nchw,cd->ndhw", {}, {"c": numbers((4, 5))}),
    Variant("Elu", "alpha", 0.5),
    Variant("Flatten", "axis", 2, shape=(1, 4, 6)),
    Variant("Gather", "axis", 2, {}, {"i": whole(3, 0)}),
    Variant("GatherND", "batch_dims", 1, {}, {"i": whole(3, 0, 1).reshape(1, 3)}, kind="Opaque(GatherND)"),
    Variant("Gelu", "approximate", "tanh", opset=20),
    Variant("Gemm", "alpha", 0.5, {}, {"w": numbers((12, 5))}, (1, 12)),
    Variant("Gemm", "beta", 0.5, {}, {"w": numbers((12, 5)), "b": numbers((5,))}, (1, 12)),
    Variant("Gemm", "transA", 1, {}, {"w": numbers((1, 5))}, (1, 12), kind="Opaque(Gemm)"),
    Variant("Gemm", "transB", 1, {}, {"w": numbers((5, 12))}, (1, 12)),
    Variant("GroupNormalization", "num_groups", 2, {}, {"a": numbers((4,)), "b": numbers((4,), 4)}, opset=21),
    Variant(
        "GroupNormalization",
        "epsilon",
        0.5,
        {"num_groups": 2},
        {"a": numbers((4,)), "b": numbers((4,), 4)},
        opset=21,
    ),
    Variant("HardSigmoid", "alpha", 0.7),
    Variant("HardSigmoid", "beta", 0.1),
    Variant("InstanceNormalization", "epsilon", 0.5, {}, {"a": numbers((4,)), "b": numbers((4,), 4)}),
    *(Variant("LRN", name, value, {"size": 3}) for name, value in (("alpha", 0.5), ("beta", 0.5), ("bias", 2.0))),
    Variant("LRN", "size", 5),
    Variant("LSTM", "hidden_size", 3, {}, _lstm(), (7, 1, 5)),
    Variant("LSTM", "clip", 0.01, {"hidden_size": 3}, _lstm(), (7, 1, 5), kind="Opaque(LSTM)"),
    Variant("LSTM", "input_forget", 1, {"hidden_size": 3}, _lstm(), (7, 1, 5), kind="Opaque(LSTM)"),
    Variant("LSTM", "direction", "reverse", {"hidden_size": 3}, _lstm(), (7, 1, 5), kind="Opaque(LSTM)"),
    Variant("LSTM", "layout", 1, {"hidden_size": 3}, _lstm(), (1, 7, 5)),
    Variant(
        "LSTM",
        "activations",
        ["Tanh", "Tanh", "Tanh"],
        {"hidden_size": 3},
        _lstm(),
        (7, 1, 5),
        kind="Opaque(LSTM)",
    ),
    Variant(
        "LSTM",
        "activation_alpha",
        [0.5, 0.5, 0.5],
        {"hidden_size": 3, "activations": ["Sigmoid", "Tanh", "Tanh"]},
        _lstm(),
        (7, 1, 5),
        kind="Opaque(LSTM[activation_alpha])",
    ),
    Variant(
        "LSTM",
        "activation_beta",
        [0.5, 0.5, 0.5],
        {"hidden_size": 3, "activations": ["Sigmoid", "Tanh", "Tanh"]},
        _lstm(),
        (7, 1, 5),
        kind="Opaque(LSTM[activation_beta])",
    ),
    Variant("LayerNormalization", "axis", 2, {}, {"a": numbers((6, 10)), "b": numbers((6, 10), 4)}),
    Variant("LayerNormalization", "epsilon", 0.5, {}, {"a": numbers((10,)), "b": numbers((10,), 4)}),
    Variant("LeakyRelu", "alpha", 0.3),
    Variant("Softmax", "axis", 1),
    Variant("LogSoftmax", "axis", 1),
    Variant("Softmax", "axis", 2, opset=11),
    Variant("LogSoftmax", "axis", 2, opset=11),
    *(Variant("Pad", "mode", mode, {}, {"p": whole(0, 0, 1, 2, 0, 0, 3, 1)}) for mode in ("reflect", "edge")),
    Variant("Pad", "mode", "wrap", {}, {"p": whole(0, 0, 1, 2, 0, 0, 3, 1)}, opset=19),
    Variant("Pad", "value", 0.5, {"pads": [0, 0, 1, 2, 0, 0, 3, 1]}, {}, IMAGE, 10),
    Variant("Pad", "pads", [0, 0, 1, 2, 0, 0, 3, 1], {}, {}, IMAGE, 10),
    *(
        Variant(operator, name, value, {} if name == "axes" else {"axes": [2, 3]}, {}, IMAGE, 12)
        for operator in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare")
        for name, value in (("keepdims", 0), ("axes", [1, 3]))
    ),
    *(
        Variant(operator, "noop_with_empty_axes", 1, {}, {}, IMAGE, 18)
        for operator in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare")
    ),
    Variant("Reshape", "allowzero", 1, {}, {"s": whole(1, 24, -1)}),
    *(Variant("Resize", "mode", mode, {}, SCALES) for mode in ("linear", "cubic")),
    *(
        Variant("Resize", name, value, {"mode": mode}, SCALES, opset=19)
        for name, value, mode in (
            ("exclude_outside", 1, "cubic"),
            ("cubic_coeff_a", -0.5, "cubic"),
            ("antialias", 1, "linear"),
            ("nearest_mode", "ceil", "nearest"),
            ("coordinate_transformation_mode", "asymmetric", "nearest"),
            ("coordinate_transformation_mode", "align_corners", "linear"),
        )
    ),
    Variant("Resize", "axes", [3], {}, {"roi": np.zeros(0, np.float32), "s": np.float32([2])}, opset=19),
    Variant(
        "Resize",
        "keep_aspect_ratio_policy",
        "not_larger",
        {"axes": [2, 3]},
        {"roi": np.zeros(0, np.float32), "": None, "z": whole(12, 12)},
        opset=19,
    ),
    Variant("Upsample", "mode", "linear", {}, {"s": np.float32([1, 1, 2, 2])}, opset=9, kind="Opaque(Upsample)"),
    Variant(
        "ScatterND",
        "reduction",
        "add",
        {},
        {"i": np.array([[[0, 1]]]), "u": numbers((1, 1, 6, 10))},
        kind="Opaque(ScatterND)",
    ),
    Variant("Selu", "alpha", 1.5),
    Variant("Selu", "gamma", 1.5),
    Variant("Slice", "starts", [1, 2], {"ends": [9, 9], "axes": [1, 3]}, {}, IMAGE, 9),
    Variant("Slice", "ends", [3, 8], {"starts": [1, 2], "axes": [1, 3]}, {}, IMAGE, 9),
    Variant("Slice", "axes", [3], {"starts": [1], "ends": [8]}, {}, IMAGE, 9),
    Variant("Split", "split", [1, 3], {"axis": 1}, {}, IMAGE, 11),
    Variant("Split", "axis", 2, {}, {"z": whole(1, 5)}),
    Variant("Split", "num_outputs", 2, {"axis": 3}, {}, IMAGE, 18),
    Variant("Squeeze", "axes", [2], {}, {}, (1, 4, 1, 1), 11),
    Variant("Unsqueeze", "axes", [2], {}, {}, (1, 4, 3), 11),
    Variant("Swish", "alpha", 0.5, opset=24),
    Variant("Transpose", "perm", [0, 3, 1, 2]),
]


def outputs_of(variant: Variant) -> list[str]:
    return ["y", "u"] if variant.operator == "Split" else ["y"]


def model_of(variant: Variant) -> onnx.ModelProto:
    node = helper.make_node(
        variant.operator,
        ["x", *variant.tensors],
        outputs_of(variant),
        "made",
        **{**variant.rest, variant.attribute: variant.value},
    )
    tensors = {name: array for name, array in variant.tensors.items() if array is not None}
    return model([node], variant.shape, tensors, variant.opset)


@pytest.mark.parametrize("variant", VARIANTS, ids=repr)
def test_set_attribute_is_computed_or_opaque(variant, tmp_path):
    """Never the value of another setting."""
    made, x = model_of(variant), numbers(variant.shape, 7)
    if (variant.operator, variant.attribute) == ("BatchNormalization", "training_mode"):
        # ONNX does not infer its shape if it has one output.
        with pytest.raises(BadFile, match=r"unsupported operator BatchNormalization\[training_mode\]\."):
            read_network(saved(made, tmp_path))
        return
    network, weights = read_network(saved(made, tmp_path))
    if any(layer.kind.startswith("Opaque") for layer in network.layers):
        assert network["made"].facts.status.word == "unknown"
        return
    arrays = {name: constant.array.astype(np.float64) for name, constant in weights.items()}
    ours = run(network, {"x": x.astype(np.float64).reshape(1, *network.input_shape)}, arrays, arrays).output
    if variant.opset > NEWEST_OF_RUNTIME or variant.attribute == "layout":
        theirs = ReferenceEvaluator(made).run(None, {"x": x})[0]
    else:
        theirs = by_runtime(made.SerializeToString(), {"x": x})[0]
    relative = 1e-3 if theirs.dtype == np.float16 else 1e-5
    assert_close(ours.reshape(theirs.shape), theirs.astype(np.float64), relative)


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant.kind], ids=repr)
def test_unsupported_attribute_gives_the_expected_layer(variant, tmp_path):
    assert cs.from_onnx(saved(model_of(variant), tmp_path))["made"].kind == variant.kind


def test_every_attribute_of_a_supported_operator_is_tested_or_irrelevant():
    schemas = {(s.domain, s.name, s.since_version): s for s in onnx.defs.get_all_schemas_with_history()}
    tested = {(variant.operator, variant.attribute) for variant in VARIANTS}
    for domain, operator, version in converters():
        replaced = [since for d, o, since in schemas if (d, o) == (domain, operator) and since > version]
        if min(replaced, default=MIN_OPSET + 1) <= MIN_OPSET:
            continue  # only older operator sets have this version
        for attribute in schemas[domain, operator, version].attributes:
            assert (operator, attribute) in tested or (operator, attribute) in IRRELEVANT, (operator, attribute)


def test_irrelevant_names_exist_in_schemas():
    """A name that no version has would hide a typo."""
    for operator, name in IRRELEVANT:
        versions = [s for s in onnx.defs.get_all_schemas_with_history() if (s.domain, s.name) == ("", operator)]
        names = {n for s in versions for n in (*s.attributes, *(one.name for one in s.inputs))}
        assert name in names


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [("Relu", {"slope": 2.0}), ("Sigmoid", {"hard": 1}), ("Transpose", {"perm": [0, 2, 1], "conjugate": 1})],
)
def test_undeclared_attribute_is_opaque(operator, attributes, tmp_path):
    nodes = [one(operator, attributes), helper.make_node("Abs", ["y"], ["u"], "last")]
    declared = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 6, 4) if operator == "Transpose" else (1, 4, 6))
    ]
    network = cs.from_onnx(saved(model(nodes, (1, 4, 6), outputs=("u",), value_info=declared), tmp_path))
    assert network["made"].kind == f"Opaque({operator}[{list(attributes)[-1]}])"
    without = saved(model(nodes, (1, 4, 6), outputs=("u",)), tmp_path)
    with pytest.raises(BadFile, match=rf"unsupported operator {operator}\[{list(attributes)[-1]}\]\."):
        cs.from_onnx(without)


def test_attribute_that_a_converter_ignores_is_opaque(tmp_path, monkeypatch):
    """A defective converter that ignores the slope."""
    key = ("", "LeakyRelu", 16)
    known = converters()
    monkeypatch.setitem(known, key, known[key]._replace(convert=known["", "Relu", 14].convert))
    monkeypatch.setattr(activation, "_SIMPLE", {"LeakyRelu": ReLU})
    for alpha, kind in ((0.01, "ReLU"), (0.3, "Opaque(LeakyRelu[alpha])")):
        network = cs.from_onnx(saved(model([one("LeakyRelu", {"alpha": alpha})], (1, 4, 23)), tmp_path))
        assert network["made"].kind == kind


def test_attribute_with_its_default_value_changes_nothing(tmp_path):
    attributes = {"mode": "DCR", "blocksize": 2}
    assert (
        "Concat"
        in cs.from_onnx(saved(model([one("SpaceToDepth", attributes)], IMAGE, opset=28), tmp_path))["made"].kind
    )


def test_dropout_in_training_mode_is_opaque(tmp_path):
    for training, kind in ((False, "Dropout"), (True, "Opaque(Dropout[training_mode])")):
        tensors = {"r": np.float32(0.5), "t": np.array(training)}
        network = cs.from_onnx(saved(model([one("Dropout", {}, ("x", "r", "t"))], IMAGE, tensors, 17), tmp_path))
        assert network["made"].kind == kind


def test_pattern_with_other_attributes_is_not_matched(tmp_path):
    """A Mul with an undeclared attribute: x · σ(x) is not matched as SiLU."""
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"], "gate"),
        helper.make_node("Mul", ["x", "s"], ["p"], "product", odd=1),
        helper.make_node("Abs", ["p"], ["y"], "last"),
    ]
    declared = [helper.make_tensor_value_info("p", TensorProto.FLOAT, IMAGE)]
    network = cs.from_onnx(saved(model(nodes, IMAGE, value_info=declared), tmp_path))
    assert [layer.kind for layer in network.layers] == ["Sigmoid", "Opaque(Mul[odd])", "Function"]


def test_nodes_of_a_failed_pattern_are_converted_singly(tmp_path):
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"], "gate", odd=1),
        helper.make_node("Mul", ["x", "s"], ["y"], "product"),
    ]
    declared = [helper.make_tensor_value_info("s", TensorProto.FLOAT, IMAGE)]
    network = cs.from_onnx(saved(model(nodes, IMAGE, value_info=declared), tmp_path))
    assert [layer.kind for layer in network.layers] == ["Opaque(Sigmoid[odd])", "Multiply"]


INTEGERS = {"int32": np.int32, "int64": np.int64, "uint8": np.uint8, "int8": np.int8}


@pytest.mark.parametrize("kind", INTEGERS)
@pytest.mark.parametrize(
    ("operator", "constant"),
    [
        *((name, constant) for name, constant in (("Add", 200), ("Sub", 200), ("Mul", 3), ("Div", 3), ("Pow", 2))),
        *((name, 5) for name in ("Max", "Min")),
        *((name, None) for name in ("Abs", "Neg", "Sign", "ReduceMean", "ReduceSum", "Transpose", "Identity")),
    ],
)
def test_integer_operators_match_onnx_or_are_opaque(operator, constant, kind, tmp_path):
    """Quotients round toward zero and 8-bit sums wrap, unlike in floating-point layers."""
    dtype = INTEGERS[kind]
    legal = onnx.defs.get_schema(operator, 17).inputs[0].types
    if f"tensor({kind})" not in legal:
        pytest.skip(f"ONNX has no {operator} of {kind}")
    onnx_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    least = 0 if kind == "uint8" else -100
    x = np.arange(least, least + 120, dtype=np.int64).reshape(1, 2, 3, 20).astype(dtype)
    tensors = {} if constant is None else {"c": np.array(constant).astype(dtype)}
    made = model([one(operator, {}, ("x", *tensors))], x.shape, tensors, 17, kind=onnx_type)
    made.graph.output[0].type.CopyFrom(helper.make_tensor_type_proto(onnx_type, None))
    network, weights = read_network(saved(made, tmp_path))
    if not network["made"].kind.startswith("Opaque"):
        arrays = {name: held.array.astype(np.float64) for name, held in weights.items()}
        ours = run(network, {"x": x.astype(np.float64)}, arrays, arrays).output
        theirs = ReferenceEvaluator(made).run(None, {"x": x})[0]
        np.testing.assert_array_equal(ours.reshape(theirs.shape), theirs)
    expected = operator in {"Div", "Pow", "ReduceMean"} or (
        kind in {"uint8", "int8"} and operator in {"Add", "Sub", "Mul", "Abs", "Neg", "ReduceSum"}
    )
    assert (network["made"].kind == f"Opaque({operator}[{kind}])") == expected
