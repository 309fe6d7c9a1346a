"""Learned tables that a graph indexes, multiplies or repeats become Parameter layers instead of constants.

The result may have more elements than the table, or fewer: its elements are not parameters of their own.
"""

from __future__ import annotations

from math import prod
from typing import TypeGuard

from ...layers.structural import Parameter
from .call import Call
from .fold_rules import int_list
from .values import REAL, Constant, Flow, Value

_TABLE_TESTS = {"Gather": 0, "GatherND": 0, "Resize": 0, "MatMul": 1, "Gemm": 1, "Conv": 1}
"""Operators that compute something from a learned table, and the input that must be learned."""

_REPEATING = {"Expand", "Tile", "Concat"}
"""Operators whose output may repeat a table, or join it to computed values."""


def tables_as_layers(call: Call) -> Call:
    """Return the call with learned tables as Parameter layers, if all its inputs are constants."""
    if call.node.domain not in ("", "ai.onnx") or call.converter.model.first_input is None:
        return call
    if call.operator not in _TABLE_TESTS and call.operator not in _REPEATING:
        return call
    if not call.inputs or not all(value is None or isinstance(value, Constant) for value in call.inputs):
        return call
    values: list[Value | None]
    if call.operator in _REPEATING:
        if not _is_repeated(call, [value for value in call.inputs if isinstance(value, Constant)]):
            return call
        values = [
            _as_layer(call, value, index) if _is_table(value) else value for index, value in enumerate(call.inputs)
        ]
    else:
        tested, first = _TABLE_TESTS[call.operator], call.inputs[0]
        if len(call.inputs) <= tested or not _is_table(call.inputs[tested]):
            return call
        if not isinstance(first, Constant) or not first.shape:
            return call
        values = [_as_layer(call, first), *call.inputs[1:]]
    return Call(call.node, call.name, values, call.converter)


def _is_repeated(call: Call, constants: list[Constant]) -> bool:
    """Return whether the output has more elements than the weights it is computed from."""
    if not any(map(_is_table, constants)):
        return False
    first, last = constants[0], constants[-1]
    if call.operator == "Concat":
        size = sum(one.size for one in constants)
    elif len(constants) != 2 or last.size > len(first.shape) + 64:
        return False
    elif call.operator == "Tile":
        size = first.size * prod(int_list(last.array))
    else:
        size = max(first.size, prod(int_list(last.array)))
    return size > sum(one.weights for one in constants)


def _is_table(value: object) -> TypeGuard[Constant]:
    return isinstance(value, Constant) and value.learned and value.dtype in REAL and len(value.shape) > 1


def _as_layer(call: Call, constant: Constant, index: int = 0) -> Flow:
    image = call.converter.model.first_input
    assert image is not None
    parameters = {"weight" if constant.learned else "value": constant}
    part = f"table{index}" if index else "table"
    output = call.emit(Parameter(constant.shape, constant.learned), image, part=part, parameters=parameters)
    return Flow(output.layer, constant.shape, None, constant.shape, constant.dtype)
