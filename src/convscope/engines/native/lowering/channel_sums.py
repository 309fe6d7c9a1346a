"""What many backward passes begin with: back through a ReLU, and sums over a channel for the bias."""

from __future__ import annotations

from ..kernels.merge.merges import ReluGradient
from ..kernels.update.reductions import ChannelSums
from ..layout import Blocked
from ..plan import Buffer, Value
from .lowering import Gradient, Lowering

SLICES = 16
"""Parts of a sum over the batch: as many threads can share it."""


def through_relu(value: Value, lowering: Lowering, layer: str) -> Gradient | None:
    """Return the gradient of what stood before the ReLU that a value came out of, if it came out of one."""
    gradient = lowering.gradient(value)
    if gradient is None or not value.rectified or gradient.masked:
        return gradient
    into = lowering.buffer(f"gradient before {value.key}'s ReLU", per_image=value.layout.floats)
    operands = {"y": value.buffer, "dy": gradient.buffer, "dx": into}
    lowering.call(ReluGradient(), layer, "ReLU backward", floats=value.floats, **operands)
    return Gradient(into, masked=True)


def channel_sums(gradient: Gradient, value: Value, out: Buffer, lowering: Lowering, layer: str) -> None:
    """Sum a gradient over images and positions, channel by channel."""
    if gradient.sums is not None:
        lowering.sum_parts(gradient.sums, gradient.parts, out, layer, "bias gradient")
        return
    layout = value.layout
    assert isinstance(layout, Blocked)
    parts = lowering.buffer(f"parts of {layer}.bias's gradient", fixed=SLICES * out.fixed)
    kernel = ChannelSums(layout.channels, layout.height, layout.width, layout.lanes, SLICES)
    lowering.call(kernel, layer, "bias gradient", dy=gradient.buffer, parts=parts)
    lowering.sum_parts(parts, SLICES, out, layer, "bias gradient")
