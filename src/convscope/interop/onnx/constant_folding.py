"""Constant folding: compute what depends on no image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import BadFile
from .call import unread
from .fold_rules import RULES, FoldRule, new_shape
from .reader import tensor_constant
from .registry import UnsupportedOperator
from .values import Array, Constant, Flow, TooLarge, known, short_key

if TYPE_CHECKING:
    from .call import Call
    from .graph import OperatorSchema

SMALL = 1 << 12
"""Elements of a result that is computed without a look for repetitions."""

MAX_EAGER_ELEMENTS = 1 << 20
"""Elements of a constant that is read to compute others; larger ones are weights, turned round unread."""


def fold(call: Call, signature: OperatorSchema | None) -> list[Constant | None] | None:
    """Return a node's outputs where they are the same for every image, else None.

    Errors:   BadFile [onnx-constant] for a computation that fails, asks for too much, or is set in an unknown way
    """
    constants = _folded(call)
    if constants is not None:
        name = unread(call, signature, inputs=False)
        if name:
            raise _failed(call, f"the attribute {name}, which is not known here,")
    return constants


def _folded(call: Call) -> list[Constant | None] | None:
    if call.node.domain not in ("", "ai.onnx"):
        return None
    if call.operator in ("Shape", "Size") and call.inputs and call.inputs[0] is not None:
        return [_shape(call)]
    if call.operator == "Constant":
        return [_constant(call)]
    if any(isinstance(value, Flow) for value in call.inputs):
        return None
    constants = [value for value in call.inputs if isinstance(value, Constant)]
    if call.operator == "Identity" and constants:
        return [constants[0]]  # under another name still the same tensor
    if call.operator in DEFERRED and len(constants) == len(call.inputs) and constants[0].size > MAX_EAGER_ELEMENTS:
        return [_view(call, constants)]
    rule = RULES.get(call.operator)
    if rule is None:
        return None
    return list(_computed(call, rule, constants))


def _shape(call: Call) -> Constant:
    value = call.inputs[0]
    assert value is not None
    if call.operator == "Size":
        return known(np.array(prod(value.shape), np.int64), 7)
    rank = len(value.shape)
    start, end = call.attribute("start", 0), call.attribute("end", rank)
    return known(np.array(value.shape[slice(start, end)], np.int64), 7)


def _constant(call: Call) -> Constant:
    """Return the value of a Constant node, in any of its spellings."""
    from onnx.helper import np_dtype_to_tensor_dtype

    tensor = call.optional_attribute("value")
    if tensor is not None:
        return tensor_constant(tensor, call.converter.path, False, call.builder.free_name(call.name))
    types = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    for name, dtype in types.items():
        value = call.optional_attribute(name)
        if value is not None:
            array = np.array(value, dtype)
            return known(array, np_dtype_to_tensor_dtype(array.dtype))
    raise _failed(call, "a constant without numbers")


def _view(call: Call, constants: Sequence[Constant]) -> Constant:
    """Return a large constant under another shape or type, its numbers still unread."""
    first, change = constants[0], DEFERRED[call.operator]
    small = _attempt(call, lambda: [np.array(call.read(one)) for one in constants[1:]])
    shape = _attempt(call, lambda: change.shape(call, first.shape, small))
    word = f"{call.operator}{shape}{call.attribute('perm', [])}"
    made = first.derived(shape, lambda array: change.apply(call, array, small, shape), word)
    weights = _weights(call, constants)
    return Constant(made.shape, call.attribute("to", first.dtype), made.read, made.key, weights)


def _computed(call: Call, rule: FoldRule, constants: Sequence[Constant]) -> list[Constant]:
    from onnx.helper import np_dtype_to_tensor_dtype

    made = _attempt(call, lambda: _made(call, rule))
    outputs: list[Array] = list(made) if isinstance(made, list | tuple) else [np.asarray(made)]
    weights = _weights(call, constants)
    key = _key(call, constants)
    folded = []
    for index, array in enumerate(outputs):
        one = known(array, np_dtype_to_tensor_dtype(array.dtype), weights)
        one.key = key and f"{key}[{index}]"
        folded.append(one)
    return folded


def _made(call: Call, rule: FoldRule) -> Any:
    """Return what a rule makes of the node's constants, after it is charged."""
    budget = call.converter.shared.budget
    arrays = [budget.read(value) if isinstance(value, Constant) else None for value in call.inputs]
    shape = None
    if rule.elementwise and rule.makes is not None:
        shape = tuple(rule.makes(call, *arrays))
        if prod(shape) > SMALL:
            arrays = _without_repeats(arrays, shape)
    if rule.makes is not None:
        budget.charge(rule.makes(call, *arrays), rule.work)
    made = rule.compute(call, *arrays)
    return made if shape is None or np.shape(made) == shape else np.broadcast_to(made, shape)


