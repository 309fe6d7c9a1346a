"""Layers that move elements or only change the shape, and the shapes of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ....axis import TransposedWindow, Window
from ....layers import ChannelShuffle, Crop, Dropout, Flatten, Identity, Pad, Slice, Upsample
from ....layers.connection import Shape
from ....network import Node
from ....text.language import Message
from ..codegen.kernel import Kernel
from ..kernels.common.shapes import Pair
from ..kernels.merge.concatenation import ChannelShuffleKernel, ChannelSlice
from ..kernels.merge.resampling import Frame, UpsampleNearest, UpsampleNearestGradient
from ..kernels.update.dropout import DropoutGradient, DropoutKernel
from ..layout import Blocked, Plain
from ..plan import RuntimeArg
from .lowering import Lowering, NotLowered, lower


class WindowSizes(NamedTuple):
    """A window's sizes over rows and columns."""

    kernel: Pair
    stride: Pair
    before: Pair
    dilation: Pair


def plane(shape: Shape, what: str) -> Pair:
    """Return the height and width of a row or an image; `what` names the layer for the error.

    Errors:   NotLowered for other ranks
    """
    if len(shape) not in (2, 3):
        raise NotLowered(Message("{layer} over {axes} axes", layer=what, axes=len(shape) - 1))
    return (1, shape[1]) if len(shape) == 2 else (shape[1], shape[2])


def window_sizes(windows: Sequence[Window | TransposedWindow]) -> WindowSizes:
    """Return the sizes of windows over one or two axes. The missing axis has size 1 and no padding."""
    return WindowSizes(
        kernel=pair([window.size for window in windows], 1),
        stride=pair([window.stride for window in windows], 1),
        before=pair([window.before for window in windows], 0),
        dilation=pair([window.dilation for window in windows], 1),
    )


def pair(values: Sequence[int], missing: int) -> Pair:
    """Return values for rows and columns; those of rows default to `missing`."""
    return (missing, values[0]) if len(values) == 1 else (values[0], values[1])


@lower.register
def _(layer: Identity, node: Node, lowering: Lowering) -> None:
    lowering.view(node, lowering.input_of(node))


@lower.register
def _(layer: Flatten, node: Node, lowering: Lowering) -> None:
    """Flattening moves nothing: the weights of dense layers follow the order of the image in memory."""
    source = lowering.input_of(node)
    if len(node.output_shape) != 1:
        raise NotLowered(Message("only some axes are flattened"))
    if isinstance(source.layout, Plain):
        lowering.view(node, source, Plain(node.output_shape))
    else:
        lowering.view(node, source)


@lower.register
def _(layer: Dropout, node: Node, lowering: Lowering) -> None:
    source = lowering.input_of(node)
    if not lowering.mode.training or layer.p == 0:
        lowering.view(node, source)
        return
    if not isinstance(source.layout, Blocked):
        raise NotLowered(Message("dropout of a plain input"))
    result = lowering.new(node, source.layout, (source,))
    lowering.builder.random.append(node.name)
    keys = {name: RuntimeArg(name, node.name) for name in ("key_low", "key_high")}
    lowering.builder.call(
        DropoutKernel(layer.p),
        node.name,
        "forward",
        x=source.buffer,
        y=result.buffer,
        floats=source.floats,
        **keys,
    )
    kernel, reason = DropoutGradient(layer.p), Message("the same mask, recomputed")
    lowering.tape.backward_by(
        kernel, node.name, source, result, ("dy", "dx"), "backward", reason, floats=source.floats, **keys
    )


@lower.register
def _(layer: ChannelShuffle, node: Node, lowering: Lowering) -> None:
    layout = lowering.layouts.canonical(node.output_shape)
    sizes = (layout.height, layout.width, layout.lanes)
    forward = ChannelShuffleKernel(layout.channels, layer.groups, *sizes)
    backward = ChannelShuffleKernel(layout.channels, layout.channels // layer.groups, *sizes)
    _lower_move(node, lowering, forward, backward, ("x", "y"))


@lower.register
def _(layer: Slice, node: Node, lowering: Lowering) -> None:
    shape = node.input_shapes[0]
    if layer.axis != 0:
        raise NotLowered(Message("a slice of rows or columns"))
    layout = lowering.layouts.canonical(shape)
    start, stop, step = slice(layer.start, layer.stop, layer.step).indices(shape[0])
    if step < 1:
        raise NotLowered(Message("a negative step"))
    settings = (layout.channels, start, stop, step, layout.height, layout.width, layout.lanes)
    _lower_move(node, lowering, ChannelSlice(*settings), ChannelSlice(*settings, backward=True), ("dy", "dx"))


@lower.register
def _(layer: Pad, node: Node, lowering: Lowering) -> None:
    if layer.mode != "zeros":
        raise NotLowered(Message("padding in mode {mode}", mode=layer.mode))
    if layer.value != 0:
        raise NotLowered(Message("padding with {value}", value=layer.value))
    windows = layer.windows(node.input_shapes[0])
    _lower_frame(node, lowering, [(window.before, window.after) for window in windows])


@lower.register
def _(layer: Crop, node: Node, lowering: Lowering) -> None:
    lower(layer.as_pad(node.input_shapes[0]), node, lowering)


def _lower_frame(node: Node, lowering: Lowering, margins: list[tuple[int, int]]) -> None:
    before, after = (lowering.layouts.canonical(shape) for shape in (node.input_shapes[0], node.output_shape))
    rows, columns = [(0, 0), *margins] if len(margins) == 1 else margins
    forward = Frame(before.channels, before.height, before.width, before.lanes, rows, columns)
    undone = [(-first, -last) for first, last in (rows, columns)]
    backward = Frame(after.channels, after.height, after.width, after.lanes, *undone)
    _lower_move(node, lowering, forward, backward, ("x", "y"))


@lower.register
def _(layer: Upsample, node: Node, lowering: Lowering) -> None:
    if layer.mode != "nearest":
        raise NotLowered(Message("no kernel for {mode} interpolation", mode=layer.mode))
    layout = lowering.layouts.canonical(node.input_shapes[0])
    scale = _whole_scale(node.input_shapes[0], node.output_shape)
    sizes = (layout.channels, layout.height, layout.width, layout.lanes, scale)
    _lower_move(node, lowering, UpsampleNearest(*sizes), UpsampleNearestGradient(*sizes), ("dy", "dx"))


def _whole_scale(before: Shape, after: Shape) -> tuple[int, int]:
    if any(large % small for small, large in zip(before[1:], after[1:], strict=True)):
        raise NotLowered(Message("a scale factor that is not an integer"))
    factors = [large // small for small, large in zip(before[1:], after[1:], strict=True)]
    return (1, factors[0]) if len(factors) == 1 else (factors[0], factors[1])


def _lower_move(node: Node, lowering: Lowering, forward: Kernel, backward: Kernel, names: tuple[str, str]) -> None:
    """Lower a layer that moves elements; `names` are the backward kernel's arguments for the two gradients."""
    x = lowering.layouts.blocked(lowering.input_of(node))
    layout = lowering.layouts.canonical(node.output_shape)
    assert isinstance(layout, Blocked)
    y = lowering.new(node, layout, (x,))
    lowering.builder.call(forward, node.name, "forward", x=x.buffer, y=y.buffer)
    lowering.tape.backward_by(backward, node.name, x, y, names)
