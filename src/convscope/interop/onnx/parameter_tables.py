"""Learned tables that a graph picks from, multiplies or repeats before images come in: layers, not constants.

What is made of a table may have more numbers than the table, or fewer: they are no parameters of their own.
"""

from __future__ import annotations

from math import prod
from typing import TypeGuard

from ...layers.structural import Parameter
from .call import Call
from .fold_rules import listed
from .values import REAL, Constant, Flow, Value

_MADE_FROM = {"Gather": 0, "GatherND": 0, "Resize": 0, "MatMul": 1, "Gemm": 1, "Conv": 1}
"""Operators that make something of a learned table, and which input then says so."""

_REPEATED = {"Expand", "Tile", "Concat"}
"""Operators whose output may repeat a table, or join it to what the graph computes."""


def tables_as_layers(call: Call) -> Call:
    """Return the call with a table as a layer, where it makes something of learned constants alone."""
    if call.node.domain not in ("", "ai.onnx") or call.converter.shared.first is None:
        return call
    if call.operator not in _MADE_FROM and call.operator not in _REPEATED:
        return call
    if not call.inputs or not all(value is None or isinstance(value, Constant) for value in call.inputs):
        return call
    values: list[Value | None]
    if call.operator in _REPEATED:
        if not _is_repeated(call, [value for value in call.inputs if isinstance(value, Constant)]):
            return call
        values = [
            _as_layer(call, value, index) if _is_table(value) else value for index, value in enumerate(call.inputs)
        ]
    else:
        told, first = _MADE_FROM[call.operator], call.inputs[0]
        if len(call.inputs) <= told or not _is_table(call.inputs[told]):
            return call
        if not isinstance(first, Constant) or not first.shape:
            return call
        values = [_as_layer(call, first), *call.inputs[1:]]
    return Call(call.node, call.name, values, call.converter)


def _is_repeated(call: Call, constants: list[Constant]) -> bool:
    """Tell whether an output has more elements than the weights in it, of which some are a table's."""
    if not any(map(_is_table, constants)):
        return False
    first, last = constants[0], constants[-1]
    if call.operator == "Concat":
        size = sum(one.size for one in constants)
    elif len(constants) != 2 or last.size > len(first.shape) + 64:
        return False
    elif call.operator == "Tile":
        size = first.size * prod(listed(last.array))
    else:
        size = max(first.size, prod(listed(last.array)))
    return size > sum(one.weights for one in constants)


def _is_table(value: object) -> TypeGuard[Constant]:
    return isinstance(value, Constant) and value.learned and value.dtype in REAL and len(value.shape) > 1


def _as_layer(call: Call, constant: Constant, index: int = 0) -> Flow:
    image = call.converter.shared.first
    assert image is not None
    held = {"weight" if constant.learned else "value": constant}
    part = f"table{index}" if index else "table"
    output = call.emit(Parameter(constant.shape, constant.learned), image, part=part, parameters=held)
    return Flow(output.layer, constant.shape, None, constant.shape, constant.dtype)
