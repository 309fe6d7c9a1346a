"""How each operator is computed on constants, by NumPy."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...settings import LARGEST
from .values import MAX_LIST_LENGTH, Array, TooLarge

if TYPE_CHECKING:
    from .call import Call


class FoldRule(NamedTuple):
    """How an operator is computed on constants, and what that costs.

    `compute` takes the node and its inputs' arrays, and returns the output or a list of outputs. `makes` takes the
    same and returns the shape of the array that is made, or walked over; None where elements are only seen under
    another shape. `work` is what each element of it costs. An `elementwise` rule repeats its inputs to one shape.
    """

    compute: Callable[..., Any]
    makes: Callable[..., Sequence[int]] | None
    work: int = 1
    elementwise: bool = False


RULES: dict[str, FoldRule] = {}

TRANSCENDENTAL_COST = 8
"""What a power, a logarithm or a sine costs compared with a sum."""


def _of_the_largest(call: Call, *arrays: Array | None) -> Sequence[int]:
    """Return the shape of the largest input."""
    return max((array.shape for array in arrays if array is not None), key=prod, default=())


def _together(call: Call, *arrays: Array | None) -> Sequence[int]:
    """Return the shape that all inputs are repeated to."""
    return np.broadcast_shapes(*(array.shape for array in arrays if array is not None))


def _rule(
    *operators: str, makes: Callable[..., Sequence[int]] | None = _of_the_largest, work: int = 1
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(compute: Callable[..., Any]) -> Callable[..., Any]:
        RULES.update(dict.fromkeys(operators, FoldRule(compute, makes, work, makes is _together)))
        return compute

    return register


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(call: Call, *arrays: Array) -> Array:
        return np.asarray(function(*arrays))

    return compute


def _one_after_another(function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(call: Call, *arrays: Array) -> Array:
        result = arrays[0]
        for array in arrays[1:]:
            result = function(result, array)
        return np.asarray(result)

    return compute


def _quotient(one: Array, two: Array) -> Array:
    """Divide as ONNX does: whole numbers toward zero."""
    if np.issubdtype(one.dtype, np.integer):
        one_by_two: Array = np.sign(one) * np.sign(two) * (np.abs(one) // np.abs(two))
        return one_by_two.astype(one.dtype)
    return np.asarray(one / two)


_ONE_BY_ONE: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Neg": np.negative,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.round,
    "Sqrt": np.sqrt,
    "Exp": np.exp,
    "Log": np.log,
    "Sin": np.sin,
    "Cos": np.cos,
    "Sign": np.sign,
    "Not": np.logical_not,
    "Reciprocal": np.reciprocal,
    "Tanh": np.tanh,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "IsNaN": np.isnan,
}
_TOGETHER: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _quotient,
    "Sum": np.add,
    "Max": np.maximum,
    "Min": np.minimum,
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
}
_COSTLY = {"Sqrt", "Exp", "Log", "Sin", "Cos", "Tanh", "Sigmoid"}
for _name, _function in _ONE_BY_ONE.items():
    _rule(_name, makes=_together, work=TRANSCENDENTAL_COST if _name in _COSTLY else 1)(_plain(_function))
for _name, _function in _TOGETHER.items():
    _rule(_name, makes=_together)(_one_after_another(_function))
_rule("Identity", makes=None)(_plain(np.asarray))


def listed(array: Array) -> list[Any]:
    """Return shapes, axes and the like as a list, which is never a long one."""
    if array.size > MAX_LIST_LENGTH:
        raise TooLarge(f"a list of {array.size:,} numbers")
    values: list[Any] = array.reshape(-1).tolist()
    return values


def _sized(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape that is only seen, not filled, after a check of its size."""
    sizes = tuple(operator.index(size) for size in shape)
    if min(sizes, default=1) < 0 or prod(sizes) > LARGEST:
        raise TooLarge(f"an array of shape {'×'.join(map(str, sizes))}")
    return sizes


@_rule("Pow", makes=_together, work=TRANSCENDENTAL_COST)
def _(call: Call, base: Array, exponent: Array) -> Array:
    return np.power(base.astype(np.float64), exponent).astype(base.dtype)


@_rule("Mod", makes=_together)
def _(call: Call, one: Array, two: Array) -> Array:
    return (np.fmod if call.attribute("fmod", 0) else np.mod)(one, two)


@_rule("Where", makes=_together)
def _(call: Call, condition: Array, one: Array, two: Array) -> Array:
    return np.where(condition, one, two)


@_rule("Cast", makes=_together)
def _(call: Call, x: Array) -> Array:
    from onnx.helper import tensor_dtype_to_np_dtype

    return x.astype(tensor_dtype_to_np_dtype(call.attribute("to", 1)))


@_rule("CastLike")
def _(call: Call, x: Array, like: Array) -> Array:
    return x.astype(like.dtype)


def _joined(call: Call, *arrays: Array) -> Sequence[int]:
    return (sum(array.size for array in arrays),)


