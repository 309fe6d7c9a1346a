"""Pooling layers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import numpy as np

from ..axis import Bins, Spans, Window
from ..errors import BadSetting, BadShape
from ..settings import Axes, Integers, Owner, Pads, PerAxis, flag, pads, per_axis, real, setting
from .base import Layer, by_rank, show_shape, size_of
from .connection import AxisDependency, Connection, Shape, windowed
from .convolution import check_fits
from .operations import Operations

__all__ = [
    "AdaptiveAvgPool",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AdaptivePool",
    "AvgPool",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "GlobalAvgPool",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalAvgPool3d",
    "GlobalMaxPool",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GlobalMaxPool3d",
    "GlobalPool",
    "LPPool",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MinPool",
    "MinPool1d",
    "MinPool2d",
    "MinPool3d",
    "Pool",
    "SpatialPyramidPool",
    "StochasticPool",
    "StochasticPool1d",
    "StochasticPool2d",
    "StochasticPool3d",
]

INDEX_BYTES = 8
"""The winner of each max-pooling window is remembered as a 64-bit index, as PyTorch does."""


@dataclass(frozen=True)
class KernelSized(PerAxis):
    """A stride that defaults to the kernel size."""

    def canonical(self, value: Axes | int | None, owner: Owner, name: str) -> Axes:
        """Return one int per axis, or nothing yet."""
        return () if value is None or value == () else super().canonical(value, owner, name)


@dataclass(frozen=True)
class Pool(Layer):
    """Base of pooling layers: a window slides over each channel.

    Shapes:   (c, h, w) → (c, p, q)
    Formula:  p = ⌊(h + before + after − dilation·(kh − 1) − 1) / stride⌋ + 1; ⌈·⌉ with ceil_mode
    Units:    pixels; stride defaults to the kernel's size; padding "same" is TensorFlow's SAME
    Errors:   BadShape [input-rank], [kernel-too-large]; BadSetting for padding of more than half the kernel
    Source:   PyTorch MaxPool2d, AvgPool2d
    """

    kernel_size: Axes = per_axis()
    stride: Axes = setting(KernelSized(), ())
    padding: Pads | Literal["same"] = pads(0)
    dilation: Axes = per_axis(1)
    ceil_mode: bool = flag(False)
    positional: ClassVar[tuple[str, ...]] = ("kernel_size",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.stride:
            object.__setattr__(self, "stride", self.kernel_size)
        if self.padding != "same":
            for k, d, (before, after) in zip(self.kernel_size, self.dilation, self.padding, strict=True):
                half = (d * (k - 1) + 1) // 2
                if max(before, after) > half:
                    raise BadSetting(
                        "{layer}.padding must be at most half the kernel, so that every window reaches the "
                        "input (got padding={padding}, kernel_size={size}). Use at most {half}, or a Pad layer "
                        "before. [pool-padding]",
                        layer=self.kind,
                        padding=max(before, after),
                        size=k,
                        half=half,
                    )

    def windows(self, shape: Shape) -> tuple[Window, ...]:
        """Return the window of each spatial axis, padding resolved for this input."""
        kernels = zip(self.spatial(shape), self.kernel_size, self.stride, self.dilation, strict=True)
        if self.padding == "same":
            return tuple(Window.same(n, k, s, d) for n, k, s, d in kernels)
        return tuple(
            Window(k, s, before, after, d, self.ceil_mode)
            for (_, k, s, d), (before, after) in zip(kernels, self.padding, strict=True)
        )

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (channels, positions per axis)."""
        (shape,) = inputs
        windows = self.windows(shape)
        for axis, (n, window) in enumerate(zip(shape[1:], windows, strict=True)):
            check_fits(self, axis, n, window)
        return (shape[0], *(w.positions(n) for n, w in zip(shape[1:], windows, strict=True)))

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return windowed(self.windows(inputs[0]))

    @property
    def taps(self) -> int:
        return prod(self.kernel_size)

    def _outputs(self, shape: Shape) -> int:
        return prod(self.output_shape(shape))


@dataclass(frozen=True)
class MaxPool(Pool):
    """The largest element of each window; padding never wins."""

    keyword: ClassVar[str] = "maxpool"

    def operations(self, *inputs: Shape) -> Operations:
        """Return one comparison fewer than elements, per window."""
        return Operations(comparisons=self._outputs(inputs[0]) * (self.taps - 1))

    def training_bytes(self, *inputs: Shape) -> int:
        return INDEX_BYTES * self._outputs(inputs[0])


