"""Layers that select, repeat or roll indices of an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..axis import Rolled, Window
from ..errors import BadShape
from ..settings import Axes, Integers, count, setting
from .base import Layer, ParamShapes, show_shape
from .connection import AxisDependency, Connection, Shape, straight

__all__ = [
    "Expand",
    "IndexSelect",
    "Roll",
]

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class IndexSelect(Layer):
    """Select `size` indices of one axis by a fixed list, which is a buffer.

    Shapes:   (…, n, …) → (…, size, …); buffer index (size), integers from 0 to n − 1
    Errors:   BadShape [axis-range]
    Source:   PyTorch `index_select`, ONNX Gather
    """

    axis: int = count(least=0, most=64)
    size: int = count()
    keyword: ClassVar[str] = "indexselect"
    positional: ClassVar[tuple[str, ...]] = ("axis", "size")
    retains: ClassVar[frozenset[str]] = _NOTHING

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if self.axis >= len(shape):
            raise BadShape(
                "{layer}.axis must be below {rank} for input {shape} (got axis={axis}). Count axes from 0 "
                "(channels), without the batch axis. [axis-range]",
                layer=self.kind,
                rank=len(shape),
                shape=show_shape(shape),
                axis=self.axis,
            )
        return (*shape[: self.axis], self.size, *shape[self.axis + 1 :])

    def buffer_shapes(self, *inputs: Shape) -> ParamShapes:
        return {"index": (self.size,)}

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """The other axes stay; along this one the list is no part of the structure, so any index may be seen."""
        return (Connection(links=straight(axis for axis in range(len(inputs[0])) if axis != self.axis)),)


@dataclass(frozen=True)
class Roll(Layer):
    """Roll axes; elements shifted past one end re-enter at the other.

    Errors:   BadShape [roll-axes]
    Source:   PyTorch `roll`
    """

    shifts: Axes = setting(Integers())
    axes: Axes = setting(Integers(least=0))
    keyword: ClassVar[str] = "roll"
    positional: ClassVar[tuple[str, ...]] = ("shifts", "axes")
    retains: ClassVar[frozenset[str]] = _NOTHING

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        wrong = len(self.shifts) != len(self.axes) or len(set(self.axes)) < len(self.axes)
        if wrong or max(self.axes) >= len(shape):
            raise BadShape(
                "{layer}.axes must be different, below {rank} for input {shape}, and as many as the shifts (got "
                "axes={axes}, shifts={shifts}). Count axes from 0 (channels), without the batch axis. "
                "[roll-axes]",
                layer=self.kind,
                rank=len(shape),
                shape=show_shape(shape),
                axes=self.axes,
                shifts=self.shifts,
            )
        return shape

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        (shape,) = inputs
        shifts = dict(zip(self.axes, self.shifts, strict=True))
        moved = {a: s % shape[a] for a, s in shifts.items()}
        links = [AxisDependency(a, a, Rolled(shape[a], s)) for a, s in moved.items() if s]
        return (Connection(links=(*straight(a for a in range(len(shape)) if not moved.get(a)), *links)),)


@dataclass(frozen=True)
class Expand(Layer):
    """Repeat axes of size 1 up to `shape`; new leading axes may be added.

    Errors:   BadShape [expand-shape]
    Source:   PyTorch `expand`
    """

    shape: Axes = setting(Integers(least=1))
    keyword: ClassVar[str] = "expand"
    positional: ClassVar[tuple[str, ...]] = ("shape",)
    retains: ClassVar[frozenset[str]] = _NOTHING

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        pairs = zip(reversed(shape), reversed(self.shape), strict=False)
        if len(shape) > len(self.shape) or any(old not in (1, new) for old, new in pairs):
            raise BadShape(
                "{layer}.shape must keep the sizes of {shape} that are not 1 (got shape={got}). Only axes of "
                "size 1 can be repeated. [expand-shape]",
                layer=self.kind,
                shape=show_shape(shape),
                got="x".join(map(str, self.shape)),
            )
        return self.shape

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Axes that keep their size go straight through; a repeated one has only one position to see."""
        (shape,) = inputs
        offset = len(self.shape) - len(shape)
        links = tuple(
            AxisDependency(axis + offset, axis, Window())
            for axis, n in enumerate(shape)
            if n == self.shape[axis + offset]
        )
        return (Connection(links=links),)
