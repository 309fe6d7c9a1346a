"""Layers and functions that merge several tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ....layers.base import Layer
from ....layers.elementwise import Affine
from ....layers.merge import Add, Concat, Maximum, Minimum, Multiply, Subtract
from ....layers.rearrange import Reshape
from ...errors import UnsupportedOperator
from ..call import Call
from ..registry import converts
from ..symbolic import SymbolicTensor, axis_first, keras_order, order_after_reshape, to_layer_order


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


def _register(name: str, layer: Callable[[], Layer]) -> None:
    @converts(name)
    def convert(call: Call) -> SymbolicTensor:
        return call.emit(layer(), *align(call, call.tensors()))


_register("layers.Add", Add)
_register("layers.Maximum", Maximum)
_register("layers.Minimum", Minimum)
_register("layers.Multiply", Multiply)
_register("layers.Subtract", Subtract)


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
