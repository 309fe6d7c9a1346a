"""Layers that only move numbers about."""

from __future__ import annotations

from ....layers import ChannelShuffle, Crop, Pad, Slice, Upsample
from ....layers.connection import Shape
from ....network import Node
from ..codegen.kernel import Kernel
from ..kernels.merge.concatenation import ChannelShuffle as ShuffleKernel
from ..kernels.merge.concatenation import ChannelSlice
from ..kernels.merge.resampling import Frame, UpsampleNearest, UpsampleNearestGradient
from ..layout import Blocked
from .lowering import Gradient, Lowering, NotLowered
from .rules import lower


@lower.register
def _(layer: ChannelShuffle, node: Node, lowering: Lowering) -> None:
    layout = lowering.canonical(node.output_shape)
    sizes = (layout.height, layout.width, layout.lanes)
    forward = ShuffleKernel(layout.channels, layer.groups, *sizes)
    backward = ShuffleKernel(layout.channels, layout.channels // layer.groups, *sizes)
    _moved(node, lowering, forward, backward, ("x", "y"))


@lower.register
def _(layer: Slice, node: Node, lowering: Lowering) -> None:
    shape = node.input_shapes[0]
    if layer.axis != 0:
        raise NotLowered("cut along rows or columns")
    layout = lowering.canonical(shape)
    start, stop, step = slice(layer.start, layer.stop, layer.step).indices(shape[0])
    if step < 1:
        raise NotLowered("a step backwards")
    settings = (layout.channels, start, stop, step, layout.height, layout.width, layout.lanes)
    _moved(node, lowering, ChannelSlice(*settings), ChannelSlice(*settings, backward=True), ("dy", "dx"))


@lower.register
def _(layer: Pad, node: Node, lowering: Lowering) -> None:
    if layer.mode != "zeros" or layer.value != 0:
        raise NotLowered(f"a frame of {layer.mode if layer.mode != 'zeros' else layer.value}")
    windows = layer.windows(node.input_shapes[0])
    _framed(node, lowering, [(window.before, window.after) for window in windows])


@lower.register
def _(layer: Crop, node: Node, lowering: Lowering) -> None:
    lower(layer.as_pad(node.input_shapes[0]), node, lowering)


def _framed(node: Node, lowering: Lowering, margins: list[tuple[int, int]]) -> None:
    before, after = (lowering.canonical(shape) for shape in (node.input_shapes[0], node.output_shape))
    rows, columns = [(0, 0), *margins] if len(margins) == 1 else margins
    forward = Frame(before.channels, before.height, before.width, before.lanes, rows, columns)
    undone = [(-first, -last) for first, last in (rows, columns)]
    backward = Frame(after.channels, after.height, after.width, after.lanes, *undone)
    _moved(node, lowering, forward, backward, ("x", "y"))


@lower.register
def _(layer: Upsample, node: Node, lowering: Lowering) -> None:
    if layer.mode != "nearest":
        raise NotLowered(f"no kernel for {layer.mode} interpolation")
    layout = lowering.canonical(node.input_shapes[0])
    scale = _whole_scale(node.input_shapes[0], node.output_shape)
    sizes = (layout.channels, layout.height, layout.width, layout.lanes, scale)
    _moved(node, lowering, UpsampleNearest(*sizes), UpsampleNearestGradient(*sizes), ("dy", "dx"))


def _whole_scale(before: Shape, after: Shape) -> tuple[int, int]:
    if any(large % small for small, large in zip(before[1:], after[1:], strict=True)):
        raise NotLowered("enlarged by a factor that is not whole")
    factors = [large // small for small, large in zip(before[1:], after[1:], strict=True)]
    return (1, factors[0]) if len(factors) == 1 else (factors[0], factors[1])


def _moved(node: Node, lowering: Lowering, forward: Kernel, backward: Kernel, names: tuple[str, str]) -> None:
    """Write a layer whose gradient is moved by a kernel with arguments of these names."""
    x = lowering.blocked(lowering.input_of(node))
    layout = lowering.canonical(node.output_shape)
    assert isinstance(layout, Blocked)
    y = lowering.new(node, layout, (x,))
    lowering.call(forward, node.name, "forward", x=x.buffer, y=y.buffer)

    def back() -> None:
        gradient = lowering.gradient(y)
        if gradient is None or not x.differentiable:
            return
        into = lowering.buffer(f"gradient of {x.key}", per_image=x.layout.floats)
        operands = dict(zip(names, (gradient.buffer, into), strict=True))
        lowering.call(backward, node.name, "input gradient", **operands)
        lowering.contribute(x, Gradient(into))

    lowering.on_backward(back)
