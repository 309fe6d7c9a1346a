"""Memory layouts of arrays.

Images are split into blocks of as many channels as a vector has lanes: (n, blocks, h, w, lanes). The channels of a
block are contiguous, so kernels work on whole vectors, and the elements of a window are close together. Lanes
after the last channel are zero, and kernels keep them zero. A vector of features is an image of one position.

Weights of a convolution have the layout (filter block, channel block, kh, kw, channels of the block, lanes of
filters): the last channel block is not padded, the last filter block is padded with zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ir import Index, minimum

Floats = NDArray[np.float32]


def blocks_of(count: int, lanes: int) -> int:
    """Return how many blocks of lanes hold `count` channels."""
    return -(-count // lanes)


@dataclass(frozen=True)
class Blocked:
    """Images in blocks of channels: (n, blocks, h, w, lanes)."""

    channels: int
    height: int
    width: int
    lanes: int

    @property
    def blocks(self) -> int:
        """Return the number of channel blocks."""
        return blocks_of(self.channels, self.lanes)

    @property
    def floats(self) -> int:
        """Return the floats of one image."""
        return self.blocks * self.height * self.width * self.lanes

    def pack(self, array: Floats) -> Floats:
        """Return (n, c, h, w) as (n, floats)."""
        n = len(array)
        shape = (n, self.channels, self.height, self.width)
        filled = np.zeros((n, self.blocks * self.lanes, self.height, self.width), np.float32)
        filled[:, : self.channels] = np.reshape(array, shape)
        split = filled.reshape(n, self.blocks, self.lanes, self.height, self.width)
        return np.ascontiguousarray(split.transpose(0, 1, 3, 4, 2)).reshape(n, self.floats)

    def unpack(self, array: Floats) -> Floats:
        """Return (n, floats) as (n, c, h, w)."""
        n = len(array)
        split = array.reshape(n, self.blocks, self.height, self.width, self.lanes).transpose(0, 1, 4, 2, 3)
        joined = split.reshape(n, self.blocks * self.lanes, self.height, self.width)
        return np.ascontiguousarray(joined[:, : self.channels])


@dataclass(frozen=True)
class Plain:
    """NumPy's layout: (n, *shape)."""

    shape: tuple[int, ...]

    @property
    def floats(self) -> int:
        """Return the floats of one image."""
        return prod(self.shape)

    def pack(self, array: Floats) -> Floats:
        """Return (n, *shape) as (n, floats)."""
        return np.ascontiguousarray(array, np.float32).reshape(len(array), self.floats)

    def unpack(self, array: Floats) -> Floats:
        """Return (n, floats) as (n, *shape)."""
        return array.reshape(len(array), *self.shape)


Layout = Blocked | Plain


@dataclass(frozen=True)
class FilterBlocks:
    """Weights (filters, channels, kh, kw) as (filter blocks, channel blocks, kh, kw, channels, lanes)."""

    filters: int
    channels: int
    kernel: tuple[int, int]
    lanes: int

    @property
    def filter_blocks(self) -> int:
        """Return the number of filter blocks."""
        return blocks_of(self.filters, self.lanes)

    @property
    def block_floats(self) -> int:
        """Return the floats of one filter block."""
        return self.channels * prod(self.kernel) * self.lanes

    @property
    def floats(self) -> int:
        """Return the floats of all weights."""
        return self.filter_blocks * self.block_floats

    def pack(self, array: Floats) -> Floats:
        """Return (filters, channels, kh, kw) as (floats,)."""
        kh, kw = self.kernel
        filled = np.zeros((self.filter_blocks * self.lanes, self.channels, kh, kw), np.float32)
        filled[: self.filters] = np.reshape(array, (self.filters, self.channels, kh, kw))
        split = filled.reshape(self.filter_blocks, self.lanes, self.channels, kh, kw)
        parts = [
            split[:, :, start : start + self.lanes].transpose(0, 3, 4, 2, 1).reshape(self.filter_blocks, -1)
            for start in range(0, self.channels, self.lanes)
        ]
        return np.ascontiguousarray(np.concatenate(parts, axis=1)).reshape(-1)

    def unpack(self, array: Floats) -> Floats:
        """Return (floats,) as (filters, channels, kh, kw)."""
        kh, kw = self.kernel
        rows = array.reshape(self.filter_blocks, self.block_floats)
        parts, at = [], 0
        for start in range(0, self.channels, self.lanes):
            own = min(self.lanes, self.channels - start)
            size = own * kh * kw * self.lanes
            part = rows[:, at : at + size].reshape(self.filter_blocks, kh, kw, own, self.lanes)
            parts.append(part.transpose(0, 4, 3, 1, 2).reshape(self.filter_blocks * self.lanes, own, kh, kw))
            at += size
        return np.ascontiguousarray(np.concatenate(parts, axis=1)[: self.filters])


@dataclass(frozen=True)
class DenseBlocks:
    """Weights (outputs, c·h·w) of a dense layer as (output blocks, floats of the source, lanes of outputs).

    The rows have the order of the source in memory, including its padding lanes, whose weights are zero.
    """

    outputs: int
    source: Blocked

    @property
    def floats(self) -> int:
        """Return the floats of all weights."""
        return blocks_of(self.outputs, self.source.lanes) * self.source.floats * self.source.lanes

    def pack(self, array: Floats) -> Floats:
        """Return (outputs, c·h·w) as (floats,)."""
        rows, lanes = np.reshape(array, (self.outputs, -1)), self.source.lanes
        packed = np.zeros((blocks_of(self.outputs, lanes), self.source.floats, lanes), np.float32)
        for block in range(len(packed)):  # block by block, since two copies of all may not fit the memory
            own = self.source.pack(rows[block * lanes : (block + 1) * lanes])
            packed[block, :, : len(own)] = own.T
        return packed.reshape(-1)

    def unpack(self, array: Floats) -> Floats:
        """Return (floats,) as (outputs, c·h·w)."""
        source, lanes = self.source, self.source.lanes
        blocks = array.reshape(-1, source.floats, lanes)
        rows = np.empty((self.outputs, source.channels * source.height * source.width), np.float32)
        for start, block in zip(range(0, self.outputs, lanes), blocks, strict=True):
            own = source.unpack(np.ascontiguousarray(block.T[: self.outputs - start]))
            rows[start : start + lanes] = own.reshape(len(own), -1)
        return rows