@_rule("Concat", makes=_joined)
def _(call: Call, *arrays: Array) -> Array:
    return np.concatenate(arrays, call.attribute("axis", 0))


def _taken(call: Call, x: Array, indices: Array) -> Sequence[int]:
    axis = call.attribute("axis", 0) % max(x.ndim, 1)
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


@_rule("Gather", makes=_taken)
def _(call: Call, x: Array, indices: Array) -> Array:
    return np.take(x, indices, call.attribute("axis", 0))


@_rule("GatherElements", makes=lambda _call, _x, indices: indices.shape)
def _(call: Call, x: Array, indices: Array) -> Array:
    return np.take_along_axis(x, indices, call.attribute("axis", 0))


@_rule("GatherND", makes=lambda _call, x, indices: (*indices.shape[:-1], *x.shape[indices.shape[-1] :]))
def _(call: Call, x: Array, indices: Array) -> Array:
    if call.attribute("batch_dims", 0):
        raise ValueError("places for each of several arrays")
    return np.asarray(x[tuple(np.moveaxis(indices, -1, 0))])


@_rule("ScatterND")
def _(call: Call, x: Array, indices: Array, updates: Array) -> Array:
    result = _overwritten(call, x)
    result[tuple(np.moveaxis(indices, -1, 0))] = updates
    return result


@_rule("ScatterElements")
def _(call: Call, x: Array, indices: Array, updates: Array) -> Array:
    result = _overwritten(call, x)
    np.put_along_axis(result, indices, updates, call.attribute("axis", 0))
    return result


def _overwritten(call: Call, x: Array) -> Array:
    """Return a copy to write into."""
    if call.attribute("reduction", "none") != "none":
        raise ValueError("numbers that are added where they are put")
    return x.copy()


@_rule("Trilu")
def _(call: Call, x: Array, diagonal: Array | None = None) -> Array:
    kept: Array = (np.triu if call.attribute("upper", 1) else np.tril)(
        x, 0 if diagonal is None else diagonal.item()
    )
    return kept


@_rule("CumSum")
def _(call: Call, x: Array, axis: Array) -> Array:
    if call.attribute("exclusive", 0) or call.attribute("reverse", 0):
        raise ValueError("a sum that leaves out its own element, or runs backwards")
    return np.cumsum(x, axis.item(), dtype=x.dtype)


def _multiplied(call: Call, one: Array, two: Array) -> Sequence[int]:
    """Return all products of two elements: sums of whole numbers are no faster than those."""
    columns = two.shape[-1:] if two.ndim > 1 else ()
    return (*np.broadcast_shapes(one.shape[:-2], two.shape[:-2]), *one.shape[-2:], *columns)


@_rule("MatMul", makes=_multiplied)
def _(call: Call, one: Array, two: Array) -> Array:
    product: Array = np.matmul(one, two)
    return product


