"""Normalization layers, with or without scale and shift."""

from __future__ import annotations

from typing import Any

from ....layers.base import Layer
from ....layers.connection import Shape
from ....layers.elementwise import Affine, Function, Power
from ....layers.merge import Add, Multiply
from ....layers.normalization import BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, LayerNorm
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor, axis_first
from ..weights import WeightSource, unchanged_source
from .reduction import add_reduction

_BATCH = {1: BatchNorm1d, 2: BatchNorm1d, 3: BatchNorm2d, 4: BatchNorm3d}
_JOINS: dict[str, tuple[type[Layer], str]] = {"weight": (Multiply, "gamma"), "bias": (Add, "beta")}


def _add_normalization(
    call: Call,
    tensor: SymbolicTensor,
    layer: Layer,
    learned: dict[str, WeightSource],
    shape: Shape,
    buffers: dict[str, WeightSource] | None = None,
) -> SymbolicTensor:
    """Add a layer with both scale and shift or neither, or with a separate layer for one of them.

    `shape` is that of scale and shift, broadcast against the image, in Keras' order.
    """
    both = len(learned) == 2
    fixed = () if both or call.op.trainable else tuple(buffers or ())
    tensor = call.emit(layer, tensor, parameters=learned if both else None, buffers=buffers, frozen=fixed)
    for kind, weights in {} if both else learned.items():
        join, word = _JOINS[kind]
        array = call.add_array(weights.sources[0], tensor, word, shape)
        tensor = call.emit(join(), tensor, array, part=join.keyword)
    return tensor


def _broadcast_shape(shape: Shape, axes: list[int]) -> Shape:
    """Return a shape with size 1 in all other axes."""
    return tuple(size if axis in axes else 1 for axis, size in enumerate(shape))


def _scale_and_shift(op: Any) -> dict[str, WeightSource]:
    learned = {}
    if op.scale:
        learned["weight"] = unchanged_source(op.gamma)
    if op.center:
        learned["bias"] = unchanged_source(op.beta)
    return learned


def _channels_first(call: Call, axis: int) -> tuple[SymbolicTensor, int]:
    """Return the input with its channel axis first, and that axis."""
    tensor = call.tensor()
    if not isinstance(axis, int):
        raise UnsupportedOperator("several axes")
    position = tensor.normalize_axis(axis)
    return call.transpose(tensor, axis_first(position, len(tensor.order))), position


@converts("layers.BatchNormalization")
def batch_norm(call: Call) -> SymbolicTensor:
    """Convert batch normalization, which uses running statistics."""
    op = call.op
    tensor, position = _channels_first(call, op.axis)
    learned = _scale_and_shift(op)
    kind = _BATCH.get(len(tensor.order), BatchNorm)
    layer = kind(op.epsilon, 1 - op.momentum, len(learned) == 2)
    buffers = {
        "running_mean": unchanged_source(op.moving_mean),
        "running_var": unchanged_source(op.moving_variance),
    }
    return _add_normalization(call, tensor, layer, learned, _broadcast_shape(tensor.shape, [position]), buffers)


@converts("layers.GroupNormalization")
def group_norm(call: Call) -> SymbolicTensor:
    """Convert group normalization."""
    op = call.op
    tensor, position = _channels_first(call, op.axis)
    groups = tensor.layer_shape[0] if op.groups == -1 else op.groups
    learned = _scale_and_shift(op)
    layer = GroupNorm(groups, op.epsilon, len(learned) == 2)
    return _add_normalization(call, tensor, layer, learned, _broadcast_shape(tensor.shape, [position]))


@converts("layers.LayerNormalization")
def layer_norm(call: Call) -> SymbolicTensor:
    """Convert layer normalization."""
    op, tensor = call.op, call.tensor()
    if op.rms_scaling:
        raise UnsupportedOperator("RMS scaling")
    listed = op.axis if isinstance(op.axis, list | tuple) else [op.axis]
    axes = sorted(tensor.normalize_axis(axis) for axis in listed)
    layer_axes = tuple(sorted(tensor.layer_axis(axis) for axis in axes))
    order = tuple(axes.index(tensor.order[axis]) for axis in layer_axes)
    learned = {
        kind: WeightSource(weights.sources, lambda array: array.transpose(order))
        for kind, weights in _scale_and_shift(op).items()
    }
    layer = LayerNorm(layer_axes, op.epsilon, len(learned) == 2)
    return _add_normalization(call, tensor, layer, learned, _broadcast_shape(tensor.shape, axes))


@converts("layers.RMSNormalization")
def rms_norm(call: Call) -> SymbolicTensor:
    """Convert RMS normalization into its parts."""
    op, tensor = call.op, call.tensor()
    axes = op.axis if isinstance(op.axis, list | tuple) else [op.axis]
    positions = sorted(tensor.normalize_axis(axis) for axis in axes)
    squares = call.emit(Power(2.0), tensor, part="square")
    mean = add_reduction(call, squares, "mean", axes, True, "mean")
    inverse = call.emit(Function("rsqrt"), call.emit(Affine(1.0, op.epsilon), mean, part="epsilon"), part="rsqrt")
    scaled = call.emit(Multiply(), tensor, inverse, part="normalized")
    return call.emit(
        Multiply(), scaled, call.add_array(op.scale, tensor, "scale", _broadcast_shape(tensor.shape, positions))
    )
