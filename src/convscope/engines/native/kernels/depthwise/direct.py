"""Depthwise convolution: every channel has its own kernel, so all lanes of a vector do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...codegen.kernel import Kernel
from ...ir import Code, Index, Vector
from ..activation.pointwise import EpilogueFunction, keep_lanes
from ..common.shapes import ConvolutionShape
from ..convolution.axes import Axis, forward_axis, gradient_phases
from .rows import Finish, Image, Rows
from .weight_gradient import DepthwiseWeightGradient

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
