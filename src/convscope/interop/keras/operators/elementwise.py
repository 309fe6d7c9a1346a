"""Elementwise functions of `keras.ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....layers.base import Layer
from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.merge import Add, Divide, Maximum, Minimum, Multiply, Subtract
from ....layers.structural import Identity
from ...errors import UnsupportedOperator
from ..call import Call
from ..registry import converts
from ..symbolic import SymbolicTensor

_FUNCTIONS = {
    "Abs": "abs",
    "Absolute": "abs",
    "Ceil": "ceil",
    "Cos": "cos",
    "Exp": "exp",
    "Floor": "floor",
    "Log": "log",
    "Negative": "neg",
    "Reciprocal": "reciprocal",
    "Round": "round",
    "Sign": "sign",
    "Sin": "sin",
    "Sqrt": "sqrt",
}


def _register(name: str, layer: Layer) -> None:
    @converts(name)
    def convert(call: Call) -> SymbolicTensor:
        if getattr(call.op, "decimals", 0):
            raise UnsupportedOperator("rounding to decimals")
        return call.emit(layer, call.tensor())


for _name, _function in _FUNCTIONS.items():
    _register(f"ops.numpy.{_name}", Function(_function))
_register("ops.math.Rsqrt", Function("rsqrt"))
_register("ops.math.Erf", Function("erf"))
_register("ops.numpy.Square", Power(2.0))
_register("ops.core.StopGradient", Identity())


def _merge(call: Call, layer: Layer, *values: Any) -> SymbolicTensor:
    """Add a layer for two tensors, or a tensor and an array, in the tensor's order.

    Raises:
        UnsupportedOperator: Where the batch of one meets another axis of the other.
    """
    tensors = call.as_tensors(values)
    if len(tensors[0].order) != len(tensors[1].order):
        raise UnsupportedOperator("the batch axis is combined with another axis")
    made = [
        tensor
        for tensor, value in zip(tensors, values, strict=True)
        if isinstance(value, SymbolicTensor) and value.batched
    ]
    like = made[0] if made else tensors[0]
    return call.emit(layer, *(call.transpose(tensor, like.order) for tensor in tensors), order=like.order)


def _binary(
    layer: Callable[[], Layer], number: Callable[[float, bool], Layer | None]
) -> Callable[[Call], SymbolicTensor]:
    """Return a converter for two operands, one of which may be a number."""

    def convert(call: Call) -> SymbolicTensor:
        one, two = call.argument(0, "x1"), call.argument(1, "x2")
        for value, tensor, first in ((two, one, True), (one, two, False)):
            known = call.number(value)
            tensor = call.as_tensor(tensor) if known is not None else None
            made = number(known, first) if known is not None and tensor is not None else None
            if made is not None and tensor is not None:
                return call.emit(made, tensor)
        return _merge(call, layer(), one, two)

    return convert


converts("ops.numpy.Add")(_binary(Add, lambda number, _: Affine(1.0, number)))

converts("ops.numpy.Multiply")(_binary(Multiply, lambda number, _: Affine(number)))

converts("ops.numpy.Maximum")(_binary(Maximum, lambda number, _: Clamp(number, None)))

converts("ops.numpy.Minimum")(_binary(Minimum, lambda number, _: Clamp(None, number)))

converts("ops.numpy.Subtract")(
    _binary(Subtract, lambda number, first: Affine(1.0, -number) if first else Affine(-1.0, number))
)


@converts("ops.numpy.Divide", "ops.numpy.TrueDivide")
def divide(call: Call) -> SymbolicTensor:
    """Convert division. A number divided by a tensor is the number times the reciprocal."""
    one, two = call.argument(0, "x1"), call.argument(1, "x2")
    known = call.number(two)
    if known:
        return call.emit(Affine(1 / known), call.tensor())
    known = call.number(one)
    tensor = call.as_tensor(two) if known is not None else None
    if known is not None and tensor is not None:
        reciprocal = call.emit(Function("reciprocal"), tensor, part="" if known == 1 else "reciprocal")
        return reciprocal if known == 1 else call.emit(Affine(known), reciprocal)
    return _merge(call, Divide(), one, two)


@converts("ops.numpy.Power")
def power(call: Call) -> SymbolicTensor:
    """Convert a power with a constant exponent."""
    exponent = call.number(call.argument(1, "x2"))
    if exponent is None:
        raise UnsupportedOperator("an exponent that is not constant")
    return call.emit(Power(exponent), call.tensor())


@converts("ops.numpy.Clip")
def clip(call: Call) -> SymbolicTensor:
    """Convert clipping."""
    return call.emit(Clamp(call.number(call.op.x_min), call.number(call.op.x_max)), call.tensor())


@converts("ops.core.Cast")
def cast(call: Call) -> SymbolicTensor:
    """Convert casts between floating-point types, which are the identity here."""
    if not str(call.op.dtype).startswith(("float", "bfloat")):
        raise UnsupportedOperator("integers")
    return call.emit(Identity(), call.tensor())
