"""Normalization layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import BadShape
from ..settings import Axes, Integers, count, flag, real, setting
from ..text.lists import join_or
from .base import Layer, ParamShapes, by_rank, show_shape, size_of
from .connection import POINTWISE, Connection, Shape, straight
from .operations import Operations

__all__ = [
    "BatchNorm",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "GroupNorm",
    "InstanceNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
]

_LOCAL_AND_GLOBAL = (Connection(), Connection(links=()))


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Normalize each channel by batch statistics, at inference by running statistics.

    Shapes:   (c, …) → (c, …); weight (c), bias (c); buffers running_mean (c), running_var (c)
    Source:   Ioffe & Szegedy 2015; PyTorch BatchNorm2d
    """

    eps: float = real(1e-5, least=0.0)
    momentum: float = real(0.1, least=0.0, most=1.0)
    affine: bool = flag(True)
    keyword: ClassVar[str] = "bn"

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        channels = inputs[0][:1]
        return {"weight": channels, "bias": channels} if self.affine else {}

    def buffer_shapes(self, *inputs: Shape) -> ParamShapes:
        return {"running_mean": inputs[0][:1], "running_var": inputs[0][:1]}

    def output_shape(self, *inputs: Shape) -> Shape:
        if self.rank is not None and (self.rank, len(inputs[0])) != (1, 1):  # BatchNorm1d also takes (c)
            self.spatial(inputs[0])
        return inputs[0]

    def operations(self, *inputs: Shape) -> Operations:
        """Return inference: statistics, scale and shift merged into one multiplication and one addition."""
        elements = size_of(inputs[0])
        return Operations(multiplications=elements, additions=elements)

    def training_bytes(self, *inputs: Shape) -> int:
        """Return the batch's mean and inverse deviation, in float32."""
        return 8 * inputs[0][0]


BatchNorm1d, BatchNorm2d, BatchNorm3d = by_rank(BatchNorm)


def _normalize(elements: int, groups: int, affine: bool) -> Operations:
    """Count mean, variance and the affine map, for `groups` sets of elements."""
    return Operations(
        multiplications=elements * (3 if affine else 2),  # squares, times 1 / deviation, scale
        # sum for the mean, minus mean, sum of squares, plus eps, shift
        additions=3 * elements - 2 * groups + groups + (elements if affine else 0),
        divisions=4 * groups,  # mean, variance, square root, reciprocal
    )


@dataclass(frozen=True)
class GroupNorm(Layer):
    """Normalize over groups of channels and all positions of one image.

    Shapes:   (c, …) → (c, …); weight (c), bias (c)
    Errors:   BadShape [group-norm]
    Source:   Wu & He 2018; PyTorch GroupNorm
    """

    num_groups: int = count()
    eps: float = real(1e-5, least=0.0)
    affine: bool = flag(True)
    keyword: ClassVar[str] = "groupnorm"
    positional: ClassVar[tuple[str, ...]] = ("num_groups",)

    def output_shape(self, *inputs: Shape) -> Shape:
        channels = inputs[0][0]
        if channels % self.num_groups:
            divisors = join_or(str(d) for d in range(1, min(channels, 10_000) + 1) if channels % d == 0)
            raise BadShape(
                "{layer}.num_groups must divide the channels (got num_groups={groups}, channels={channels}). "
                "Use {divisors}. [group-norm]",
                layer=self.kind,
                groups=self.num_groups,
                channels=channels,
                divisors=divisors,
            )
        return inputs[0]

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        channels = inputs[0][:1]
        return {"weight": channels, "bias": channels} if self.affine else {}

    def operations(self, *inputs: Shape) -> Operations:
        """Return mean, variance, normalization, scale and shift."""
        return _normalize(size_of(inputs[0]), self.num_groups, self.affine)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Element-wise, and through mean and variance of everything."""
        return _LOCAL_AND_GLOBAL if len(inputs[0]) > 1 else POINTWISE


@dataclass(frozen=True)
class InstanceNorm(Layer):
    """Normalize each channel over all its positions.

    Shapes:   (c, …) → (c, …); weight (c), bias (c) with affine
    Source:   Ulyanov et al. 2016; PyTorch InstanceNorm2d
    """

    eps: float = real(1e-5, least=0.0)
    affine: bool = flag(False)
    keyword: ClassVar[str] = "instancenorm"

    def output_shape(self, *inputs: Shape) -> Shape:
        self.spatial(inputs[0])
        return inputs[0]

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        channels = inputs[0][:1]
        return {"weight": channels, "bias": channels} if self.affine else {}

    def operations(self, *inputs: Shape) -> Operations:
        """Return mean, variance, normalization, scale and shift."""
        return _normalize(size_of(inputs[0]), inputs[0][0], self.affine)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Element-wise, and through mean and variance of the whole channel."""
        return _LOCAL_AND_GLOBAL


