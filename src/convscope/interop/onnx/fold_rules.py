"""Rules of constant folding: the computation of each operator, and its cost.

The operators that shape computations consist of are written in NumPy, for speed. Rare ones, and rare attributes of
the others, are left to `onnx.reference`, which also is the oracle of all rules in the tests.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...settings import LARGEST
from ...text.language import Message
from ...text.numbers import times
from .graph import operator_schema
from .values import MAX_LIST_LENGTH, Array, TooLarge

if TYPE_CHECKING:
    from .call import Call


class FoldRule(NamedTuple):
    """How an operator is computed on constants, and what that costs.

    `compute` takes the call and its inputs' arrays, and returns the output or a list of outputs. `charged_shape`
    takes the same and returns the shape of the array that is created or iterated over; None for views. `cost` is
    the work per element. The inputs of an `elementwise` rule broadcast.
    """

    compute: Callable[..., Any]
    charged_shape: Callable[..., Sequence[int]] | None
    cost: int = 1
    elementwise: bool = False


RULES: dict[str, FoldRule] = {}

TRANSCENDENTAL_COST = 8
"""Cost of a power, a logarithm or a sine relative to a sum."""

LOOP_COST = 256
"""Cost of an element that Python code iterates over relative to one of an array operation."""


def _largest(call: Call, *arrays: Array | None) -> Sequence[int]:
    """Return the shape of the largest input."""
    return max((array.shape for array in arrays if array is not None), key=prod, default=())


def _broadcast(call: Call, *arrays: Array | None) -> Sequence[int]:
    """Return the shape that all inputs broadcast to."""
    return np.broadcast_shapes(*(array.shape for array in arrays if array is not None))


def _rule(
    *operators: str, charged: Callable[..., Sequence[int]] | None = _largest, cost: int = 1
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(compute: Callable[..., Any]) -> Callable[..., Any]:
        RULES.update(dict.fromkeys(operators, FoldRule(compute, charged, cost, charged is _broadcast)))
        return compute

    return register


# Rare operators


def by_reference(call: Call, *arrays: Array | None) -> list[Any]:
    """Compute a node by ONNX's reference implementation, whatever its attributes."""
    from onnx.reference import ReferenceEvaluator

    schema = operator_schema("", call.operator, call.opset)
    call.reads.attributes.update(() if schema is None else schema.attributes)
    node = type(call.node)()
    node.CopyFrom(call.node)
    node.domain = ""
    names = [f"x{index}" if array is not None else "" for index, array in enumerate(arrays)]
    del node.input[:]
    node.input.extend(names)
    evaluator = ReferenceEvaluator(node, opsets={"": call.opset})
    return list(evaluator.run(None, dict(zip(names, arrays, strict=True))))


_rule("Mod", "Relu", charged=_broadcast)(by_reference)
_rule("Sigmoid", charged=_broadcast, cost=TRANSCENDENTAL_COST)(by_reference)
_rule("CastLike", "EyeLike", "Trilu")(by_reference)
_rule("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum")(by_reference)
_rule("NonZero", charged=lambda _call, x: (max(x.ndim, 1), x.size), cost=2)(by_reference)
_rule(
    "Tile", charged=lambda _call, x, repeats: [n * int(r) for n, r in zip(x.shape, int_list(repeats), strict=True)]
)(by_reference)


@_rule("DequantizeLinear", cost=4)
def _(call: Call, x: Array, *scale_and_zero: Array | None) -> list[Any]:
    # The reference takes a scale of shape (1,) for one scale per index of an axis.
    scalars = [one.reshape(()) if one is not None and one.size == 1 else one for one in scale_and_zero]
    return by_reference(call, x, *scalars)


# Elementwise operators


def _in_numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(call: Call, *arrays: Array) -> Array:
        return np.asarray(function(*arrays))

    return compute


def _accumulate(function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(call: Call, *arrays: Array) -> Array:
        result = arrays[0]
        for array in arrays[1:]:
            result = function(result, array)
        return np.asarray(result)

    return compute


def _divide(one: Array, two: Array) -> Array:
    """Divide as ONNX does: integers round toward zero."""
    if np.issubdtype(one.dtype, np.integer):
        quotient: Array = np.sign(one) * np.sign(two) * (np.abs(one) // np.abs(two))
        return quotient.astype(one.dtype)
    return np.asarray(one / two)


_UNARY: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Floor": np.floor,
    "IsNaN": np.isnan,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Reciprocal": np.reciprocal,
    "Round": np.round,
    "Sign": np.sign,
}
_TRANSCENDENTAL: dict[str, Callable[..., Any]] = {
    "Cos": np.cos,
    "Exp": np.exp,
    "Log": np.log,
    "Sin": np.sin,
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
}
_BINARY: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "And": np.logical_and,
    "Div": _divide,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Or": np.logical_or,
    "Sub": np.subtract,
    "Sum": np.add,
    "Xor": np.logical_xor,
}
for _name, _function in _UNARY.items():
    _rule(_name, charged=_broadcast)(_in_numpy(_function))
