"""Direct convolution and its input gradient, which is also the forward pass of the transposed convolution."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...codegen.kernel import Kernel
from ...ir import Code
from ...layout import FilterBlocks, GroupedFilterBlocks
from ..activation.epilogue import EpilogueFunction
from ..common.shapes import ConvolutionShape
from .axes import Axis, forward_axis, gradient_phases
from .loops import Loops, Strides, same_source_blocks
from .tiles import Tile, across_tile, best_tile
from .weights import blocks_layout, few_channels, transposed_layout


class _Direct(Kernel):
    """A kernel whose work is that of its loops."""

    shape: ConvolutionShape

    @property
    def _loops(self) -> Loops:
        raise NotImplementedError(f"{type(self).__name__}._loops")

    @property
    def numbers(self) -> tuple[str, ...]:
        return ("batch",)

    def items(self, batch: int) -> int:
        return self._loops.items(batch)

    def write(self, code: Code) -> None:
        """Write the loops; those of the input gradient phase by phase."""
        self._loops.write(code)

    def macs(self, batch: int) -> int:
        return self.shape.macs(batch)


@dataclass(frozen=True)
class Convolution(_Direct):
    """y = activation(convolution of x + bias + residual), with the last three optional.

    Shapes:   x `Blocked`, or (n, c, h, w) with `plain_input`; weight as `weights_layout` says; bias `Channels`;
              residual and y `Blocked`
    Errors:   ValueError for a plain input in groups, and for a depthwise convolution
    """

    shape: ConvolutionShape
    plain_input: bool = False
    bias: bool = False
    activation: EpilogueFunction | None = None
    residual: bool = False
    tile: Tile | None = None

    def __post_init__(self) -> None:
        if self.plain_input and self.shape.groups > 1:
            raise ValueError("a convolution in groups reads images in blocks")
        _check(self.shape)

    @property
    def pointers(self) -> tuple[str, ...]:
        return (
            "x",
            "weight",
            *(("bias",) if self.bias else ()),
            *(("residual",) if self.residual else ()),
            "y",
        )

    @property
    def _loops(self) -> Loops:
        shape = flat(self.shape)
        rows, columns = ((forward_axis(*numbers),) for numbers in axes_of(shape))
        layout = blocks_layout(shape.filters, shape.channels, shape)
        kind = Strides.plain if self.plain_input else Strides.blocked
        count = shape.channels if self.plain_input else shape.channel_blocks
        return Loops(
            layout,
            rows,
            columns,
            kind(count, shape.height, shape.width, shape.lanes),
            Strides.blocked(shape.filter_blocks, *shape.output, shape.lanes),
            self.tile or tile_for(layout, rows, columns),
            ("x", "weight", "y"),
            self.bias,
            self.activation,
            self.residual,
        )


@dataclass(frozen=True)
class ConvolutionInputGradient(_Direct):
    """dx = gradient of a convolution's input; with bias and activation, a transposed convolution.

    Input pixels that no window reads get zero (or the bias). All sizes are the convolution's: a transposed
    convolution has `shape.filters` inputs and `shape.channels` outputs.

    A tile given counts only where a vector's lanes are channels: see `few_channels`.

    Shapes:   dy and dx `Blocked`; weight_t as `transposed_layout` says; bias `Channels` of shape.channels
    """

    shape: ConvolutionShape
    bias: bool = False
    activation: EpilogueFunction | None = None
    tile: Tile | None = None

    def __post_init__(self) -> None:
        _check(self.shape)

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("dy", "weight_t", *(("bias",) if self.bias else ()), "dx")

    @property
    def _loops(self) -> Loops:
        shape = flat(self.shape)
        rows, columns = (gradient_phases(*numbers) for numbers in axes_of(shape))
        layout, few = transposed_layout(shape), few_channels(shape)
        columns_most = max(axis.count for axis in columns)
        across = across_tile(shape.lanes, shape.channels, columns_most) if few else None
        return Loops(
            layout,
            rows,
            columns,
            Strides.blocked(shape.filter_blocks, *shape.output, shape.lanes),
            Strides.blocked(shape.channel_blocks, shape.height, shape.width, shape.lanes),
            across or self.tile or tile_for(layout, rows, columns),
            ("dy", "weight_t", "dx"),
            self.bias,
            self.activation,
            residual=False,
            across=few,
        )


def _check(shape: ConvolutionShape) -> None:
    if shape.depthwise:
        raise ValueError("a depthwise convolution has kernels of its own")


def flat(shape: ConvolutionShape) -> ConvolutionShape:
    """Return a 1×1 convolution as one over a single row."""
    pixels, single = (shape.height, shape.width), ((1, 1), (1, 1), (0, 0))
    if (shape.kernel, shape.stride, shape.before) != single or shape.output != pixels:
        return shape
    count = shape.height * shape.width
    return replace(shape, height=1, width=count, output=(1, count))


def axes_of(shape: ConvolutionShape) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return size, kernel, stride, before, dilation and output of both axes."""
    first, second = zip(shape.kernel, shape.stride, shape.before, shape.dilation, shape.output, strict=True)
    return (shape.height, *first), (shape.width, *second)


def tile_for(
    layout: FilterBlocks | GroupedFilterBlocks, rows: tuple[Axis, ...], columns: tuple[Axis, ...]
) -> Tile:
    """Return the tile for a convolution by rule: the best one for its largest phase."""
    blocks = same_source_blocks(layout)
    return best_tile(layout.lanes, blocks, max(axis.count for axis in rows), max(axis.count for axis in columns))
