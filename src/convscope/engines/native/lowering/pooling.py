"""Pooling."""

from __future__ import annotations

from math import prod
from typing import Any

from ....layers import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool, MinPool
from ....layers.pooling import Pool
from ....network import Node
from ....text.language import Message
from ..codegen.kernel import Kernel
from ..kernels.common.shapes import PoolingShape
from ..kernels.pooling.adaptive import (
    AdaptiveAveragePool,
    AdaptiveAveragePoolGradient,
    AdaptiveMaxPoolGradient,
    AdaptiveMaxPoolKernel,
)
from ..kernels.pooling.average import (
    AveragePool,
    AveragePoolGradient,
    GlobalAveragePool,
    GlobalAveragePoolGradient,
)
from ..kernels.pooling.maximum import MaxPoolGradient, MaxPoolKernel
from ..layout import Blocked, blocks_of
from ..plan import Operand, Value
from .gradients import SLICES
from .lowering import Gradient, Lowering, lower
from .shape import pair, plane, window_sizes


def pooling_shape(layer: Pool, node: Node, lanes: int) -> PoolingShape:
    """Return the sizes of a pooling over one or two axes.

    Errors:   NotLowered for three axes
    """
    shape = node.input_shapes[0]
    height, width = plane(shape, Message("pooling"))
    sizes = window_sizes(layer.windows(shape))._asdict()
    return PoolingShape(
        shape[0], height, width, output=plane(node.output_shape, Message("pooling")), lanes=lanes, **sizes
    )


@lower.register
def _(layer: MaxPool, node: Node, lowering: Lowering) -> None:
    _max_pool(node, lowering, pooling_shape(layer, node, lowering.lanes))


@lower.register
def _(layer: MinPool, node: Node, lowering: Lowering) -> None:
    _max_pool(node, lowering, pooling_shape(layer, node, lowering.lanes), smallest=True)


@lower.register
def _(layer: GlobalMaxPool, node: Node, lowering: Lowering) -> None:
    layout = lowering.layouts.canonical(node.input_shapes[0])
    whole = (layout.height, layout.width)
    sizes = (layout.channels, *whole, whole, whole, (0, 0), (1, 1), (1, 1), lowering.lanes)
    _max_pool(node, lowering, PoolingShape(*sizes))


def _max_pool(node: Node, lowering: Lowering, shape: PoolingShape, smallest: bool = False) -> None:
    x = lowering.layouts.blocked(lowering.input_of(node))
    y = lowering.new(node, Blocked(shape.channels, *shape.output, shape.lanes), (x,))
    lowering.builder.call(MaxPoolKernel(shape, smallest=smallest), node.name, "forward", x=x.buffer, y=y.buffer)

    images = {"x": x.buffer, "y": y.buffer}
    if not x.rectified:
        lowering.tape.backward_by(MaxPoolGradient(shape, masked=False), node.name, x, y, **images)
        return

    @lowering.tape.backward(y)
    def write(gradient: Gradient) -> None:
        if not x.differentiable:
            return
        dx = lowering.tape.gradient_buffer(x)
        operands: dict[str, Operand] = {**images, "dy": gradient.buffer, "dx": dx}
        floats = SLICES * blocks_of(shape.channels, shape.lanes) * shape.lanes
        parts = lowering.builder.buffer(f"parts of {node.name}'s sums", fixed=floats)
        kernel = MaxPoolGradient(shape, masked=True, bias_slices=SLICES)
        reason = Message("fused with the preceding ReLU and channel sums")
        lowering.builder.call(kernel, node.name, "input gradient", reason, parts=parts, **operands)
        lowering.tape.contribute(x, Gradient(dx, masked=True, sums=parts, parts=SLICES))


@lower.register
def _(layer: AvgPool, node: Node, lowering: Lowering) -> None:
    shape = pooling_shape(layer, node, lowering.lanes)
    settings: tuple[Any, ...] = (shape, layer.count_include_pad)
    ends = [window.after for window in layer.windows(node.input_shapes[0])]
    after = pair(ends, 0)
    settings = (*settings, after)
    layout = Blocked(shape.channels, *shape.output, shape.lanes)
    _linear(node, lowering, layout, AveragePool(*settings), AveragePoolGradient(*settings))


@lower.register
def _(layer: GlobalAvgPool, node: Node, lowering: Lowering) -> None:
    whole = lowering.layouts.canonical(node.input_shapes[0])
    sizes = (whole.channels, whole.height, whole.width, whole.lanes)
    layout = Blocked(whole.channels, 1, 1, whole.lanes)
    _linear(node, lowering, layout, GlobalAveragePool(*sizes), GlobalAveragePoolGradient(*sizes))


@lower.register
def _(layer: AdaptiveAvgPool, node: Node, lowering: Lowering) -> None:
    before, after = lowering.layouts.canonical(node.input_shapes[0]), lowering.layouts.canonical(node.output_shape)
    if len(node.output_shape) == 1 + len(layer.output_size) and prod(node.output_shape[1:]) == 1:
        sizes = (before.channels, before.height, before.width, before.lanes)
        _linear(node, lowering, after, GlobalAveragePool(*sizes), GlobalAveragePoolGradient(*sizes))
        return
    settings = (before.channels, before.height, before.width, (after.height, after.width), before.lanes)
    forward, backward = AdaptiveAveragePool(*settings), AdaptiveAveragePoolGradient(*settings)
    _linear(node, lowering, after, forward, backward)


@lower.register
def _(layer: AdaptiveMaxPool, node: Node, lowering: Lowering) -> None:
    before, after = lowering.layouts.canonical(node.input_shapes[0]), lowering.layouts.canonical(node.output_shape)
    x = lowering.layouts.blocked(lowering.input_of(node))
    y = lowering.new(node, after, (x,))
    settings = (before.channels, before.height, before.width, (after.height, after.width), before.lanes)
    lowering.builder.call(AdaptiveMaxPoolKernel(*settings), node.name, "forward", x=x.buffer, y=y.buffer)

    images = {"x": x.buffer, "y": y.buffer}
    lowering.tape.backward_by(AdaptiveMaxPoolGradient(*settings), node.name, x, y, **images)


def _linear(node: Node, lowering: Lowering, layout: Blocked, forward: Kernel, backward: Kernel) -> None:
    """Lower a linear pooling, whose backward pass needs only the gradient of the output."""
    x: Value = lowering.layouts.blocked(lowering.input_of(node))
    y = lowering.new(node, layout, (x,))
    lowering.builder.call(forward, node.name, "forward", x=x.buffer, y=y.buffer)
    lowering.tape.backward_by(backward, node.name, x, y)
