"""How a convolution's weights lie, and the kernels that turn them into other forms of themselves."""

from __future__ import annotations

from ..layout import Channels, FilterBlocks, GroupedFilterBlocks
from .shapes import ConvolutionShape


def weights_layout(shape: ConvolutionShape) -> FilterBlocks | GroupedFilterBlocks | Channels:
    """Return how the weights (filters, channels / groups, kh, kw) of a convolution lie."""
    if shape.depthwise:
        return Channels(shape.channels, shape.lanes, shape.kernel[0] * shape.kernel[1])
    return blocks_layout(shape.filters, shape.channels, shape)


def transposed_layout(shape: ConvolutionShape) -> FilterBlocks | GroupedFilterBlocks:
    """Return how the transposed weights lie: channels are the filters there, taps keep their order."""
    return blocks_layout(shape.channels, shape.filters, shape)


def blocks_layout(filters: int, channels: int, shape: ConvolutionShape) -> FilterBlocks | GroupedFilterBlocks:
    """Return the layout of weights from so many channels to so many filters."""
    if shape.groups == 1:
        return FilterBlocks(filters, channels, shape.kernel, shape.lanes)
    return GroupedFilterBlocks(filters, channels, shape.groups, shape.kernel, shape.lanes)
