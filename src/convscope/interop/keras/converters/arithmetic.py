"""Functions of `keras.ops` that compute element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....layers.base import Layer
from ....layers.function import Affine, Clamp, Function, Power
from ....layers.merge import Add, Divide, Maximum, Minimum, Multiply, Subtract
from ....layers.special import Identity
from ..call import Call
from ..flow import Flow, Unmapped
from ..registry import converts

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
    def convert(call: Call) -> Flow:
        if getattr(call.op, "decimals", 0):
            raise Unmapped("rounding to decimals")
        return call.emit(layer, call.flow())


for _name, _function in _FUNCTIONS.items():
    _register(f"ops.numpy.{_name}", Function(_function))
_register("ops.math.Rsqrt", Function("rsqrt"))
_register("ops.math.Erf", Function("erf"))
_register("ops.numpy.Square", Power(2.0))
_register("ops.core.StopGradient", Identity())


def _merged(call: Call, layer: Layer, one: Any, two: Any) -> Flow:
    """Add a layer for two tensors, or a tensor and an array, in the tensor's order.

    Errors:   Unmapped where the axes of one would meet the pictures of the other
    """
    like = one if isinstance(one, Flow) else two
    if isinstance(one, Flow) and isinstance(two, Flow):
        if len(one.order) != len(two.order):
            raise Unmapped("pictures are mixed")
        return call.emit(layer, one, call.arranged(two, one.order))
    value = two if like is one else one
    if not hasattr(value, "shape"):
        raise Unmapped("something else than an array")
    array = call.array(value, like, "value")
    return call.emit(layer, *((one, array) if like is one else (array, two)), order=like.order)


def _binary(layer: Callable[[], Layer], number: Callable[[float, bool], Layer | None]) -> Callable[[Call], Flow]:
    """Return a converter for two operands, one of which may be a number."""

    def convert(call: Call) -> Flow:
        one, two = call.argument(0, "x1"), call.argument(1, "x2")
        for value, flow, first in ((two, one, True), (one, two, False)):
            known = call.number(value)
            if known is not None and isinstance(flow, Flow):
                made = number(known, first)
                if made is not None:
                    return call.emit(made, flow)
        return _merged(call, layer(), one, two)

    return convert


converts("ops.numpy.Add")(_binary(Add, lambda number, _: Affine(1.0, number)))
converts("ops.numpy.Multiply")(_binary(Multiply, lambda number, _: Affine(number)))
converts("ops.numpy.Maximum")(_binary(Maximum, lambda number, _: Clamp(number, None)))
converts("ops.numpy.Minimum")(_binary(Minimum, lambda number, _: Clamp(None, number)))
converts("ops.numpy.Subtract")(
    _binary(Subtract, lambda number, first: Affine(1.0, -number) if first else Affine(-1.0, number))
)


@converts("ops.numpy.Divide", "ops.numpy.TrueDivide")
def divide(call: Call) -> Flow:
    """Convert a quotient; a number over a tensor is its reciprocal times the number."""
    one, two = call.argument(0, "x1"), call.argument(1, "x2")
    known = call.number(two)
    if known:
        return call.emit(Affine(1 / known), call.flow())
    known = call.number(one)
    if known is not None and isinstance(two, Flow):
        turned = call.emit(Function("reciprocal"), two, part="" if known == 1 else "reciprocal")
        return turned if known == 1 else call.emit(Affine(known), turned)
    return _merged(call, Divide(), one, two)


@converts("ops.numpy.Power")
def power(call: Call) -> Flow:
    """Convert a constant exponent."""
    exponent = call.number(call.argument(1, "x2"))
    if exponent is None:
        raise Unmapped("an exponent that is no number")
    return call.emit(Power(exponent), call.flow())


@converts("ops.numpy.Clip")
def clip(call: Call) -> Flow:
    """Convert bounds."""
    return call.emit(Clamp(call.number(call.op.x_min), call.number(call.op.x_max)), call.flow())


@converts("ops.core.Cast")
def cast(call: Call) -> Flow:
    """Convert another precision, which changes nothing here; whole numbers would."""
    if not str(call.op.dtype).startswith(("float", "bfloat")):
        raise Unmapped("whole numbers")
    return call.emit(Identity(), call.flow())
