"""Every rule of constant folding, tested against ONNX's reference implementation and ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from convscope.errors import BadFile
from convscope.interop.onnx import fold_rules
from convscope.interop.onnx.call import Builder, Call
from convscope.interop.onnx.constant_folding import fold
from convscope.interop.onnx.converter import GraphConverter, ModelContext
from convscope.interop.onnx.fold_rules import RULES
from convscope.interop.onnx.graph import operator_schema
from convscope.interop.onnx.reader import OnnxFile
from convscope.interop.onnx.values import from_array
from interop.onnx.models import FLOAT, INT64, numbers, whole
from interop.onnx.runtime import by_runtime

X, Y = numbers((4, 5, 3)), numbers((5, 1), 7)
POSITIVE = np.abs(X) + np.float32(0.1)
INTEGERS = np.random.default_rng(1).integers(-9, 10, (4, 5, 3))
DIVISORS = np.where(INTEGERS == 0, 1, INTEGERS)[::-1].copy()
MASK, OTHER_MASK = X > 0, Y > 0
ROWS = np.random.default_rng(2).integers(-4, 4, (6,))
TUPLES = np.stack([np.random.default_rng(3).integers(0, size, (2, 3)) for size in (4, 5)], axis=-1)
DISTINCT = np.stack([np.array([0, 1, 3]), np.array([4, 0, 2])], axis=-1)
ELEMENTS = np.random.default_rng(4).integers(-5, 5, (4, 2, 3))
ORDER = np.tile(np.array([[3], [1]]), (4, 1, 3))
BATCH_NORM = [np.abs(numbers((5,), seed)) + np.float32(0.5) for seed in range(4)]
BYTES = np.random.default_rng(5).integers(-128, 128, (4, 5, 3)).astype(np.int8)

NOT_IN_REFERENCE = {("Clip", 9), ("Unsqueeze", 11)}
"""Old versions that the reference implementation computes as later ones, and fails."""

UNARY = ["Abs", "Ceil", "Cos", "Exp", "Floor", "Identity", "IsNaN", "Neg", "Relu", "Round", "Sigmoid", "Sign"]
UNARY += ["Sin", "Tanh"]
ARITHMETIC = ["Add", "Max", "Min", "Mul", "Sub", "Sum"]
REDUCTIONS = ["ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"]

CASES = [
    *((operator, {}, [X], 17) for operator in UNARY),
    *((operator, {}, [POSITIVE], 17) for operator in ("Log", "Reciprocal", "Sqrt")),
    *((operator, {}, [X, Y], 17) for operator in ARITHMETIC),
    *((operator, {}, [INTEGERS, DIVISORS], 17) for operator in (*ARITHMETIC[:1], "Mul", "Sub")),
    *((operator, {}, [X, Y, X[:1]], 17) for operator in ("Max", "Min", "Sum")),
    ("Div", {}, [X, POSITIVE], 17),
    ("Div", {}, [INTEGERS, DIVISORS], 17),
    ("Mod", {}, [INTEGERS, DIVISORS], 17),
    ("Mod", {"fmod": 1}, [X, POSITIVE], 17),
    ("Pow", {}, [POSITIVE, np.float32(2.5)], 17),
    ("Pow", {}, [INTEGERS, np.int64(3)], 17),
    *((operator, {}, [X, Y], 17) for operator in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")),
    *((operator, {}, [MASK, OTHER_MASK], 17) for operator in ("And", "Or", "Xor")),
    ("Not", {}, [MASK], 17),
    ("Where", {}, [MASK, X, Y], 17),
    ("Cast", {"to": INT64}, [X * 9], 17),
    ("Cast", {"to": FLOAT}, [INTEGERS], 17),
    ("CastLike", {}, [X * 9, INTEGERS], 17),
    ("Clip", {}, [X, np.float32(-0.25), np.float32(0.5)], 17),
    ("Clip", {}, [X, None, np.float32(0.5)], 17),
    ("Clip", {"min": -0.25}, [X], 9),
    ("Concat", {"axis": 1}, [X, X[:, :2]], 17),
    ("Gather", {"axis": 0}, [X, ROWS], 17),
    ("Gather", {"axis": 1}, [X, whole(4, 0).reshape(1, 2)], 17),
    ("GatherElements", {"axis": 1}, [X, ELEMENTS], 17),
    ("GatherND", {}, [X, TUPLES], 17),
    ("GatherND", {"batch_dims": 1}, [X, whole(3, 1, 0, 4).reshape(4, 1)], 17),
    ("ScatterND", {}, [X, DISTINCT, numbers((3, 3), 8)], 17),
    *(("ScatterND", {"reduction": how}, [X, DISTINCT, numbers((3, 3), 8)], 18) for how in ("add", "mul", "max")),
    ("ScatterElements", {"axis": 1}, [X, ORDER.reshape(4, 2, 3), numbers((4, 2, 3), 8)], 17),
    *(
        ("ScatterElements", {"axis": 1, "reduction": how}, [X, ELEMENTS, numbers((4, 2, 3), 8)], 18)
        for how in ("add", "mul", "min")
    ),
    ("CumSum", {}, [X, np.int64(1)], 17),
    ("CumSum", {"reverse": 1}, [X, np.int64(1)], 17),
    ("CumSum", {"exclusive": 1}, [X, np.int64(-1)], 17),
    ("MatMul", {}, [X, numbers((3, 7), 6)], 17),
    ("MatMul", {}, [INTEGERS, whole(1, -2, 3)], 17),
    ("Unsqueeze", {}, [X, whole(0, -1)], 17),
    ("Unsqueeze", {"axes": [1]}, [X], 11),
    ("Squeeze", {}, [Y, whole(1)], 17),
    ("Squeeze", {}, [Y], 17),
    ("Squeeze", {"axes": [1]}, [Y], 11),
    ("Slice", {}, [X, whole(1, -2), whole(4, 9), whole(0, 1)], 17),
    ("Slice", {}, [X, whole(-1), whole(-99), whole(1), whole(-2)], 17),
    ("Slice", {"starts": [1], "ends": [3], "axes": [1]}, [X], 9),
    ("Split", {"axis": 1}, [X, whole(2, 3)], 17),
    ("Split", {"axis": 0}, [X], 17),
    ("Reshape", {}, [X, whole(0, -1)], 17),
    ("Flatten", {"axis": 2}, [X], 17),
    ("Transpose", {"perm": [2, 0, 1]}, [X], 17),
    ("Transpose", {}, [X], 17),
    ("Expand", {}, [Y, whole(2, 1, 6)], 17),
    ("Tile", {}, [X, whole(2, 1, 3)], 17),
    ("Range", {}, [np.int64(9), np.int64(-2), np.int64(-3)], 17),
    ("Range", {}, [np.float32(0.5), np.float32(3), np.float32(0.75)], 17),
    ("ConstantOfShape", {"value": helper.make_tensor("value", FLOAT, [1], [0.25])}, [whole(2, 3)], 17),
    ("ConstantOfShape", {}, [whole(2, 3)], 17),
    ("EyeLike", {"k": -1}, [X[0]], 17),
    ("EyeLike", {"dtype": INT64}, [X[0]], 17),
    ("Trilu", {"upper": 0}, [X, np.int64(1)], 17),
    ("Trilu", {}, [X], 17),
    ("NonZero", {}, [INTEGERS // 5], 17),
    *((operator, {"axes": [1]}, [X], 11) for operator in REDUCTIONS),
    *((operator, {"axes": [0, -1], "keepdims": 0}, [X], 11) for operator in REDUCTIONS),
    *((operator, {}, [X, whole(1)], 18) for operator in REDUCTIONS),
    *((operator, {"keepdims": 0}, [X], 18) for operator in REDUCTIONS),
    *((operator, {"noop_with_empty_axes": 1}, [X], 18) for operator in REDUCTIONS),
    ("BatchNormalization", {"epsilon": 0.01}, [X, *BATCH_NORM], 15),
    ("BatchNormalization", {"training_mode": 1}, [X, *BATCH_NORM], 15),
    ("DequantizeLinear", {}, [BYTES, np.float32(0.25), np.int8(3)], 13),
    ("DequantizeLinear", {}, [BYTES, np.float32([0.25])], 13),
    ("DequantizeLinear", {"axis": 1}, [BYTES, POSITIVE[0, :, 0], BYTES[0, :, 1]], 13),
    ("DequantizeLinear", {"axis": 0}, [BYTES, POSITIVE[:, 0, 0]], 21),
]


def name_of(case):
    operator, attributes, _, opset = case
    return "-".join(
        [operator, *(f"{name}={value}" for name, value in attributes.items() if name != "value"), str(opset)]
    )


def node_of(operator, attributes, arrays):
    inputs = ["" if array is None else f"i{index}" for index, array in enumerate(arrays)]
    count = {"Split": 2}.get(operator, 3 if attributes.get("training_mode") else 1)
    return helper.make_node(operator, inputs, [f"o{index}" for index in range(count)], "made", **attributes)


def folded(operator, attributes, arrays, opset):
    """Return the arrays that constant folding computes for a node."""
    node = node_of(operator, attributes, arrays)
    opsets = {"": opset}
    context = ModelContext(OnnxFile(Path("made.onnx"), onnx.ModelProto(), opsets), Builder())
    inputs = [
        None
        if array is None
        else from_array(np.asarray(array), helper.np_dtype_to_tensor_dtype(np.asarray(array).dtype))
        for array in arrays
    ]
    call = Call(node, "made", inputs, GraphConverter(context, {}, opsets))
    return [constant.array for constant in fold(call, operator_schema("", operator, opset))]


def feed_of(arrays):
    return {f"i{index}": np.asarray(array) for index, array in enumerate(arrays) if array is not None}


def runtime_outputs(operator, attributes, arrays, opset):
    node = node_of(operator, attributes, arrays)
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feed_of(arrays).items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output]
    graph = helper.make_graph([node], "made", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return by_runtime(model.SerializeToString(), feed_of(arrays))


def assert_equal(ours, expected):
    assert (ours.shape, ours.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "case", [case for case in CASES if (case[0], case[3]) not in NOT_IN_REFERENCE], ids=name_of
)
def test_folded_values_match_the_reference_implementation(case):
    operator, attributes, arrays, opset = case
    evaluator = ReferenceEvaluator(node_of(operator, attributes, arrays), opsets={"": opset})
    expected = evaluator.run(None, feed_of(arrays))
    ours = folded(operator, attributes, arrays, opset)
    for one, other in zip(ours, expected[: len(ours)], strict=True):
        assert_equal(one, np.asarray(other))


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_folded_values_match_onnx_runtime(case):
    operator, attributes, arrays, opset = case
    expected = runtime_outputs(operator, attributes, arrays, opset)
    ours = folded(operator, attributes, arrays, opset)
    for one, other in zip(ours, expected[: len(ours)], strict=True):
        assert_equal(one, other)


def test_every_rule_has_a_case():
    assert {operator for operator, *_ in CASES} == set(RULES)


def test_wrong_rule_is_noticed(monkeypatch):
    """The comparison fails for a planted defect: a sum that is a difference."""
    monkeypatch.setitem(RULES, "Add", RULES["Sub"])
    with pytest.raises(AssertionError, match="Mismatched elements"):
        test_folded_values_match_the_reference_implementation(("Add", {}, [X, Y], 17))


def test_loop_of_the_reference_is_charged(monkeypatch):
    """ScatterND with a reduction iterates in Python: as many indices as fit into the budget are allowed."""
    monkeypatch.setattr(fold_rules, "LOOP_COST", 1 << 26)
    with pytest.raises(BadFile, match=r"more than 134,217,728 elements .*\[onnx-constant\]$"):
        folded("ScatterND", {"reduction": "add"}, [X, DISTINCT, numbers((3, 3), 8)], 18)
