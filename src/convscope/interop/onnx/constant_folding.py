"""Constant folding: compute nodes that do not depend on the input.

Small constants are computed at once. Large ones are weights: operators that only move or convert elements are
applied to them when they are read. Learned tables that a graph indexes, multiplies or repeats become layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np

from ...errors import BadFile, reason_of
from ...layers.structural import Parameter
from ...text.language import Message
from .call import Call, find_unread
from .fold_rules import RULES, FoldRule, int_list, resolve_shape
from .reader import tensor_constant
from .values import REAL, Array, Constant, Flow, Value, from_array, short_key

if TYPE_CHECKING:
    from .call import Call
    from .graph import OperatorSchema

MAX_UNCHECKED_ELEMENTS = 1 << 12
"""Elements of a result that is computed without looking for repetition."""

MAX_EAGER_ELEMENTS = 1 << 20
"""Elements of a constant that is read at once; larger ones are weights, and stay in the file."""


def fold(call: Call, schema: OperatorSchema | None) -> list[Constant | None] | None:
    """Return a node's outputs if they are constants, otherwise None.

    Errors:   BadFile [onnx-constant] for a computation that fails, is too large, or has an unsupported attribute
    """
    constants = _fold(call)
    if constants is not None:
        name = find_unread(call, schema, inputs=False)
        if name:
            raise _cannot_compute(call, Message("the unsupported attribute {name}", name=name))
    return constants


def _fold(call: Call) -> list[Constant | None] | None:
    if call.node.domain not in ("", "ai.onnx"):
        return None
    if call.operator in ("Shape", "Size") and call.inputs and call.inputs[0] is not None:
        return [_shape_or_size(call)]
    if call.operator == "Constant":
        return [_constant_node(call)]
    if any(isinstance(value, Flow) for value in call.inputs):
        return None
    constants = [value for value in call.inputs if isinstance(value, Constant)]
    if call.operator == "Identity" and constants:
        return [constants[0]]  # the same tensor under another name
    if call.operator in DEFERRED and len(constants) == len(call.inputs) and constants[0].size > MAX_EAGER_ELEMENTS:
        return [_defer(call, constants)]
    rule = RULES.get(call.operator)
    if rule is None:
        return None
    return list(_evaluate(call, rule, constants))


def _shape_or_size(call: Call) -> Constant:
    value = call.inputs[0]
    assert value is not None
    if call.operator == "Size":
        return from_array(np.array(prod(value.shape), np.int64), 7)
    rank = len(value.shape)
    start, end = call.attribute("start", 0), call.attribute("end", rank)
    return from_array(np.array(value.shape[slice(start, end)], np.int64), 7)


def _constant_node(call: Call) -> Constant:
    from onnx.helper import np_dtype_to_tensor_dtype

    tensor = call.optional_attribute("value")
    if tensor is not None:
        return tensor_constant(tensor, call.converter.path, False, call.builder.unique_name(call.name))
    types = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    for name, dtype in types.items():
        value = call.optional_attribute(name)
        if value is not None:
            array = np.array(value, dtype)
            return from_array(array, np_dtype_to_tensor_dtype(array.dtype))
    raise _cannot_compute(call, Message("a Constant without a numeric value"))


# Small constants


def _evaluate(call: Call, rule: FoldRule, constants: Sequence[Constant]) -> list[Constant]:
    from onnx.helper import np_dtype_to_tensor_dtype

    result = _attempt(call, lambda: _apply(call, rule))
    arrays = [np.asarray(array) for array in (result if isinstance(result, list | tuple) else [result])]
    weights = _weight_count(call, constants)
    key = _key(call, constants)
    folded = []
    for index, array in enumerate(arrays):
        one = from_array(array, np_dtype_to_tensor_dtype(array.dtype), weights)
        one.key = key and f"{key}[{index}]"
        folded.append(one)
    return folded


def _apply(call: Call, rule: FoldRule) -> Any:
    """Charge the rule's cost to the budget, then compute."""
    budget = call.converter.model.budget
    arrays = [budget.read(value) if isinstance(value, Constant) else None for value in call.inputs]
    shape = None
    if rule.elementwise and rule.charged_shape is not None:
        shape = tuple(rule.charged_shape(call, *arrays))
        if prod(shape) > MAX_UNCHECKED_ELEMENTS:
            arrays = _without_repetition(arrays, shape)
    if rule.charged_shape is not None:
        budget.charge(rule.charged_shape(call, *arrays), rule.cost)
    result = rule.compute(call, *arrays)
    if shape is None:
        return result
    array = np.asarray(result[0] if isinstance(result, list) else result)
    return array if array.shape == shape else np.broadcast_to(array, shape)


