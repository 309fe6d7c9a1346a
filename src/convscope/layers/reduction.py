"""Reductions over axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..axis import Bins
from ..errors import BadShape
from ..settings import Axes, Integers, choice, flag, setting
from .base import Layer, show_shape, size_of
from .connection import UNMOVED, AxisDependency, Connection, Shape
from .operations import Operations

__all__ = [
    "Reduce",
]


@dataclass(frozen=True)
class Reduce(Layer):
    """Mean, sum, maximum or minimum along the given axes; (-1,) is the last axis.

    Shapes:   (c, h, w) over axes 1, 2 → (c), or (c, 1, 1) with keepdims
    Errors:   BadShape [axis-range], [reduce-all]
    Source:   PyTorch `mean`, `sum`, `amax`, `amin`; the ONNX ReduceMean family
    """

    mode: str = choice("mean", "sum", "max", "min")
    axes: Axes = setting(Integers(), (-1,))
    keepdims: bool = flag(False)
    keyword: ClassVar[str] = "reduce"
    positional: ClassVar[tuple[str, ...]] = ("mode", "axes")

    def along(self, shape: Shape) -> tuple[int, ...]:
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
        """Return the shape without the axes, or with 1 in their place."""
        (shape,) = inputs
        axes = self.along(shape)
        if self.keepdims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        if len(axes) == len(shape):
            raise BadShape(
                "{layer}.axes must leave an axis without keepdims (got axes={axes} for input {shape}). Use "
                "keepdims=True and a reshape. [reduce-all]",
                layer=self.kind,
                axes=self.axes,
                shape=show_shape(shape),
            )
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def operations(self, *inputs: Shape) -> Operations:
        """Return one addition or comparison fewer than elements, per output; a mean divides."""
        elements, outputs = size_of(inputs[0]), size_of(self.output_shape(*inputs))
        if self.mode in ("max", "min"):
            return Operations(comparisons=elements - outputs)
        return Operations(additions=elements - outputs, divisions=outputs if self.mode == "mean" else 0)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """The other axes go straight through; every output sees all of the reduced ones."""
        (shape,) = inputs
        axes = self.along(shape)
        links = []
        place = 0
        for axis, size in enumerate(shape):
            if axis not in axes:
                links.append(AxisDependency(place, axis, UNMOVED))
            elif self.keepdims:
                links.append(AxisDependency(place, axis, Bins(size, 1)))
            place += axis not in axes or self.keepdims
        return (Connection(links=tuple(links)),)
