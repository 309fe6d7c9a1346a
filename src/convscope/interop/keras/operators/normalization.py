"""Normalization layers, with or without their learned scale and shift."""

from __future__ import annotations

from typing import Any

from ....layers.base import Layer
from ....layers.connection import Shape
from ....layers.elementwise import Affine, Function, Power
from ....layers.merge import Add, Multiply
from ....layers.normalization import BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, GroupNorm, LayerNorm
from ..call import Call
from ..registry import converts
from ..symbolic import Flow, Unmapped, leading
from ..weights import Weights, as_it_is
from .reduction import reduced

_BATCH = {1: BatchNorm1d, 2: BatchNorm1d, 3: BatchNorm2d, 4: BatchNorm3d}
_JOINS: dict[str, tuple[type[Layer], str]] = {"weight": (Multiply, "gamma"), "bias": (Add, "beta")}


def _scaled(
    call: Call,
    flow: Flow,
    layer: Layer,
    learned: dict[str, Weights],
    shape: Shape,
    buffers: dict[str, Weights] | None = None,
) -> Flow:
    """Add a layer made for both scale and shift, or for neither; one alone stands in layers of its own.

    `shape` is that of scale and shift against the image, in Keras' order.
    """
    both = len(learned) == 2
    fixed = () if both or call.op.trainable else tuple(buffers or ())
    flow = call.emit(layer, flow, parameters=learned if both else None, buffers=buffers, frozen=fixed)
    for kind, weights in {} if both else learned.items():
        join, word = _JOINS[kind]
        array = call.array(weights.sources[0], flow, word, shape)
        flow = call.emit(join(), flow, array, part=join.keyword)
    return flow


def _along(shape: Shape, axes: list[int]) -> Shape:
    """Return a shape with size 1 in all other axes."""
    return tuple(size if axis in axes else 1 for axis, size in enumerate(shape))


def _learned(op: Any) -> dict[str, Weights]:
    learned = {}
    if op.scale:
        learned["weight"] = as_it_is(op.gamma)
    if op.center:
        learned["bias"] = as_it_is(op.beta)
    return learned


def _front(call: Call, axis: int) -> tuple[Flow, int]:
    """Return the input with the axis that is normalized by itself in front, and that axis."""
    flow = call.flow()
    if not isinstance(axis, int):
        raise Unmapped("several axes")
    place = flow.place(axis)
    return call.arranged(flow, leading(place, len(flow.order))), place


@converts("layers.BatchNormalization")
def batch_norm(call: Call) -> Flow:
    """Convert normalization by running statistics."""
    op = call.op
    flow, place = _front(call, op.axis)
    learned = _learned(op)
    kind = _BATCH.get(len(flow.order), BatchNorm)
    layer = kind(op.epsilon, 1 - op.momentum, len(learned) == 2)
    buffers = {"running_mean": as_it_is(op.moving_mean), "running_var": as_it_is(op.moving_variance)}
    return _scaled(call, flow, layer, learned, _along(flow.shape, [place]), buffers)


@converts("layers.GroupNormalization")
def group_norm(call: Call) -> Flow:
    """Convert normalization over groups of channels."""
    op = call.op
    flow, place = _front(call, op.axis)
    groups = flow.held[0] if op.groups == -1 else op.groups
    learned = _learned(op)
    layer = GroupNorm(groups, op.epsilon, len(learned) == 2)
    return _scaled(call, flow, layer, learned, _along(flow.shape, [place]))


@converts("layers.LayerNormalization")
def layer_norm(call: Call) -> Flow:
    """Convert normalization over some axes of one image."""
    op, flow = call.op, call.flow()
    if op.rms_scaling:
        raise Unmapped("a scale by the deviation alone")
    given = op.axis if isinstance(op.axis, list | tuple) else [op.axis]
    axes = sorted(flow.place(axis) for axis in given)
    held = tuple(sorted(flow.axis(axis) for axis in axes))
    turn = tuple(axes.index(flow.order[place]) for place in held)
    learned = {
        kind: Weights(weights.sources, lambda array: array.transpose(turn))
        for kind, weights in _learned(op).items()
    }
    layer = LayerNorm(held, op.epsilon, len(learned) == 2)
    return _scaled(call, flow, layer, learned, _along(flow.shape, axes))


@converts("layers.RMSNormalization")
def rms_norm(call: Call) -> Flow:
    """Convert division by the root of the mean square, part by part."""
    op, flow = call.op, call.flow()
    axes = op.axis if isinstance(op.axis, list | tuple) else [op.axis]
    places = sorted(flow.place(axis) for axis in axes)
    squares = call.emit(Power(2.0), flow, part="square")
    mean = reduced(call, squares, "mean", axes, True, "mean")
    inverse = call.emit(Function("rsqrt"), call.emit(Affine(1.0, op.epsilon), mean, part="epsilon"), part="rsqrt")
    scaled = call.emit(Multiply(), flow, inverse, part="normalized")
    return call.emit(Multiply(), scaled, call.array(op.scale, flow, "scale", _along(flow.shape, places)))
