"""Depthwise convolution and its input gradient, row by row.

Every channel has its own kernel, so all lanes of a vector do the same: one vector is one pixel of a block of
channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...codegen.kernel import Kernel
from ...codegen.target import Target
from ...ir import Code, Index, Pointer, Vector, fma, maximum, minimum
from ..activation.functions import EpilogueFunction
from ..activation.pointwise import keep_lanes
from ..common.gemm_tile import evenly
from ..common.shapes import ConvolutionShape
from ..convolution.axes import Axis, Strip, forward_axis, gradient_phases, strips
from .weight_gradient import DepthwiseWeightGradient

MOST_PIXELS = 14
"""Results of a row that are summed at once: enough to hide how long each multiply-add takes."""
MOST_TAPS = 7
"""Columns of a kernel whose weights are held in registers at once."""

Bound = int | Index


def pixels_at_once(target: Target, taps: int) -> int:
    """Return how many results fit in registers next to a row of the kernel and temporaries."""
    return min(MOST_PIXELS, target.registers - passing(target) - min(taps, MOST_TAPS))


def passing(target: Target) -> int:
    """Return the registers for pixels and zeros, and for products without fused multiply-add."""
    return 3 if target.width > 4 else 6


def reaching_taps(axis: Axis, result: Bound) -> tuple[Bound, Bound]:
    """Return the taps, first and one past the last, with which a result reads inside the source."""
    if not axis.padded:
        return 0, axis.taps
    start = result * axis.stride + axis.offset
    first = maximum((axis.spread - 1) - start, 0) // axis.spread
    last = maximum((axis.limit + axis.spread - 1) - start, 0) // axis.spread
    return first, minimum(last, axis.taps)


@dataclass(frozen=True)
class Image:
    """One block of channels of an image in memory."""

    at: Pointer
    width: int


@dataclass(frozen=True)
class Finish:
    """The epilogue of each sum, applied before it is stored, or right after if `heavy`."""

    value: Callable[[Vector], Vector]
    heavy: bool


@dataclass(frozen=True)
class Rows:
    """Results of one block of channels: sums over taps of source · weight.

    `columns` are the phases of a row; `taps` are the columns of the whole kernel. Each sum begins at the bias, if
    there is one.
    """

    code: Code
    rows: Axis
    columns: Sequence[Axis]
    taps: int
    source: Image
    weight: Pointer
    out: Image
    bias: Pointer | None
    finish: Finish | None

    def write(self, first: Bound, last: Bound) -> None:
        lanes = self.code.target.width
        with self.code.loop(first, last) as row:
            line = self.out.at + (row.index * self.rows.step + self.rows.start) * (self.out.width * lanes)
            for axis in self.columns:
                for strip in strips(axis, pixels_at_once(self.code.target, axis.taps)):
                    with self.code.loop(0, strip.count) as tile:
                        column = tile.index * strip.size + strip.start
                        sums = self._tile(axis, strip, row.index, column)
                        at = line + (column * axis.step + axis.start) * lanes
                        self._write(at, axis.step * lanes, sums)

    def _write(self, at: Pointer, step: int, sums: Sequence[Vector]) -> None:
        """Store sums, `step` floats apart; a heavy function is applied afterwards, in a loop."""
        finish = self.finish
        for place, total in enumerate(sums):
            at.store(total if finish is None or finish.heavy else finish.value(total), place * step)
        if finish is not None and finish.heavy:
            with self.code.loop(0, len(sums)) as result:
                own = at + result.index * step
                own.store(finish.value(own.load()))

    def _tile(self, axis: Axis, strip: Strip, row: Bound, column: Bound) -> list[Vector]:
        """Return the sums of consecutive results of a row."""
        code, lanes = self.code, self.code.target.width
        start = code.constant(0) if self.bias is None else self.bias.load()
        sums = [start] * strip.size
        if self.rows.taps == 0 or not any(any(live) for live in strip.mask):
            return sums
        with code.loop(*reaching_taps(self.rows, row), carry=sums) as tap:
            line = row * self.rows.stride + self.rows.offset + tap.index * self.rows.spread
            pixel = line * self.source.width + column * axis.stride + axis.offset
            number = tap.index * self.rows.tap_step + self.rows.first_tap
            weights = self.weight + number * (self.taps * lanes)
            tap.next(self._row_of_kernel(axis, strip, self.source.at + pixel * lanes, weights, tap.values))
        results: list[Vector] = tap.results
        return results

    def _row_of_kernel(
        self, axis: Axis, strip: Strip, source: Pointer, weights: Pointer, totals: Sequence[Vector]
    ) -> list[Vector]:
        """Add one row of the kernel: each source pixel is read once for all its results."""
        lanes, sums, first = self.code.target.width, list(totals), 0
        for count in evenly(axis.taps, MOST_TAPS):
            at = source if first == 0 else self.code.launder(source)
            reached: dict[int, list[tuple[int, int]]] = {}
            for tap in range(first, first + count):
                for place in range(strip.size):
                    if strip.mask[tap][place]:
                        reached.setdefault(place * axis.stride + tap * axis.spread, []).append((place, tap))
            used = sorted({tap for pairs in reached.values() for _, tap in pairs})
            held = {tap: weights.load((axis.first_tap + tap * axis.tap_step) * lanes) for tap in used}
            for pixel, pairs in sorted(reached.items()):
                value = at.load(pixel * lanes)
                for place, tap in pairs:
                    sums[place] = fma(value, held[tap], sums[place])
            first += count
        return sums


__all__ = ["DepthwiseConvolution", "DepthwiseInputGradient", "DepthwiseWeightGradient"]

FEWEST_ITEMS = 16
"""Work items that one image should give at least."""
FEW_PIXELS = 100
"""Images up to this size have many channels, and weights around them that outweigh the image."""
MOST_SHARES = 8
"""Equal bands of one image's rows, for as many threads."""