@dataclass(frozen=True)
class MinPool(MaxPool):
    """The smallest element of each window; padding never wins."""

    keyword: ClassVar[str] = "minpool"


@dataclass(frozen=True)
class AvgPool(Pool):
    """The mean of each window; `count_include_pad` says whether padding counts as zeros in the mean."""

    count_include_pad: bool = flag(True)
    keyword: ClassVar[str] = "avgpool"
    retains: ClassVar[frozenset[str]] = frozenset()

    def operations(self, *inputs: Shape) -> Operations:
        outputs = self._outputs(inputs[0])
        return Operations(additions=outputs * (self.taps - 1), divisions=outputs)


@dataclass(frozen=True)
class LPPool(Pool):
    """The p-norm of each window: (Σ |x|^p)^(1/p)."""

    norm_type: float = real(2.0, least=1.0)
    keyword: ClassVar[str] = "lppool"
    retains: ClassVar[frozenset[str]] = frozenset({"input", "output"})

    def operations(self, *inputs: Shape) -> Operations:
        """Return a power per element, a sum and a root per window; squares are multiplications."""
        outputs = self._outputs(inputs[0])
        elements = outputs * self.taps
        powers = {1.0: (0, 0), 2.0: (elements, outputs)}.get(self.norm_type)
        if powers is None:
            return Operations(additions=elements - outputs, exponentials=elements + outputs)
        return Operations(multiplications=powers[0], additions=elements - outputs, divisions=powers[1])


@dataclass(frozen=True)
class StochasticPool(Pool):
    """One element per window, drawn in proportion to its value; at inference the weighted mean.

    Source:   Zeiler & Fergus 2013
    """

    keyword: ClassVar[str] = "stochasticpool"

    def operations(self, *inputs: Shape) -> Operations:
        """Return the inference pass: the window's sum, the probabilities, the weighted mean."""
        outputs = self._outputs(inputs[0])
        elements = outputs * self.taps
        return Operations(
            multiplications=elements,
            additions=2 * (elements - outputs),
            divisions=elements,
            comparisons=elements,
        )

    def training_bytes(self, *inputs: Shape) -> int:
        return INDEX_BYTES * self._outputs(inputs[0])


