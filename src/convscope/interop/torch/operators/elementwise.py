"""Elementwise functions, casts, constant masks and concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ....layers.base import Layer
from ....layers.dense import Scale
from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.merge import Add, Concat, Divide, Maximum, Minimum, Multiply, Subtract
from ....layers.rearrange import Reshape
from ...errors import UnsupportedOperator
from ..call import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call

CASTS = {
    *("float", "half", "double", "bfloat16", "to", "type", "type_as", "long", "int", "short", "char", "byte"),
    *("tensor", "as_tensor", "asarray", "copy"),
}
"""Functions whose converters handle a change of type, which is unsupported elsewhere."""


def affine(call: Call, tensor: Tensor, scale: float = 1.0, shift: float = 0.0) -> str:
    """Scale and shift by constants; a scale of 1 and a shift of 0 add no layer."""
    if scale == 1 and shift == 0:
        return call.node(tensor)
    return call.add_result(Affine(scale, shift), call.node(tensor))


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
        second = call.add(Affine(alpha), second)
    return call.add_result(Add(), first, second)


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
        second = call.add(Affine(alpha), second)
    return call.add_result(Subtract(), first, second)


@converts("rsub", "Tensor.__rsub__")
def subtract_from(call: Call, input: Any, other: Any, *, alpha: float = 1) -> str:
    """Convert other − alpha·input."""
    return subtract(call, other, input, alpha=alpha)


@converts("mul", "multiply", "Tensor.__mul__", "Tensor.__rmul__", "Tensor.__imul__")
def multiply(call: Call, input: Any, other: Any) -> str:
    """Convert a product. A parameter along one axis makes it a Scale layer."""
    one, two = _pair(call, input, other)
    if two is not None:
        return affine(call, input, two)
    if one is not None:
        return affine(call, other, one)
    for value, factors in ((input, other), (other, input)):
        if call.recorder.depends_on_input(value) and call.recorder.module_arrays.is_parameter(factors):
            axis = _scaled_axis(call, value, factors)
            if axis is not None:
                return call.add_result(Scale(axis), call.node(value), parameters={"weight": factors})
    return call.add_result(Multiply(), *call.operands(input, other))


def _scaled_axis(call: Call, value: Tensor, factors: Tensor) -> int | None:
    """Return the axis of an image along which a parameter scales it; None if there is no single one."""
    long = [axis for axis, size in enumerate(factors.shape) if size > 1]
    if len(long) != 1 or tuple(value.shape) != call.shape:
        return None
    axis = len(value.shape) - factors.dim() + long[0]
    return call.batch.image_axis(value.shape, axis) if value.shape[axis] == factors.numel() else None


@converts("div", "divide", "true_divide", "Tensor.__truediv__", "Tensor.__itruediv__", "Tensor.__div__")
def divide(call: Call, input: Any, other: Any, *, rounding_mode: str | None = None) -> str:
    """Convert division. Before rounding it is an exact division, since n · (1 / n) may be less than 1."""
    if rounding_mode is None:
        return _divide(call, input, other, is_result=True)
    quotient = call.add(Divide(), *call.operands(*(_as_tensor(one) for one in (input, other))))
    return (
        add_truncation(call, quotient)
        if rounding_mode == "trunc"
        else call.add_result(Function("floor"), quotient)
    )


def _as_tensor(value: Any) -> Tensor:
    import torch

    return value if isinstance(value, torch.Tensor) else torch.tensor(float(value))


def add_truncation(call: Call, node: str) -> str:
    """Round toward zero: the sign times the floor of the absolute value."""
    whole = call.add(Function("floor"), call.add(Function("abs"), node))
    return call.add_result(Multiply(), call.add(Function("sign"), node), whole)


@converts("trunc", "fix")
def truncate(call: Call, input: Tensor) -> str:
    """Convert rounding toward zero."""
    return add_truncation(call, call.node(input))


def _divide(call: Call, input: Any, other: Any, *, is_result: bool) -> str:
    one, two = _pair(call, input, other)
    put = call.add_result if is_result else call.add
    if two is not None:
        return put(Affine(1 / two), call.node(input)) if two != 1 else call.node(input)
    if one is not None:
        inverse = Function("reciprocal")
        if one == 1:
            return put(inverse, call.node(other))
        return put(Affine(one), call.add(inverse, call.node(other)))
    return put(Divide(), *call.operands(input, other))


@converts("Tensor.__rdiv__", "Tensor.__rtruediv__")
def divide_by(call: Call, input: Any, other: Any) -> str:
    """Convert other / input."""
    return divide(call, other, input)


@converts("pow", "Tensor.__pow__", "Tensor.__ipow__", "float_power")
def power(call: Call, input: Any, exponent: Any) -> str:
    """Convert a power with a constant exponent."""
    number = call.number(exponent)
    if number is None or call.number(input) is not None:
        raise UnsupportedOperator("an exponent that depends on the input")
    if number == 0.5:
        return call.add_result(Function("sqrt"), call.node(input))
    return call.node(input) if number == 1 else call.add_result(Power(number), call.node(input))


def _function(name: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor) -> str:
        return call.add_result(Function(name), call.node(input))


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
def round_to_integer(call: Call, input: Tensor, *, decimals: int = 0) -> str:
    """Convert rounding to integers."""
    if decimals:
        raise UnsupportedOperator("rounding to decimals")
    return call.add_result(Function("round"), call.node(input))


@converts("square")
def square(call: Call, input: Tensor) -> str:
    """Convert x²."""
    return call.add_result(Power(2.0), call.node(input))


@converts("addcmul")
def add_product(call: Call, input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> str:
    """Convert input + value·tensor1·tensor2."""
    return _add_scaled(call, Multiply(), input, tensor1, tensor2, value)


@converts("addcdiv")
def add_quotient(call: Call, input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> str:
    """Convert input + value·tensor1/tensor2."""
    return _add_scaled(call, Divide(), input, tensor1, tensor2, value)


def _add_scaled(call: Call, merge: Layer, first: Tensor, one: Tensor, two: Tensor, value: float) -> str:
    addend, *both = call.operands(first, one, two)
    merged = call.add(merge, *both)
    return call.add_result(Add(), addend, call.add(Affine(value), merged) if value != 1 else merged)


@converts("clamp", "clip")
def clamp(call: Call, input: Tensor, min: Any = None, max: Any = None) -> str:
    """Convert clamping; bounds that are arrays become a maximum and a minimum."""
    low, high = (None if one is None else call.number(one) for one in (min, max))
    if (low is None) == (min is None) and (high is None) == (max is None):
        return call.add_result(Clamp(low, high), call.node(input))
    output = call.node(input)
    if min is not None:
        output = call.add(Maximum(), output, call.operands(input, min)[1])
    if max is not None:
        output = call.add(Minimum(), output, call.operands(input, max)[1])
    return output


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
    """Convert the elementwise maximum."""
    return call.add_result(Maximum(), *call.operands(input, other))


@converts("minimum", "fmin")
def minimum(call: Call, input: Tensor, other: Tensor) -> str:
    """Convert the elementwise minimum."""
    return call.add_result(Minimum(), *call.operands(input, other))


@converts("masked_fill")
def masked_fill(call: Call, input: Tensor, mask: Tensor, value: Any) -> str:
    """Convert filling by a constant mask: ±∞ is added, other values replace a product with 0."""
    number = call.number(value)
    if number is None or call.recorder.depends_on_input(mask) or mask.is_meta:
        raise UnsupportedOperator("a mask that depends on the input")
    zeros = mask.new_zeros(mask.shape, dtype=input.dtype)
    if number in (float("inf"), float("-inf")):
        return call.add_result(Add(), *call.operands(input, zeros.masked_fill(mask, number)))
    gated = call.add(Multiply(), *call.operands(input, (~mask).to(input.dtype)))
    return call.add_result(Add(), gated, call.operands(input, zeros.masked_fill(mask, number))[1])


@converts("Tensor.where")
def keep_where(call: Call, input: Any, condition: Tensor, other: Any) -> str:
    """Convert `input.where(condition, other)`."""
    return where(call, condition, input, other)


@converts("torch.where")
def where(call: Call, condition: Tensor, input: Any, other: Any) -> str:
    """Convert selection by a constant mask."""
    if not hasattr(condition, "dtype") or call.recorder.depends_on_input(condition):
        raise UnsupportedOperator("a mask that depends on the input")
    picked = []
    for mask, value in ((condition, input), (~condition, other)):
        number = call.number(value)
        ones = mask.new_ones(mask.shape, dtype=call.result.dtype)
        if number is not None:
            picked.append(call.operands((ones * number).where(mask, 0 * ones))[0])
        else:
            picked.append(call.add(Multiply(), *call.operands(value, ones * mask)))
    return call.add_result(Add(), *picked)


def _identity(*names: str) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor, *_how: Any, **_more: Any) -> str:
        return call.node(input)


_identity("clone", "Tensor.contiguous", "detach", "Tensor.cpu", "Tensor.cuda")
_identity("Tensor.requires_grad_", "positive", "resolve_conj", "resolve_neg", "alias_copy")


@converts(
    *("Tensor.float", "Tensor.half", "Tensor.double", "Tensor.bfloat16", "Tensor.to", "Tensor.type"),
    *("Tensor.type_as", "Tensor.long", "Tensor.int", "Tensor.short", "Tensor.char", "Tensor.byte"),
    *("torch.tensor", "torch.as_tensor", "torch.asarray"),
)
def cast(call: Call, input: Tensor, *_how: Any, **_more: Any) -> str:
    """Convert a change of type. Floating-point values are truncated to integers.

    Engines compute in one floating-point type, so that casts between floating-point types are the identity.
    """
    node = call.node(input)
    output = as_type(call, node, input)
    if output != node:
        call.recorder.record_cast(call.result, node)
    return output


def as_type(call: Call, node: str, input: Tensor) -> str:
    """Cast a layer's output from the type of `input` to that of the call's result.

    Raises:
        UnsupportedOperator: For booleans and complex numbers, and for integers that may overflow.
    """
    import torch

    old, new = input.dtype, call.result.dtype
    if old == new or (old.is_floating_point and new.is_floating_point):
        return node
    if torch.bool in (old, new) or old.is_complex or new.is_complex:
        raise UnsupportedOperator("boolean or complex values")
    if old.is_floating_point:
        return add_truncation(call, node)
    if not new.is_floating_point:
        one, two = torch.iinfo(old), torch.iinfo(new)
        if one.min < two.min or one.max > two.max:
            raise UnsupportedOperator("integers that may overflow")
    return node


@converts("Tensor.copy_")
def copy(call: Call, input: Tensor, src: Tensor, non_blocking: bool = False) -> str:
    """Convert `copy_`."""
    from .indexing import expand

    return as_type(call, expand(call, src), src)


@converts("Tensor.fill_")
def fill(call: Call, input: Tensor, value: Any) -> str:
    """Convert `fill_` with a constant."""
    import torch

    number = call.number(value)
    if number is not None:
        return call.recorder.array(torch.full(call.image_shape, number))
    if call.recorder.depends_on_input(value) or call.recorder.module_arrays.is_learned(value):
        raise UnsupportedOperator("a fill value that is not constant")
    return call.recorder.array(torch.empty(call.image_shape, device="meta"))


@converts("Tensor.zero_")
def zero(call: Call, input: Tensor) -> str:
    """Convert `zero_`."""
    return fill(call, input, 0.0)


@converts("cat", "concat", "concatenate")
def concatenate(call: Call, tensors: Sequence[Tensor], dim: int = 0) -> str:
    """Convert concatenation; empty tensors are left out."""
    image_axis = call.batch.image_axis(call.shape, dim)
    full = [one for one in tensors if one.numel()]
    nodes = [call.node(one) for one in full]
    return nodes[0] if len(nodes) == 1 else call.add_result(Concat(image_axis), *nodes)


@converts("stack")
def stack(call: Call, tensors: Sequence[Tensor], dim: int = 0) -> str:
    """Convert stacking along a new axis."""
    image_axis = call.batch.image_axis(call.shape, dim)
    lifted = []
    for one in tensors:
        image_shape = call.batch.image_shape(one.shape)
        lifted.append(call.add(Reshape((*image_shape[:image_axis], 1, *image_shape[image_axis:])), call.node(one)))
    return lifted[0] if len(lifted) == 1 else call.add_result(Concat(image_axis), *lifted)