InstanceNorm1d, InstanceNorm2d, InstanceNorm3d = by_rank(InstanceNorm)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Normalize over the given axes of one image.

    `axes` (0,) normalizes the channels of each pixel of a (c, h, w), as ConvNeXt does; (-1,) is the last axis.

    Shapes:   x → x; weight and bias have the sizes of the axes
    Errors:   BadShape [axis-range]
    Source:   Ba et al. 2016; PyTorch LayerNorm
    """

    axes: Axes = setting(Integers(), (-1,))
    eps: float = real(1e-5, least=0.0)
    affine: bool = flag(True)
    keyword: ClassVar[str] = "layernorm"
    positional: ClassVar[tuple[str, ...]] = ("axes",)

    def normalized(self, shape: Shape) -> tuple[int, ...]:
        """Return the axes counted from 0."""
        axes = tuple(sorted({axis % len(shape) for axis in self.axes if -len(shape) <= axis < len(shape)}))
        if len(axes) != len(self.axes):
            raise BadShape(
                "{layer}.axes must be different and from {low} to {high} for input {shape} (got axes={axes}). "
                "Count axes from 0 (channels), without the batch axis. [axis-range]",
                layer=self.kind,
                low=-len(shape),
                high=len(shape) - 1,
                shape=show_shape(shape),
                axes=self.axes,
            )
        return axes

    def output_shape(self, *inputs: Shape) -> Shape:
        self.normalized(inputs[0])
        return inputs[0]

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        sizes = tuple(inputs[0][axis] for axis in self.normalized(inputs[0]))
        return {"weight": sizes, "bias": sizes} if self.affine else {}

    def operations(self, *inputs: Shape) -> Operations:
        """Return mean, variance, normalization, scale and shift."""
        elements = size_of(inputs[0])
        within = size_of(tuple(inputs[0][axis] for axis in self.normalized(inputs[0])))
        return _normalize(elements, elements // within, self.affine)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Element-wise, and through mean and variance along the normalized axes."""
        (shape,) = inputs
        kept = [axis for axis in range(len(shape)) if axis not in self.normalized(shape)]
        return (Connection(), Connection(links=straight(kept)))


@dataclass(frozen=True)
class LocalResponseNorm(Layer):
    """Divide by a power of the squares of `size` neighboring channels at the same pixel.

    Formula:  y = x / (k + alpha/size · Σ x²)^beta
    Source:   Krizhevsky et al. 2012, section 3.3; PyTorch LocalResponseNorm
    """

    size: int = count()
    alpha: float = real(1e-4)
    beta: float = real(0.75)
    k: float = real(1.0)
    keyword: ClassVar[str] = "lrn"
    positional: ClassVar[tuple[str, ...]] = ("size",)
    retains: ClassVar[frozenset[str]] = frozenset({"input", "output"})

    def operations(self, *inputs: Shape) -> Operations:
        """Return squares, the windowed sum, scale, offset, power and division."""
        elements = size_of(inputs[0])
        return Operations(
            multiplications=2 * elements,
            additions=self.size * elements,
            divisions=elements,
            exponentials=elements,
        )

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Every position from itself; channels are mixed."""
        return (Connection(links=straight(range(1, len(inputs[0])))),)
