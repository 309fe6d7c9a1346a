"""Sums, products, functions of one number, choices by a constant mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....layers.base import Layer
from ....layers.dense import Scale
from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.merge import Add, Divide, Maximum, Minimum, Multiply, Subtract
from ...errors import UnsupportedOperator
from ..registry import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


RETYPING = {
    *("float", "half", "double", "bfloat16", "to", "type", "type_as", "long", "int", "short", "char", "byte"),
    *("tensor", "as_tensor", "asarray", "copy"),
}
"""Functions whose converters look at types; others do not make integers of real numbers."""


def affine(call: Call, tensor: Tensor, scale: float = 1.0, shift: float = 0.0) -> str:
    """Scale and shift by constant numbers; by 1 and 0 nothing happens."""
    if scale == 1 and shift == 0:
        return call.node(tensor)
    return call.last(Affine(scale, shift), call.node(tensor))


def _pair(call: Call, input: Any, other: Any) -> tuple[float | None, float | None]:
    return call.number(input), call.number(other)


@converts("add", "Tensor.__add__", "Tensor.__radd__", "Tensor.__iadd__")
def add(call: Call, input: Any, other: Any, *, alpha: float = 1) -> str:
    """Convert input + alpha·other."""
    one, two = _pair(call, input, other)
    if two is not None:
        return affine(call, input, shift=alpha * two)
    if one is not None:
        return affine(call, other, float(alpha), one)
    first, second = call.operands(input, other)
    if alpha != 1:
        second = call.step(Affine(alpha), second)
    return call.last(Add(), first, second)


@converts("sub", "subtract", "Tensor.__sub__", "Tensor.__isub__")
def subtract(call: Call, input: Any, other: Any, *, alpha: float = 1) -> str:
    """Convert input − alpha·other."""
    one, two = _pair(call, input, other)
    if two is not None:
        return affine(call, input, shift=-alpha * two)
    if one is not None:
        return affine(call, other, -float(alpha), one)
    first, second = call.operands(input, other)
    if alpha != 1:
        second = call.step(Affine(alpha), second)
    return call.last(Subtract(), first, second)


@converts("rsub", "Tensor.__rsub__")
def subtract_from(call: Call, input: Any, other: Any, *, alpha: float = 1) -> str:
    """Convert other − alpha·input."""
    return subtract(call, other, input, alpha=alpha)


@converts("mul", "multiply", "Tensor.__mul__", "Tensor.__rmul__", "Tensor.__imul__")
def multiply(call: Call, input: Any, other: Any) -> str:
    """Convert a product; learned factors along one axis are a Scale."""
    one, two = _pair(call, input, other)
    if two is not None:
        return affine(call, input, two)
    if one is not None:
        return affine(call, other, one)
    for value, factors in ((input, other), (other, input)):
        if call.recorder.is_value(value) and call.recorder.own.is_parameter(factors):
            axis = _scaled_axis(call, value, factors)
            if axis is not None:
                return call.last(Scale(axis), call.node(value), parameters={"weight": factors})
    return call.last(Multiply(), *call.operands(input, other))


def _scaled_axis(call: Call, value: Tensor, factors: Tensor) -> int | None:
    """Return the axis along which an image is scaled by learned factors, if they lie along one."""
    long = [axis for axis, size in enumerate(factors.shape) if size > 1]
    if len(long) != 1 or tuple(value.shape) != call.shape:
        return None
    axis = len(value.shape) - factors.dim() + long[0]
    return call.batch.place(value.shape, axis) if value.shape[axis] == factors.numel() else None


@converts("div", "divide", "true_divide", "Tensor.__truediv__", "Tensor.__itruediv__", "Tensor.__div__")
def divide(call: Call, input: Any, other: Any, *, rounding_mode: str | None = None) -> str:
    """Convert a quotient; one that is rounded is a true quotient first, since n · (1 / n) may be less than 1."""
    if rounding_mode is None:
        return _divided(call, input, other, last=True)
    quotient = call.step(Divide(), *call.operands(*(_as_tensor(one) for one in (input, other))))
    return truncated(call, quotient) if rounding_mode == "trunc" else call.last(Function("floor"), quotient)


def _as_tensor(value: Any) -> Tensor:
    import torch

    return value if isinstance(value, torch.Tensor) else torch.tensor(float(value))


def truncated(call: Call, node: str) -> str:
    """Round toward zero: the sign times the floor of the absolute value."""
    whole = call.step(Function("floor"), call.step(Function("abs"), node))
    return call.last(Multiply(), call.step(Function("sign"), node), whole)


@converts("trunc", "fix")
def truncate(call: Call, input: Tensor) -> str:
    """Convert rounding toward zero."""
    return truncated(call, call.node(input))


def _divided(call: Call, input: Any, other: Any, *, last: bool) -> str:
    one, two = _pair(call, input, other)
    put = call.last if last else call.step
    if two is not None:
        return put(Affine(1 / two), call.node(input)) if two != 1 else call.node(input)
    if one is not None:
        inverse = Function("reciprocal")
        if one == 1:
            return put(inverse, call.node(other))
        return put(Affine(one), call.step(inverse, call.node(other)))
    return put(Divide(), *call.operands(input, other))


@converts("Tensor.__rdiv__", "Tensor.__rtruediv__")
def divide_by(call: Call, input: Any, other: Any) -> str:
    """Convert other / input."""
    return divide(call, other, input)


@converts("pow", "Tensor.__pow__", "Tensor.__ipow__", "float_power")
def power(call: Call, input: Any, exponent: Any) -> str:
    """Convert a constant power."""
    number = call.number(exponent)
    if number is None or call.number(input) is not None:
        raise UnsupportedOperator("an exponent from images")
    if number == 0.5:
        return call.last(Function("sqrt"), call.node(input))
    return call.node(input) if number == 1 else call.last(Power(number), call.node(input))


def _function(name: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor) -> str:
        return call.last(Function(name), call.node(input))


_function("abs", "abs", "absolute", "Tensor.__abs__")
_function("ceil", "ceil")
_function("cos", "cos")
_function("erf", "erf")
_function("exp", "exp")
_function("floor", "floor")
_function("log", "log")
_function("neg", "neg", "negative", "Tensor.__neg__")
_function("reciprocal", "reciprocal")
_function("rsqrt", "rsqrt")
_function("sign", "sign")
_function("sin", "sin")
_function("sqrt", "sqrt")


@converts("round")
def rounded(call: Call, input: Tensor, *, decimals: int = 0) -> str:
    """Convert rounding to whole numbers."""
    if decimals:
        raise UnsupportedOperator("rounded to digits")
    return call.last(Function("round"), call.node(input))


@converts("square")
def square(call: Call, input: Tensor) -> str:
    """Convert x²."""
    return call.last(Power(2.0), call.node(input))


@converts("addcmul")
def add_product(call: Call, input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> str:
    """Convert input + value·tensor1·tensor2."""
    return _with_scaled(call, Multiply(), input, tensor1, tensor2, value)


@converts("addcdiv")
def add_quotient(call: Call, input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> str:
    """Convert input + value·tensor1/tensor2."""
    return _with_scaled(call, Divide(), input, tensor1, tensor2, value)


def _with_scaled(call: Call, merge: Layer, first: Tensor, one: Tensor, two: Tensor, value: float) -> str:
    addend, *both = call.operands(first, one, two)
    merged = call.step(merge, *both)
    return call.last(Add(), addend, call.step(Affine(value), merged) if value != 1 else merged)


@converts("clamp", "clip")
def clamp(call: Call, input: Tensor, min: Any = None, max: Any = None) -> str:
    """Convert bounds; those that are no constant numbers are a maximum and a minimum with arrays."""
    low, high = (None if one is None else call.number(one) for one in (min, max))
    if (low is None) == (min is None) and (high is None) == (max is None):
        return call.last(Clamp(low, high), call.node(input))
    made = call.node(input)
    if min is not None:
        made = call.step(Maximum(), made, call.operands(input, min)[1])
    if max is not None:
        made = call.step(Minimum(), made, call.operands(input, max)[1])
    return made


@converts("clamp_min")
def clamp_min(call: Call, input: Tensor, min: Any) -> str:
    """Convert a constant lower bound."""
    return clamp(call, input, min)


@converts("clamp_max")
def clamp_max(call: Call, input: Tensor, max: Any) -> str:
    """Convert a constant upper bound."""
    return clamp(call, input, None, max)


@converts("maximum", "fmax")
def maximum(call: Call, input: Tensor, other: Tensor) -> str:
    """Convert the larger of two."""
    return call.last(Maximum(), *call.operands(input, other))


@converts("minimum", "fmin")
def minimum(call: Call, input: Tensor, other: Tensor) -> str:
    """Convert the smaller of two."""
    return call.last(Minimum(), *call.operands(input, other))


@converts("masked_fill")
def masked_fill(call: Call, input: Tensor, mask: Tensor, value: Any) -> str:
    """Convert a constant mask: −∞ where it holds is added, other values take the place of a product with 0."""
    number = call.number(value)
    if number is None or call.recorder.is_value(mask) or mask.is_meta:
        raise UnsupportedOperator("a mask from images")
    zeros = mask.new_zeros(mask.shape, dtype=input.dtype)
    if number in (float("inf"), float("-inf")):
        return call.last(Add(), *call.operands(input, zeros.masked_fill(mask, number)))
    gated = call.step(Multiply(), *call.operands(input, (~mask).to(input.dtype)))
    return call.last(Add(), gated, call.operands(input, zeros.masked_fill(mask, number))[1])


@converts("Tensor.where")
def keep_where(call: Call, input: Any, condition: Tensor, other: Any) -> str:
    """Convert `input.where(condition, other)`."""
    return where(call, condition, input, other)


@converts("torch.where")
def where(call: Call, condition: Tensor, input: Any, other: Any) -> str:
    """Convert a choice by a constant mask."""
    if not hasattr(condition, "dtype") or call.recorder.is_value(condition):
        raise UnsupportedOperator("a mask from images")
    picked = []
    for mask, value in ((condition, input), (~condition, other)):
        number = call.number(value)
        ones = mask.new_ones(mask.shape, dtype=call.result.dtype)
        if number is not None:
            picked.append(call.operands((ones * number).where(mask, 0 * ones))[0])
        else:
            picked.append(call.step(Multiply(), *call.operands(value, ones * mask)))
    return call.last(Add(), *picked)


def _same(*names: str) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor, *_how: Any, **_more: Any) -> str:
        return call.node(input)


_same("clone", "Tensor.contiguous", "detach", "Tensor.cpu", "Tensor.cuda")
_same("Tensor.requires_grad_", "positive", "resolve_conj", "resolve_neg", "alias_copy")


@converts(
    *("Tensor.float", "Tensor.half", "Tensor.double", "Tensor.bfloat16", "Tensor.to", "Tensor.type"),
    *("Tensor.type_as", "Tensor.long", "Tensor.int", "Tensor.short", "Tensor.char", "Tensor.byte"),
    *("torch.tensor", "torch.as_tensor", "torch.asarray"),
)
def cast(call: Call, input: Tensor, *_how: Any, **_more: Any) -> str:
    """Convert a change of type: real numbers lose what is behind the point where they become integers.

    All floating types are computed in the engine's own, so that a change among them does nothing.
    """
    node = call.node(input)
    made = as_type(call, node, input)
    if made != node:
        call.recorder.remember_cast(call.result, node)
    return made


def as_type(call: Call, node: str, input: Tensor) -> str:
    """Let a layer's output, of the type of `input`, have the type of the call's result.

    Errors:   UnsupportedOperator for truth values and complex numbers, and for integers that may not fit
    """
    import torch

    old, new = input.dtype, call.result.dtype
    if old == new or (old.is_floating_point and new.is_floating_point):
        return node
    if torch.bool in (old, new) or old.is_complex or new.is_complex:
        raise UnsupportedOperator("numbers of another kind")
    if old.is_floating_point:
        return truncated(call, node)
    if not new.is_floating_point:
        one, two = torch.iinfo(old), torch.iinfo(new)
        if one.min < two.min or one.max > two.max:
            raise UnsupportedOperator("integers that may not fit")
    return node


@converts("Tensor.copy_")
def copy(call: Call, input: Tensor, src: Tensor, non_blocking: bool = False) -> str:
    """Convert an array that takes the values of another."""
    from .indexing import expand

    return as_type(call, expand(call, src), src)


@converts("Tensor.fill_")
def fill(call: Call, input: Tensor, value: Any) -> str:
    """Convert an array that takes one value everywhere."""
    import torch

    number = call.number(value)
    if number is not None:
        return call.recorder.array(torch.full(call.free, number))
    if call.recorder.is_value(value) or call.recorder.own.is_learned(value):
        raise UnsupportedOperator("a value from images, or a learned one")
    return call.recorder.array(torch.empty(call.free, device="meta"))


@converts("Tensor.zero_")
def zero(call: Call, input: Tensor) -> str:
    """Convert an array that becomes zero."""
    return fill(call, input, 0.0)
