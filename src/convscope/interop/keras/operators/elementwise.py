"""Functions of `keras.ops` that compute element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....layers.base import Layer
from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.merge import Add, Divide, Maximum, Minimum, Multiply, Subtract
from ....layers.structural import Identity
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


def _merged(call: Call, layer: Layer, *values: Any) -> Flow:
    """Add a layer for two tensors, or a tensor and an array, in the tensor's order.

    Errors:   Unmapped where the axes of one would meet the images of the other
    """
    flows = call.together(values)
    if len(flows[0].order) != len(flows[1].order):
        raise Unmapped("images are mixed")
    made = [flow for flow, value in zip(flows, values, strict=True) if isinstance(value, Flow) and value.batched]
    like = made[0] if made else flows[0]
    return call.emit(layer, *(call.arranged(flow, like.order) for flow in flows), order=like.order)


def _binary(layer: Callable[[], Layer], number: Callable[[float, bool], Layer | None]) -> Callable[[Call], Flow]:
    """Return a converter for two operands, one of which may be a number."""

    def convert(call: Call) -> Flow:
        one, two = call.argument(0, "x1"), call.argument(1, "x2")
        for value, flow, first in ((two, one, True), (one, two, False)):
            known = call.number(value)
            tensor = call.tensor(flow) if known is not None else None
            made = number(known, first) if known is not None and tensor is not None else None
            if made is not None and tensor is not None:
                return call.emit(made, tensor)
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
    tensor = call.tensor(two) if known is not None else None
    if known is not None and tensor is not None:
        turned = call.emit(Function("reciprocal"), tensor, part="" if known == 1 else "reciprocal")
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