@dataclass(frozen=True)
class Channels:
    """One float per channel, in whole blocks; a depthwise kernel has `taps` per channel.

    The layout is (blocks, taps, lanes).
    """

    channels: int
    lanes: int
    taps: int = 1

    @property
    def floats(self) -> int:
        """Return the floats of all channels."""
        return blocks_of(self.channels, self.lanes) * self.lanes * self.taps

    def pack(self, array: Floats) -> Floats:
        """Return (channels, …taps) as (floats,)."""
        blocks = blocks_of(self.channels, self.lanes)
        filled = np.zeros((blocks * self.lanes, self.taps), np.float32)
        filled[: self.channels] = np.reshape(array, (self.channels, self.taps))
        return np.ascontiguousarray(filled.reshape(blocks, self.lanes, self.taps).transpose(0, 2, 1)).reshape(-1)

    def unpack(self, array: Floats) -> Floats:
        """Return (floats,) as (channels, taps)."""
        blocks = blocks_of(self.channels, self.lanes)
        rows = array.reshape(blocks, self.taps, self.lanes).transpose(0, 2, 1).reshape(-1, self.taps)
        return np.ascontiguousarray(rows[: self.channels])


@dataclass(frozen=True)
class GroupedFilterBlocks:
    """Weights (filters, channels / groups, kh, kw) as (filter blocks, seen blocks, kh, kw, channels, lanes).

    A filter block has weights for `seen` channel blocks only, starting at `first_block`: those that its groups
    read. Groups need not be aligned to blocks: weights between different groups are zero. With filters and
    channels exchanged, this is the layout of the transposed weights.
    """

    filters: int
    channels: int
    groups: int
    kernel: tuple[int, int]
    lanes: int

    @property
    def filter_blocks(self) -> int:
        """Return the number of filter blocks."""
        return blocks_of(self.filters, self.lanes)

    @property
    def channel_blocks(self) -> int:
        """Return the number of channel blocks of the image that is read."""
        return blocks_of(self.channels, self.lanes)

    @property
    def group_filters(self) -> int:
        """Return the filters of one group."""
        return self.filters // self.groups

    @property
    def group_channels(self) -> int:
        """Return the channels of one group."""
        return self.channels // self.groups

    @property
    def block_channels(self) -> int:
        """Return the channels stored of each block; after the last channel they are zero."""
        return min(self.lanes, self.channels)

    @property
    def seen(self) -> int:
        """Return how many channel blocks each filter block has weights for."""
        return max(self._reach(block) for block in range(self.filter_blocks))

    def _reach(self, block: int) -> int:
        last_filter = min((block + 1) * self.lanes, self.filters) - 1
        first_channel = block * self.lanes // self.group_filters * self.group_channels
        last_channel = (last_filter // self.group_filters + 1) * self.group_channels - 1
        return last_channel // self.lanes - first_channel // self.lanes + 1

    def first_block(self, block: int | Index) -> Any:
        """Return the first channel block that a filter block has weights for."""
        start = block * self.lanes // self.group_filters * self.group_channels // self.lanes
        return minimum(start, self.channel_blocks - self.seen)

    @property
    def tap_floats(self) -> int:
        """Return the floats of one tap of one channel block."""
        return self.block_channels * self.lanes

    @property
    def block_floats(self) -> int:
        """Return the floats of one filter block."""
        return self.seen * prod(self.kernel) * self.tap_floats

    @property
    def floats(self) -> int:
        """Return the floats of all weights."""
        return self.filter_blocks * self.block_floats

    def pack(self, array: Floats) -> Floats:
        """Return (filters, channels / groups, kh, kw) as (floats,)."""
        kh, kw = self.kernel
        own = np.reshape(array, (self.filters, self.group_channels, kh, kw))
        shape = (self.filter_blocks, self.seen, kh, kw, self.block_channels, self.lanes)
        packed = np.zeros(shape, np.float32)
        channels = np.arange(self.group_channels)
        for number in range(self.filters):
            block, lane, at, within = self._location(number, channels)
            packed[block, at, :, :, within, lane] = own[number]
        return packed.reshape(-1)

    def unpack(self, array: Floats) -> Floats:
        """Return (floats,) as (filters, channels / groups, kh, kw)."""
        kh, kw = self.kernel
        packed = array.reshape(self.filter_blocks, self.seen, kh, kw, self.block_channels, self.lanes)
        own = np.empty((self.filters, self.group_channels, kh, kw), np.float32)
        channels = np.arange(self.group_channels)
        for number in range(self.filters):
            block, lane, at, within = self._location(number, channels)
            own[number] = packed[block, at, :, :, within, lane]
        return own

    def _location(self, number: int, channels: Any) -> tuple[int, int, Any, Any]:
        """Return the location of a filter's weights: its block and lane, and each channel's block and index."""
        block, lane = divmod(number, self.lanes)
        channel = number // self.group_filters * self.group_channels + channels
        return block, lane, channel // self.lanes - self.first_block(block), channel % self.lanes
