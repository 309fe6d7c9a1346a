"""The sizes of a convolution or of a pooling, as its kernels take them."""

from __future__ import annotations

from dataclasses import dataclass

from ...layout import blocks_of

Pair = tuple[int, int]


@dataclass(frozen=True)
class ConvolutionShape:
    """All sizes of a two-dimensional convolution: y[o] = Σ over taps of x[o·stride + tap·dilation − before].

    Units:    pairs are (rows, columns); padding after the image follows from `output`
    """

    channels: int
    height: int
    width: int
    filters: int
    kernel: Pair
    stride: Pair
    before: Pair
    dilation: Pair
    output: Pair
    groups: int
    lanes: int

    @property
    def channel_blocks(self) -> int:
        """Return the blocks of the input."""
        return blocks_of(self.channels, self.lanes)

    @property
    def filter_blocks(self) -> int:
        """Return the blocks of the output."""
        return blocks_of(self.filters, self.lanes)

    @property
    def depthwise(self) -> bool:
        """Say whether every filter reads one channel."""
        return self.groups == self.channels == self.filters and self.groups > 1

    def macs(self, batch: int) -> int:
        taps = self.kernel[0] * self.kernel[1] * (self.channels // self.groups)
        return batch * self.filters * self.output[0] * self.output[1] * taps


@dataclass(frozen=True)
class PoolingShape:
    """All sizes of a two-dimensional pooling over blocked images."""

    channels: int
    height: int
    width: int
    kernel: Pair
    stride: Pair
    before: Pair
    dilation: Pair
    output: Pair
    lanes: int

    @property
    def blocks(self) -> int:
        """Return the channel blocks."""
        return blocks_of(self.channels, self.lanes)
