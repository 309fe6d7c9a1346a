"""Learned tables that a graph picks from, multiplies or resizes before pictures come in: layers, not constants.

What is made of a table may have more numbers than the table, or fewer: they are no parameters of their own.
"""

from __future__ import annotations

from ...layers.special import Parameter
from .call import Call
from .values import Constant, Flow

REAL = frozenset({1, 10, 11, 16})
"""ONNX's numbers for float, float16, double and bfloat16."""

_MADE_FROM = {"Gather": 0, "GatherND": 0, "Resize": 0, "MatMul": 1, "Gemm": 1, "Conv": 1}
"""Operators that make something of a learned table, and which input then says so."""


def call_on_tables(call: Call) -> Call:
    """Return the call with its first input as a layer, where it makes something of learned constants alone."""
    told = _MADE_FROM.get(call.operator)
    if told is None or call.node.domain not in ("", "ai.onnx") or call.scope.shared.first is None:
        return call
    if len(call.inputs) <= told or not all(value is None or isinstance(value, Constant) for value in call.inputs):
        return call
    table, first = call.inputs[told], call.inputs[0]
    if not (_is_table(table) and isinstance(first, Constant) and first.shape):
        return call
    return Call(call.node, call.name, [_as_layer(call, first), *call.inputs[1:]], call.scope)


def _is_table(value: object) -> bool:
    return isinstance(value, Constant) and value.learned and value.dtype in REAL and len(value.shape) > 1


def _as_layer(call: Call, constant: Constant) -> Flow:
    picture = call.scope.shared.first
    assert picture is not None
    held = {"weight" if constant.learned else "value": constant}
    output = call.emit(Parameter(constant.shape, constant.learned), picture, part="table", parameters=held)
    return Flow(output.layer, constant.shape, None, constant.shape, constant.dtype)
