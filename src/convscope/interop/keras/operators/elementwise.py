"""Elementwise functions of one tensor and of several, and preprocessing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....layers.base import Layer
from ....layers.elementwise import Affine, Clamp, Function, Power
from ....layers.merge import Add, Concat, Divide, Maximum, Minimum, Multiply, Subtract
from ....layers.rearrange import Reshape
from ....layers.structural import Identity
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor, axis_first, keras_order, order_after_reshape, to_layer_order
from ..weights import Array

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
    batched = [
        tensor
        for tensor, value in zip(tensors, values, strict=True)
        if isinstance(value, SymbolicTensor) and value.batched
    ]
    like = batched[0] if batched else tensors[0]
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
            with_number = number(known, first) if known is not None and tensor is not None else None
            if with_number is not None and tensor is not None:
                return call.emit(with_number, tensor)
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


def align(call: Call, tensors: list[SymbolicTensor]) -> list[SymbolicTensor]:
    """Return tensors with their axes in the same order, and leading axes of size 1 where they have fewer."""
    most = max(tensors, key=lambda tensor: len(tensor.order))
    rank = len(most.order)
    ready = []
    for tensor in tensors:
        if len(tensor.order) < rank:
            shape = (1,) * (rank - len(tensor.order)) + tensor.shape
            order = order_after_reshape(shape, call.data_format)
            layer_shape = to_layer_order(shape, order)
            tensor = call.emit(Reshape(layer_shape), call.in_keras_order(tensor), part="reshape", order=order)
        ready.append(call.transpose(tensor, most.order))
    return ready


def _register_merge(name: str, layer: Callable[[], Layer]) -> None:
    @converts(name)
    def convert(call: Call) -> SymbolicTensor:
        return call.emit(layer(), *align(call, call.tensors()))


_register_merge("layers.Add", Add)
_register_merge("layers.Maximum", Maximum)
_register_merge("layers.Minimum", Minimum)
_register_merge("layers.Multiply", Multiply)
_register_merge("layers.Subtract", Subtract)


@converts("layers.Average")
def average(call: Call) -> SymbolicTensor:
    """Convert the mean of several tensors."""
    tensors = align(call, call.tensors())
    return call.emit(Affine(1 / len(tensors)), call.emit(Add(), *tensors, part="add"))


@converts("layers.Concatenate", "ops.numpy.Concatenate")
def concatenate(call: Call) -> SymbolicTensor:
    """Convert concatenation."""
    tensors = call.tensors()
    if any(len(tensor.order) != len(tensors[0].order) for tensor in tensors):
        raise UnsupportedOperator("operands of different rank")
    axis = tensors[0].normalize_axis(call.op.axis)
    ready = [call.transpose(tensor, tensors[0].order) for tensor in tensors]
    return call.emit(Concat(ready[0].layer_axis(axis)), *ready)


@converts("ops.numpy.Stack")
def stack(call: Call) -> SymbolicTensor:
    """Convert stacking along a new axis."""
    tensors = align(call, call.tensors())
    rank = len(tensors[0].order) + 1
    axis = tensors[0].normalize_axis(call.op.axis, 1)
    lifted = []
    for index, tensor in enumerate(call.in_keras_order(one) for one in tensors):
        row = call.emit(Reshape((1, *tensor.layer_shape)), tensor, part=str(index), order=keras_order(rank))
        lifted.append(replace(row, order=axis_first(axis, rank)))
    return call.emit(Concat(0), *lifted)


@converts("layers.Rescaling")
def rescaling(call: Call) -> SymbolicTensor:
    """Convert x·scale + offset, with scalars or one value per channel."""
    tensor = call.tensor()
    scale, offset = (np.asarray(one, np.float64) for one in (call.op.scale, call.op.offset))
    if scale.size == 1 and offset.size == 1:
        return call.emit(Affine(float(scale.reshape(-1)[0]), float(offset.reshape(-1)[0])), tensor)
    scaled = call.emit(Multiply(), tensor, call.add_array(scale, tensor, "scale"))
    if not offset.any():
        return scaled
    return call.emit(Add(), scaled, call.add_array(offset, tensor, "offset"), part="add")


@converts("layers.Normalization")
def normalization(call: Call) -> SymbolicTensor:
    """Convert (x − mean) / deviation, with given statistics or those from `adapt`."""
    op, tensor = call.op, call.tensor()
    if op.invert:
        raise UnsupportedOperator("inversion")
    mean, variance = _statistics(op)
    shape = tuple(op._broadcast_shape)[1:]
    if prod(shape) == 1 and op.input_mean is not None:
        deviation = max(float(np.sqrt(np.asarray(variance)).reshape(-1)[0]), _smallest())
        return call.emit(Affine(1 / deviation, -float(np.asarray(mean).reshape(-1)[0]) / deviation), tensor)
    moved = call.emit(Subtract(), tensor, call.add_array(mean, tensor, "mean", shape), part="sub")
    return call.emit(Divide(), moved, call.add_array(variance, tensor, "deviation", shape, _deviation))


def _statistics(op: Any) -> tuple[Any, Any]:
    """Return mean and variance: constants, or variables."""
    if op.input_mean is not None:
        return np.asarray(op.input_mean, np.float64), np.asarray(op.input_variance, np.float64)
    return op.adapt_mean, op.adapt_variance


def _smallest() -> float:
    import keras

    return float(keras.config.epsilon())


def _deviation(variance: Array) -> Array:
    return np.maximum(np.sqrt(variance), _smallest())


@converts(
    *("layers.Identity", "layers.ActivityRegularization", "layers.AlphaDropout"),
    *("layers.GaussianDropout", "layers.GaussianNoise"),
    *("layers.RandomBrightness", "layers.RandomColorDegeneration", "layers.RandomColorJitter"),
    *("layers.RandomContrast", "layers.RandomErasing", "layers.RandomFlip", "layers.RandomGaussianBlur"),
    *("layers.RandomGrayscale", "layers.RandomHue", "layers.RandomInvert", "layers.RandomPosterization"),
    *("layers.RandomPerspective", "layers.RandomRotation", "layers.RandomSaturation", "layers.RandomSharpness"),
    *("layers.RandomShear", "layers.RandomTranslation", "layers.RandomZoom"),
)
def identity(call: Call) -> SymbolicTensor:
    """Convert layers that are the identity at inference."""
    return call.emit(Identity(), call.tensor())
