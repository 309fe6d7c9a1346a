"""The gradient of a depthwise convolution's weights: one vector for each tap of a block of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...codegen.kernel import Kernel
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector, fma, minimum
from ..common.gemm_tile import evenly
from ..common.shapes import ConvolutionShape
from ..convolution.axes import Axis, Strip, forward_axis, strips
from ..convolution.weight_gradient import Bounds, Chunks, chunks, rows_inside
from .rows import MOST_PIXELS, MOST_TAPS, passing

MOST_SUMS = 12
"""Sums that run side by side: pixels in turn go to several sums of one tap."""


@dataclass(frozen=True)
class DepthwiseWeightGradient(Kernel):
    """Sum dy · x over pixels and images for each channel and tap, in `slices` parts.

    Shapes:   x, dy blocked → parts (slices, `Channels` of kh · kw taps)
    """

    shape: ConvolutionShape
    slices: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "dy", "parts")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self.slices * self.shape.channel_blocks

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)

    def write(self, code: Code) -> None:
        shape, blocks = self.shape, self.shape.channel_blocks
        taps, cut = shape.kernel[0] * shape.kernel[1], chunks(shape, 1, shape.lanes)
        with code.loop(code.first, code.last) as item:
            part, block = item.index // blocks, item.index % blocks
            out = code.pointer("parts") + item.index * (taps * shape.lanes)
            with code.loop(0, taps) as tap:
                out.store(code.constant(0), tap.index * shape.lanes)
            units = code.number("batch") * cut.per_image
            last = units * (part + 1) // self.slices
            with code.loop(units * part // self.slices, last, cut.images) as unit:
                end = minimum(unit.index + cut.images, last)
                _Block(code, shape, block, out).add(cut, unit.index, end)


@dataclass(frozen=True)
class _Block:
    """The weights of one channel block, being summed."""

    code: Code
    shape: ConvolutionShape
    block: Index
    out: Pointer

    def add(self, cut: Chunks, unit: Index, last: Index) -> None:
        """Add a chunk to all weights, one row of the kernel after another."""
        shape = self.shape
        images, rows = cut.bounds(unit, last, shape.output[0])
        axis = forward_axis(
            shape.width, shape.kernel[1], shape.stride[1], shape.before[1], shape.dilation[1], shape.output[1]
        )
        with self.code.loop(0, shape.kernel[0]) as tap:
            inside = rows_inside(shape, tap.index, rows)
            if isinstance(inside[0], int) and isinstance(inside[1], int) and inside[0] >= inside[1]:
                return
            first = 0
            for count in evenly(axis.taps, min(MOST_TAPS, _most_sums(self.code.target))):
                self._taps(axis, tap.index, range(first, first + count), images, inside)
                first += count

    def _taps(self, axis: Axis, tap: int | Index, taps: range, images: Bounds, rows: Bounds) -> None:
        """Sum some taps of one row of the kernel over images and rows, and add them to memory."""
        code, shape, lanes = self.code, self.shape, self.shape.lanes
        chains = _most_sums(code.target) // len(taps)
        x_pixels, dy_pixels = shape.height * shape.width, shape.output[0] * shape.output[1]
        shift = tap * shape.dilation[0] - shape.before[0]
        with code.loop(*images, carry=code.zeros(chains * len(taps))) as image:
            plane = image.index * shape.channel_blocks + self.block
            x = code.pointer("x") + plane * (x_pixels * lanes)
            dy = code.pointer("dy") + plane * (dy_pixels * lanes)
            with code.loop(*rows, carry=image.values) as row:
                at_x = x + (row.index * shape.stride[0] + shift) * (shape.width * lanes)
                at_dy = dy + row.index * (shape.output[1] * lanes)
                sums = row.values
                for strip in strips(axis, MOST_PIXELS):
                    sums = self._strip(axis, strip, taps, at_x, at_dy, sums)
                row.next(sums)
            image.next(row.results)
        for number, column in enumerate(taps):
            total: Vector = image.results[number]
            for chain in range(1, chains):
                total = total + image.results[chain * len(taps) + number]
            at = self.out + (tap * shape.kernel[1] + column) * lanes
            at.store(at.load() + total)

    def _strip(
        self, axis: Axis, strip: Strip, taps: range, x: Pointer, dy: Pointer, totals: Sequence[Vector]
    ) -> list[Vector]:
        """Add the tiles of a strip: each pixel of dy times all pixels of x that it was computed from."""
        code, lanes, chains = self.code, self.shape.lanes, len(totals) // len(taps)
        with code.loop(0, strip.count, carry=totals) as tile:
            column = tile.index * strip.size + strip.start
            at_x, at_dy = x + (column * axis.stride + axis.offset) * lanes, dy + column * lanes
            sums = list(tile.values)
            for place in range(strip.size):
                live = [tap for tap in taps if strip.mask[tap][place]]
                if not live:
                    continue
                gradient = at_dy.load(place * lanes)
                for tap in live:
                    chain = place % chains * len(taps) + tap - taps[0]
                    pixel = at_x.load((place * axis.stride + tap * axis.spread) * lanes)
                    sums[chain] = fma(gradient, pixel, sums[chain])
            tile.next(sums)
        return list(tile.results)


def _most_sums(target: Target) -> int:
    """Return how many sums fit in registers next to the pixels."""
    return min(MOST_SUMS, target.registers - 2 * passing(target))