def _without_repetition(arrays: Sequence[Array | None], shape: tuple[int, ...]) -> list[Array | None]:
    """Return the arrays with size 1 along the axes where each of them repeats one element."""
    whole = [None if array is None else np.broadcast_to(array, shape) for array in arrays]
    strides = [array.strides for array in whole if array is not None]
    once = tuple(slice(1) if not any(steps) else slice(None) for steps in zip(*strides, strict=True))
    return [None if array is None else array[once] for array in whole]


def _weight_count(call: Call, constants: Sequence[Constant]) -> int:
    """Return the number of stored weights that a node's outputs are computed from."""
    if call.operator == "DequantizeLinear" and constants[0].key is not None:
        return constants[0].size  # integers that represent real weights
    return sum(one.weights for one in constants)


def _key(call: Call, constants: Sequence[Constant]) -> str | None:
    """Return a key for this computation on stored tensors. What a node fills is its own."""
    if call.operator == "ConstantOfShape":
        return short_key(f"{call.name}/{call.node.output[0]}")
    if not constants or any(one.key is None for one in constants):
        return None
    attributes = ",".join(f"{item.name}={item.SerializeToString().hex()}" for item in call.node.attribute)
    return short_key(f"{call.operator}({', '.join(str(one.key) for one in constants)};{attributes})")


def _attempt(call: Call, compute: Callable[[], Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return compute()
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise _cannot_compute(call, reason_of(error)) from None


def _cannot_compute(call: Call, reason: str) -> BadFile:
    return BadFile(
        "A constant of {path!r} cannot be computed (got {reason} at node {node!r}, {operator}). Simplify the "
        "model with an ONNX optimizer. [onnx-constant]",
        path=str(call.converter.path),
        reason=reason,
        node=call.node.name or call.name,
        operator=call.operator,
    )


# Large constants


class DeferredOperator(NamedTuple):
    """An operator on a large constant: its output shape and its computation.

    The shape is computed from shapes and small inputs.
    """

    shape: Callable[[Call, Sequence[int], list[Array]], tuple[int, ...]]
    apply: Callable[[Call, Array, list[Array]], Array]


def _apply_rule(call: Call, array: Array, rest: list[Array]) -> Array:
    result = RULES[call.operator].compute(call, array, *rest)
    return np.asarray(result[0] if isinstance(result, list) else result)


def _same_shape(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    return tuple(shape)


def _shape_by_rule(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    """Return the shape by applying the rule to an array that takes no memory."""
    return _apply_rule(call, np.broadcast_to(np.int8(0), shape), rest).shape


def _reshaped_shape(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    return resolve_shape(shape, rest[0].tolist(), bool(call.attribute("allowzero", 0)))


DEFERRED = {
    "Identity": DeferredOperator(_same_shape, _apply_rule),
    "Cast": DeferredOperator(_same_shape, _apply_rule),
    "DequantizeLinear": DeferredOperator(_same_shape, _apply_rule),
    "Transpose": DeferredOperator(_shape_by_rule, _apply_rule),
    "Unsqueeze": DeferredOperator(_shape_by_rule, _apply_rule),
    "Squeeze": DeferredOperator(_shape_by_rule, _apply_rule),
    "Reshape": DeferredOperator(_reshaped_shape, _apply_rule),
}


def _defer(call: Call, constants: Sequence[Constant]) -> Constant:
    """Return a large constant under another shape or type, still unread."""
    first, deferred = constants[0], DEFERRED[call.operator]
    small = _attempt(call, lambda: [np.array(call.read(one)) for one in constants[1:]])
    shape = _attempt(call, lambda: deferred.shape(call, first.shape, small))
    word = f"{call.operator}{shape}{call.attribute('perm', [])}"
    derived = first.derive(shape, lambda array: deferred.apply(call, array, small), word)
    weights = _weight_count(call, constants)
    return Constant(derived.shape, call.attribute("to", first.dtype), derived.read, derived.key, weights)


# Learned tables: Parameter layers instead of constants. The result of an operator on a table may have more
# elements than the table, or fewer; its elements are not parameters of their own.

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