for _name, _function in _TRANSCENDENTAL.items():
    _rule(_name, charged=_broadcast, cost=TRANSCENDENTAL_COST)(_in_numpy(_function))
for _name, _function in _BINARY.items():
    _rule(_name, charged=_broadcast)(_accumulate(_function))
_rule("Identity", charged=None)(_in_numpy(np.asarray))


@_rule("Pow", charged=_broadcast, cost=TRANSCENDENTAL_COST)
def _(call: Call, base: Array, exponent: Array) -> Array:
    return np.power(base.astype(np.float64), exponent).astype(base.dtype)


@_rule("Clip", charged=_broadcast)
def _(call: Call, x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    # By hand: the reference fails before version 11, when the bounds are attributes.
    lower = call.optional_attribute("min") if low is None else low
    upper = call.optional_attribute("max") if high is None else high
    return np.asarray(x if lower is None and upper is None else np.clip(x, lower, upper), x.dtype)


@_rule("Where", charged=_broadcast)
def _(call: Call, condition: Array, one: Array, two: Array) -> Array:
    return np.where(condition, one, two)


@_rule("Cast", charged=_broadcast)
def _(call: Call, x: Array) -> Array:
    from onnx.helper import tensor_dtype_to_np_dtype

    return x.astype(tensor_dtype_to_np_dtype(call.attribute("to", 1)))


# Shapes and indices


def int_list(array: Array) -> list[Any]:
    """Return the elements of a shape, axes or the like, which are few."""
    if array.size > MAX_LIST_LENGTH:
        raise TooLarge(Message("a list of {size:,} integers", size=array.size))
    values: list[Any] = array.reshape(-1).tolist()
    return values


def _check_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a broadcast array, which takes no memory, after a check of its size."""
    sizes = tuple(operator.index(size) for size in shape)
    if min(sizes, default=1) < 0 or prod(sizes) > LARGEST:
        raise TooLarge(Message("an array of shape {shape}", shape=times(sizes)))
    return sizes


@_rule("Concat", charged=lambda _call, *arrays: (sum(array.size for array in arrays),))
def _(call: Call, *arrays: Array) -> Array:
    return np.concatenate(arrays, call.attribute("axis", 0))


def _gathered_shape(call: Call, x: Array, indices: Array) -> Sequence[int]:
    axis = call.attribute("axis", 0) % max(x.ndim, 1)
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


@_rule("Gather", charged=_gathered_shape)
def _(call: Call, x: Array, indices: Array) -> Array:
    return np.take(x, indices, call.attribute("axis", 0))


@_rule("GatherElements", charged=lambda _call, _x, indices: indices.shape)
def _(call: Call, x: Array, indices: Array) -> Array:
    # By hand: the reference fails for more than 32 indices along an axis.
    return np.take_along_axis(x, indices, call.attribute("axis", 0))


@_rule("GatherND", charged=lambda _call, x, indices: (*indices.shape[:-1], *x.shape[indices.shape[-1] :]))
def _(call: Call, x: Array, indices: Array) -> Any:
    if call.attribute("batch_dims", 0):
        call.charge(indices.shape[:-1], LOOP_COST)
        return by_reference(call, x, indices)
    return np.asarray(x[tuple(np.moveaxis(indices, -1, 0))])


@_rule("ScatterND")
def _(call: Call, x: Array, indices: Array, updates: Array) -> Any:
    if call.attribute("reduction", "none") != "none":
        call.charge(indices.shape[:-1], LOOP_COST)
        return by_reference(call, x, indices, updates)
    result = x.copy()
    result[tuple(np.moveaxis(indices, -1, 0))] = updates
    return result


@_rule("ScatterElements")
def _(call: Call, x: Array, indices: Array, updates: Array) -> Any:
    if call.attribute("reduction", "none") != "none":
        call.charge(indices.shape, LOOP_COST)
        return by_reference(call, x, indices, updates)
    result = x.copy()
    np.put_along_axis(result, indices, updates, call.attribute("axis", 0))
    return result


@_rule("CumSum")
def _(call: Call, x: Array, axis: Array) -> Any:
    if call.attribute("exclusive", 0) or call.attribute("reverse", 0):
        return by_reference(call, x, axis.reshape(()))
    return np.cumsum(x, axis.item(), dtype=x.dtype)


def _product_count(call: Call, one: Array, two: Array) -> Sequence[int]:
    """Return the shape of all products of two elements; NumPy multiplies integer matrices without BLAS."""
    columns = two.shape[-1:] if two.ndim > 1 else ()
    return (*np.broadcast_shapes(one.shape[:-2], two.shape[:-2]), *one.shape[-2:], *columns)


@_rule("MatMul", charged=_product_count)
def _(call: Call, one: Array, two: Array) -> Array:
    product: Array = np.matmul(one, two)
    return product


@_rule("Unsqueeze", charged=None)
def _(call: Call, x: Array, axes: Array | None = None) -> Array:
    return np.expand_dims(x, tuple(_axes(call, axes)))


@_rule("Squeeze", charged=None)
def _(call: Call, x: Array, axes: Array | None = None) -> Array:
    squeezed = _axes(call, axes)
    return np.squeeze(x, tuple(squeezed) if squeezed else None)


def _axes(call: Call, axes: Array | None) -> list[int]:
    """Return axes that are an attribute in old versions and an input in later ones."""
    return call.attribute("axes", []) if axes is None else int_list(axes)


@_rule("Slice", charged=lambda _call, _x, *bounds: bounds[0].shape if bounds else ())
def _(
    call: Call,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    first = call.attribute("starts", []) if starts is None else int_list(starts)
    last = call.attribute("ends", []) if ends is None else int_list(ends)
    if len(first) > x.ndim:
        raise ValueError(Message("a slice of {count} axes of {rank}", count=len(first), rank=x.ndim))
    along = _axes(call, axes) or list(range(len(first)))
    step = [1] * len(first) if steps is None else int_list(steps)
    slices = [slice(None)] * x.ndim
    for axis, start, end, by in zip(along, first, last, step, strict=True):
        n = x.shape[axis]
        end = None if by < 0 and end < -n else end
        slices[axis] = slice(start, end, by)
    return x[tuple(slices)]


@_rule("Split", charged=None)
def _(call: Call, x: Array, split: Array | None = None) -> list[Array]:
    axis = call.attribute("axis", 0)
    sizes = call.attribute("split", []) if split is None else int_list(split)
    return np.split(x, np.cumsum(sizes)[:-1] if sizes else len(call.node.output), axis)


def _copied_shape(call: Call, x: Array, *shape: Array) -> Sequence[int]:
    """Return the shape of the copy that reshaping makes of elements that are not contiguous."""
    return () if x.flags.c_contiguous or not any(x.strides) else x.shape


@_rule("Reshape", charged=_copied_shape)
def _(call: Call, x: Array, shape: Array) -> Array:
    return x.reshape(resolve_shape(x.shape, int_list(shape), bool(call.attribute("allowzero", 0))))


def resolve_shape(old: Sequence[int], new: Sequence[int], allow_zero: bool) -> tuple[int, ...]:
    """Return the output shape of Reshape: 0 keeps a size, -1 is inferred from the others."""
    sizes = [old[axis] if size == 0 and not allow_zero else size for axis, size in enumerate(new)]
    if -1 in sizes:
        rest = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = prod(old) // rest if rest else 0
    if prod(sizes) != prod(old) or min(sizes, default=1) < 0:
        raise ValueError(Message("shape {shape} for {count} element(s)", shape=list(new), count=prod(old)))
    return tuple(sizes)


@_rule("Flatten", charged=_copied_shape)
def _(call: Call, x: Array) -> Array:
    axis = call.attribute("axis", 1)
    return x.reshape(prod(x.shape[:axis]), -1)


@_rule("Transpose", charged=None)
def _(call: Call, x: Array) -> Array:
    return np.transpose(x, call.attribute("perm", None))


@_rule("Expand", charged=lambda _call, _x, shape: shape.shape)
def _(call: Call, x: Array, shape: Array) -> Array:
    return np.broadcast_to(x, _check_shape(np.broadcast_shapes(x.shape, tuple(int_list(shape)))))


def _range_shape(call: Call, start: Array, limit: Array, delta: Array) -> Sequence[int]:
    return (max(0, int(np.ceil((limit.item() - start.item()) / delta.item()))),)


@_rule("Range", charged=_range_shape, cost=2)
def _(call: Call, start: Array, limit: Array, delta: Array) -> Array:
    (count,) = _range_shape(call, start, limit, delta)
    return np.asarray(start.item() + np.arange(count) * delta.item(), start.dtype)


@_rule("ConstantOfShape", charged=lambda _call, shape: shape.shape)
def _(call: Call, shape: Array) -> Array:
    from onnx import numpy_helper

    tensor = call.attribute("value", None)
    value = np.zeros(1, np.float32) if tensor is None else numpy_helper.to_array(tensor)
    return np.broadcast_to(value.reshape(-1)[0], _check_shape(int_list(shape)))


@_rule("BatchNormalization", cost=4)
def _(call: Call, x: Array, scale: Array, shift: Array, mean: Array, variance: Array) -> Array:
    """Normalize rows of a weight by their own statistics, as weight standardization is exported.

    By hand: the reference normalizes by batch statistics before version 14.
    """
    other_axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    if call.attribute("training_mode", 0):
        mean, variance = x.mean(other_axes), x.var(other_axes)
    deviation = np.sqrt(variance + call.attribute("epsilon", 1e-5))
    per_channel = (-1, *(1,) * (x.ndim - 2))
    normalized: Array = (x - mean.reshape(per_channel)) / deviation.reshape(per_channel)
    return (normalized * scale.reshape(per_channel) + shift.reshape(per_channel)).astype(x.dtype)