@dataclass(frozen=True)
class DepthwiseConvolution(Kernel):
    """Convolve each channel with its own kernel, then optionally add the bias and apply an activation function.

    Shapes:   x blocked, weight `Channels` of kh · kw taps, bias `Channels` → y blocked
    """

    shape: ConvolutionShape
    bias: bool = False
    activation: EpilogueFunction | None = None

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "weight", *(("bias",) if self.bias else ()), "y")

    def items(self, batch: int) -> int:
        return batch * self.shape.channel_blocks * _bands(self.shape, self.shape.output[0])

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)

    def write(self, code: Code) -> None:
        shape = self.shape
        rows, columns = (forward_axis(*numbers) for numbers in _axes(shape))
        sizes = ((shape.height, shape.width), shape.output)
        _write(code, shape, ("x", "y"), sizes, [rows], [columns], self.bias, self.activation)


@dataclass(frozen=True)
class DepthwiseInputGradient(Kernel):
    """dx = gradient of a depthwise convolution's input.

    Shapes:   dy blocked, weight `Channels` of kh · kw taps → dx blocked
    """

    shape: ConvolutionShape

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "weight", "dx")

    def items(self, batch: int) -> int:
        return batch * self.shape.channel_blocks * _bands(self.shape, self.shape.height)

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)

    def write(self, code: Code) -> None:
        shape = self.shape
        rows, columns = (_one_by_one(gradient_phases(*numbers)) for numbers in _axes(shape))
        sizes = (shape.output, (shape.height, shape.width))
        _write(code, shape, ("dy", "dx"), sizes, rows, columns, bias=False, activation=None)


def _write(
    code: Code,
    shape: ConvolutionShape,
    names: tuple[str, str],
    sizes: tuple[tuple[int, int], tuple[int, int]],
    rows: Sequence[Axis],
    columns: Sequence[Axis],
    bias: bool,
    activation: EpilogueFunction | None,
) -> None:
    """Write the work items: bands of rows of one channel block of one image."""
    lanes, bands = shape.lanes, _bands(shape, sizes[1][0])
    with code.loop(code.first, code.last) as item:
        whole, band, block = _place(item.index, shape, bands)
        source, out = (
            Image(code.pointer(name) + whole * (height * width * lanes), width)
            for name, (height, width) in zip(names, sizes, strict=True)
        )
        weight = code.pointer("weight") + block * (shape.kernel[0] * shape.kernel[1] * lanes)
        offset = code.pointer("bias") + block * lanes if bias else None
        finish = _finish(code, shape, block, activation)
        for axis in rows:
            band_rows = Rows(code, axis, columns, shape.kernel[1], source, weight, out, offset, finish)
            band_rows.write(band * axis.count // bands, (band + 1) * axis.count // bands)


def _finish(
    code: Code, shape: ConvolutionShape, block: Index, activation: EpilogueFunction | None
) -> Finish | None:
    """Return the epilogue of each sum, which keeps padding lanes zero."""
    if activation is None:
        return None
    left = None
    if shape.channels % shape.lanes and not activation.keeps_zero:
        left = shape.channels - block * shape.lanes

    def value(total: Vector) -> Vector:
        result = activation.of(code, total)
        return result if left is None else keep_lanes(code, result, left)

    return Finish(value, activation.heavy)


def _axes(shape: ConvolutionShape) -> list[tuple[int, int, int, int, int, int]]:
    """Return the description of each axis of a convolution."""
    numbers = (shape.kernel, shape.stride, shape.before, shape.dilation, shape.output)
    return list(zip((shape.height, shape.width), *numbers, strict=True))


def _one_by_one(axes: Sequence[Axis]) -> list[Axis]:
    """Return equal phases as axes: each uses weights one later than the previous one."""
    return [
        replace(axis, start=axis.start + number, first_tap=axis.first_tap + number, phases=1)
        for axis in axes
        for number in range(axis.phases)
    ]


def _place(item: Index, shape: ConvolutionShape, bands: int) -> tuple[Index, Index, Index]:
    """Return the plane (a block of an image), the band and the block of a work item."""
    blocks = shape.channel_blocks
    if not _by_bands(shape):
        return item // bands, item % bands, item // bands % blocks
    image, band, block = item // (bands * blocks), item // blocks % bands, item % blocks
    return image * blocks + block, band, block


def _by_bands(shape: ConvolutionShape) -> bool:
    """Say whether neighboring items are the same rows of other channels, not other rows of the same ones.

    Convolutions of single pixels, before and after, are cut in the same way: between pixels where these are many,
    between filters where they are few. So a thread reads what it wrote itself, and little from another's cache.
    """
    return shape.height * shape.width > FEW_PIXELS


def _bands(shape: ConvolutionShape, height: int) -> int:
    """Return the number of bands of rows of each channel block, so that threads can share an image."""
    least = MOST_SHARES if _by_bands(shape) else 1
    return min(height, max(-(-FEWEST_ITEMS // shape.channel_blocks), least))