@dataclass(frozen=True)
class AdaptivePool(Layer):
    """Pooling to a given output size.

    Shapes:   (c, h, w) → (c, output_size…)
    Formula:  window o covers ⌊o·h/size⌋ … ⌈(o + 1)·h/size⌉ − 1
    Source:   PyTorch AdaptiveAvgPool2d
    """

    output_size: Axes = per_axis()
    positional: ClassVar[tuple[str, ...]] = ("output_size",)

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (channels, output_size…)."""
        self.spatial(inputs[0])
        return (inputs[0][0], *self.output_size)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        sizes = self.spatial(inputs[0])
        return windowed([Bins(n, size) for n, size in zip(sizes, self.output_size, strict=True)])

    def elements(self, shape: Shape) -> int:
        """Return the elements of all bins together, an element in two bins counted twice."""
        per_axis_elements = (
            sum(-(-(o + 1) * n // size) - o * n // size for o in range(size))
            for n, size in zip(shape[1:], self.output_size, strict=True)
        )
        return shape[0] * prod(per_axis_elements)


@dataclass(frozen=True)
class AdaptiveAvgPool(AdaptivePool):
    """The mean of each bin."""

    keyword: ClassVar[str] = "adaptiveavgpool"
    retains: ClassVar[frozenset[str]] = frozenset()

    def operations(self, *inputs: Shape) -> Operations:
        outputs = prod(self.output_shape(*inputs))
        return Operations(additions=self.elements(inputs[0]) - outputs, divisions=outputs)


@dataclass(frozen=True)
class AdaptiveMaxPool(AdaptivePool):
    """The largest element of each bin."""

    keyword: ClassVar[str] = "adaptivemaxpool"

    def operations(self, *inputs: Shape) -> Operations:
        """Return one comparison fewer than elements, per bin."""
        return Operations(comparisons=self.elements(inputs[0]) - prod(self.output_shape(*inputs)))

    def training_bytes(self, *inputs: Shape) -> int:
        return INDEX_BYTES * prod(self.output_shape(*inputs))


@dataclass(frozen=True)
class GlobalPool(Layer):
    """One value per channel: (c, h, w) → (c, 1, 1)."""

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the channels, each spatial axis shrunk to one."""
        return (inputs[0][0], *(1 for _ in self.spatial(inputs[0])))

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Return one bin per axis: every output sees every position."""
        return windowed([Bins(n, 1) for n in self.spatial(inputs[0])])


@dataclass(frozen=True)
class GlobalAvgPool(GlobalPool):
    """The mean of each channel."""

    keyword: ClassVar[str] = "globalavgpool"
    retains: ClassVar[frozenset[str]] = frozenset()

    def operations(self, *inputs: Shape) -> Operations:
        channels = inputs[0][0]
        return Operations(additions=size_of(inputs[0]) - channels, divisions=channels)


@dataclass(frozen=True)
class GlobalMaxPool(GlobalPool):
    """The largest element of each channel."""

    keyword: ClassVar[str] = "globalmaxpool"

    def operations(self, *inputs: Shape) -> Operations:
        """Return one comparison fewer than elements, per channel."""
        return Operations(comparisons=size_of(inputs[0]) - inputs[0][0])

    def training_bytes(self, *inputs: Shape) -> int:
        return INDEX_BYTES * inputs[0][0]


@dataclass(frozen=True)
class SpatialPyramidPool(Layer):
    """Max pooling to several grids, flattened and concatenated: a vector of fixed length.

    Shapes:   (c, h, w) → (c·Σ level^rank)
    Source:   He et al. 2014, "Spatial pyramid pooling in deep convolutional networks"
    """

    levels: Axes = setting(Integers(least=1, most=64), (4, 2, 1))
    keyword: ClassVar[str] = "spp"
    positional: ClassVar[tuple[str, ...]] = ("levels",)

    def grids(self, shape: Shape) -> tuple[AdaptiveMaxPool, ...]:
        """Return the adaptive pooling of each level."""
        rank = len(shape) - 1
        if rank not in (1, 2, 3):
            raise BadShape(
                "{layer} needs an input with 1 to 3 spatial axes (got {shape}). Put it before the layers that "
                "flatten. [input-rank]",
                layer=self.kind,
                shape=show_shape(shape),
            )
        kinds = (AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d)
        return tuple(kinds[rank - 1]((level,)) for level in self.levels)

    def output_shape(self, *inputs: Shape) -> Shape:
        return (sum(size_of(grid.output_shape(*inputs)) for grid in self.grids(inputs[0])),)

    def operations(self, *inputs: Shape) -> Operations:
        return Operations(comparisons=sum(g.operations(*inputs).comparisons for g in self.grids(inputs[0])))

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Each unit of the vector sees its own bin: levels in order, then channels, then bins by rows."""
        (shape,) = inputs
        links = []
        for axis in range(1, len(shape)):
            first: list[int] = []
            last: list[int] = []
            for level in self.levels:
                spans = Bins(shape[axis], level).span(np.arange(level))
                inner = level ** (len(shape) - 1 - axis)
                for ends, many in zip(spans, (first, last), strict=True):
                    row = np.tile(np.repeat(ends, inner), level ** (axis - 1))
                    many.extend(np.tile(row, shape[0]).tolist())
            links.append(AxisDependency(0, axis, Spans(tuple(first), tuple(last))))
        return (Connection(links=tuple(links)),)

    def training_bytes(self, *inputs: Shape) -> int:
        return INDEX_BYTES * self.output_shape(*inputs)[0]


MaxPool1d, MaxPool2d, MaxPool3d = by_rank(MaxPool)
MinPool1d, MinPool2d, MinPool3d = by_rank(MinPool)
AvgPool1d, AvgPool2d, AvgPool3d = by_rank(AvgPool)
LPPool1d, LPPool2d, LPPool3d = by_rank(LPPool)
StochasticPool1d, StochasticPool2d, StochasticPool3d = by_rank(StochasticPool)
AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d = by_rank(AdaptiveAvgPool)
AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d = by_rank(AdaptiveMaxPool)
GlobalAvgPool1d, GlobalAvgPool2d, GlobalAvgPool3d = by_rank(GlobalAvgPool)
GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d = by_rank(GlobalMaxPool)