def _without_repeats(arrays: Sequence[Array | None], shape: tuple[int, ...]) -> list[Array | None]:
    """Return the arrays with size 1 along axes where all of them repeat one element."""
    whole = [None if array is None else np.broadcast_to(array, shape) for array in arrays]
    strides = [array.strides for array in whole if array is not None]
    once = tuple(slice(1) if not any(steps) else slice(None) for steps in zip(*strides, strict=True))
    return [None if array is None else array[once] for array in whole]


def _weights(call: Call, constants: Sequence[Constant]) -> int:
    """Return how many stored weights a node's outputs are made of."""
    if call.operator == "DequantizeLinear" and constants[0].key is not None:
        return constants[0].size  # whole numbers that stand for real ones
    return sum(one.weights for one in constants)


def _key(call: Call, constants: Sequence[Constant]) -> str | None:
    """Return a name for what is made of stored tensors in this very way; what a node fills is its own."""
    if call.operator == "ConstantOfShape":
        return short_key(f"{call.name}/{call.node.output[0]}")
    if not constants or any(one.key is None for one in constants):
        return None
    how = ",".join(f"{item.name}={item.SerializeToString().hex()}" for item in call.node.attribute)
    return short_key(f"{call.operator}({', '.join(str(one.key) for one in constants)};{how})")


def _attempt(call: Call, compute: Callable[[], Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return compute()
    except (UnsupportedOperator, TooLarge) as error:
        raise _failed(call, str(error)) from None
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise _failed(call, str(error).partition("\n")[0]) from None


def _failed(call: Call, got: str) -> BadFile:
    return BadFile(
        f"constants of {str(call.converter.path)!r} must be computable; got {got} at node "
        f"{call.node.name or call.name!r} ({call.operator}); "
        "simplify the model with an ONNX optimizer. [onnx-constant]"
    )


class DeferredOperator(NamedTuple):
    """An operator that moves elements without computing: its output's shape, and how it is made."""

    shape: Callable[[Call, Sequence[int], list[Array]], tuple[int, ...]]
    apply: Callable[[Call, Array, list[Array], tuple[int, ...]], Array]


def _keep(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    return tuple(shape)


def _like(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    """Return the shape by running the rule on an array that takes no memory."""
    moved: Array = RULES[call.operator].compute(call, np.broadcast_to(np.int8(0), shape), *rest)
    return moved.shape


def _by_rule(call: Call, array: Array, rest: list[Array], shape: tuple[int, ...]) -> Array:
    moved: Array = RULES[call.operator].compute(call, array, *rest)
    return moved


def _reshape(call: Call, shape: Sequence[int], rest: list[Array]) -> tuple[int, ...]:
    return new_shape(shape, rest[0].tolist(), bool(call.attribute("allowzero", 0)))


DEFERRED = {
    "Identity": DeferredOperator(_keep, _by_rule),
    "Cast": DeferredOperator(_keep, _by_rule),
    "DequantizeLinear": DeferredOperator(_keep, _by_rule),
    "Transpose": DeferredOperator(_like, _by_rule),
    "Unsqueeze": DeferredOperator(_like, _by_rule),
    "Squeeze": DeferredOperator(_like, _by_rule),
    "Reshape": DeferredOperator(_reshape, _by_rule),
}