@_rule("Clip", makes=_together)
def _(call: Call, x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    least = call.optional_attribute("min") if low is None else low
    most = call.optional_attribute("max") if high is None else high
    return np.asarray(x if least is None and most is None else np.clip(x, least, most), x.dtype)


@_rule("NonZero", makes=lambda _call, x: (max(x.ndim, 1), x.size), work=2)
def _(call: Call, x: Array) -> Array:
    return np.asarray(np.nonzero(np.atleast_1d(x)), np.int64)


@_rule("Unsqueeze", makes=None)
def _(call: Call, x: Array, axes: Array | None = None) -> Array:
    return np.expand_dims(x, tuple(_axes(call, axes)))


@_rule("Squeeze", makes=None)
def _(call: Call, x: Array, axes: Array | None = None) -> Array:
    given = _axes(call, axes)
    return np.squeeze(x, tuple(given) if given else None)


def _axes(call: Call, axes: Array | None) -> list[int]:
    """Return axes that were an attribute once and are an input now."""
    return call.attribute("axes", []) if axes is None else listed(axes)


@_rule("Slice", makes=lambda _call, _x, *places: places[0].shape if places else ())
def _(
    call: Call,
    x: Array,
    starts: Array | None = None,
    ends: Array | None = None,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    first = call.attribute("starts", []) if starts is None else listed(starts)
    last = call.attribute("ends", []) if ends is None else listed(ends)
    if len(first) > x.ndim:
        raise ValueError(f"{len(first)} axes of {x.ndim}")
    along = _axes(call, axes) or list(range(len(first)))
    step = [1] * len(first) if steps is None else listed(steps)
    cut = [slice(None)] * x.ndim
    for axis, start, end, by in zip(along, first, last, step, strict=True):
        n = x.shape[axis]
        end = None if by < 0 and end < -n else end
        cut[axis] = slice(start, end, by)
    return x[tuple(cut)]


def _reshaped(call: Call, x: Array, *shape: Array) -> Sequence[int]:
    """Return the shape of the copy that is made of elements which do not lie one after another."""
    return () if x.flags.c_contiguous or not any(x.strides) else x.shape


@_rule("Reshape", makes=_reshaped)
def _(call: Call, x: Array, shape: Array) -> Array:
    return x.reshape(new_shape(x.shape, listed(shape), bool(call.attribute("allowzero", 0))))


def new_shape(old: Sequence[int], wanted: Sequence[int], allow_zero: bool) -> tuple[int, ...]:
    """Return the shape that ONNX's Reshape means: 0 keeps a size, -1 is found from the rest."""
    sizes = [old[axis] if size == 0 and not allow_zero else size for axis, size in enumerate(wanted)]
    if -1 in sizes:
        rest = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = prod(old) // rest if rest else 0
    if prod(sizes) != prod(old) or min(sizes, default=1) < 0:
        raise ValueError(f"shape {list(wanted)} for {prod(old)} elements")
    return tuple(sizes)


@_rule("Flatten", makes=_reshaped)
def _(call: Call, x: Array) -> Array:
    axis = call.attribute("axis", 1)
    return x.reshape(prod(x.shape[:axis]), -1)


@_rule("Transpose", makes=None)
def _(call: Call, x: Array) -> Array:
    return np.transpose(x, call.attribute("perm", None))


@_rule("Expand", makes=lambda _call, _x, shape: shape.shape)
def _(call: Call, x: Array, shape: Array) -> Array:
    return np.broadcast_to(x, _sized(np.broadcast_shapes(x.shape, tuple(listed(shape)))))


@_rule("Tile", makes=lambda _call, x, repeats: [n * int(r) for n, r in zip(x.shape, listed(repeats), strict=True)])
def _(call: Call, x: Array, repeats: Array) -> Array:
    return np.tile(x, listed(repeats))


def _count(call: Call, start: Array, limit: Array, delta: Array) -> Sequence[int]:
    return (max(0, int(np.ceil((limit.item() - start.item()) / delta.item()))),)


@_rule("Range", makes=_count, work=2)
def _(call: Call, start: Array, limit: Array, delta: Array) -> Array:
    (count,) = _count(call, start, limit, delta)
    return np.asarray(start.item() + np.arange(count) * delta.item(), start.dtype)


@_rule("ConstantOfShape", makes=lambda _call, shape: shape.shape)
def _(call: Call, shape: Array) -> Array:
    from onnx import numpy_helper

    tensor = call.attribute("value", None)
    value = np.zeros(1, np.float32) if tensor is None else numpy_helper.to_array(tensor)
    return np.broadcast_to(value.reshape(-1)[0], _sized(listed(shape)))


@_rule("EyeLike")
def _(call: Call, like: Array) -> Array:
    from onnx.helper import tensor_dtype_to_np_dtype

    kind = call.optional_attribute("dtype")
    dtype = like.dtype if kind is None else tensor_dtype_to_np_dtype(kind)
    rows, columns = like.shape
    return np.eye(rows, columns, call.attribute("k", 0)).astype(dtype)


@_rule("Split", makes=None)
def _(call: Call, x: Array, split: Array | None = None) -> list[Array]:
    axis = call.attribute("axis", 0)
    sizes = call.attribute("split", []) if split is None else listed(split)
    return np.split(x, np.cumsum(sizes)[:-1] if sizes else len(call.node.output), axis)


@_rule("ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean")
def _(call: Call, x: Array, axes: Array | None = None) -> Array:
    name = {"Prod": "prod", "Sum": "sum", "Max": "max", "Min": "min", "Mean": "mean"}[call.operator[6:]]
    along = _axes(call, axes)
    if not along and call.attribute("noop_with_empty_axes", 0):
        return x
    reduce = getattr(np, name)
    return np.asarray(
        reduce(x, axis=tuple(along) or None, keepdims=bool(call.attribute("keepdims", 1))), dtype=x.dtype
    )


@_rule("BatchNormalization", work=4)
def _(call: Call, x: Array, scale: Array, shift: Array, mean: Array, variance: Array) -> Array:
    """Normalize rows of a weight by their own statistics, as weight standardization is exported."""
    others = tuple(axis for axis in range(x.ndim) if axis != 1)
    if call.attribute("training_mode", 0):
        mean, variance = x.mean(others), x.var(others)
    root = np.sqrt(variance + call.attribute("epsilon", 1e-5))
    one_by_one = (-1, *(1,) * (x.ndim - 2))
    normalized: Array = (x - mean.reshape(one_by_one)) / root.reshape(one_by_one)
    return (normalized * scale.reshape(one_by_one) + shift.reshape(one_by_one)).astype(x.dtype)


@_rule("DequantizeLinear", work=4)
def _(call: Call, x: Array, scale: Array, zero: Array | None = None) -> Array:
    def along(array: Array) -> Array:
        """Put one number per index of the axis where it broadcasts."""
        if array.size == 1:
            return array.reshape(())
        if array.ndim != 1 or call.attribute("block_size", 0):
            raise ValueError("blocks of numbers with scales of their own")
        axis = call.attribute("axis", 1)
        return array.reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])

    shifted = x.astype(np.float32) - (0 if zero is None else along(zero).astype(np.float32))
    return (shifted * along(scale).astype(np.float32)).astype(scale.dtype)
