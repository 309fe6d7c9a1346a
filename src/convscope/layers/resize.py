"""Resizing an image by nearest neighbors or interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ..axis import Resize
from ..errors import BadShape
from ..settings import Axes, Optional, PerAxis, choice, flag, setting
from .base import Layer, show_shape
from .connection import AxisDependency, Connection, Shape, straight
from .operations import Operations

__all__ = [
    "Upsample",
]

_SUPPORT = {"nearest": 1, "linear": 2, "cubic": 4}


@dataclass(frozen=True)
class Upsample(Layer):
    """Resize every channel to `size`, or by `scale_factor`.

    Shapes:   (c, h, w) → (c, size…)
    Errors:   BadShape [upsample-size]
    Source:   PyTorch Upsample (linear is its linear, bilinear or trilinear; cubic its bicubic)
    """

    scale_factor: Axes | None = setting(Optional(PerAxis()), None)
    size: Axes | None = setting(Optional(PerAxis()), None)
    mode: str = choice("nearest", "linear", "cubic", bilinear="linear", trilinear="linear", bicubic="cubic")
    align_corners: bool = flag(False)
    keyword: ClassVar[str] = "upsample"
    positional: ClassVar[tuple[str, ...]] = ("scale_factor",)
    retains: ClassVar[frozenset[str]] = frozenset()

    def resizes(self, shape: Shape) -> tuple[Resize, ...]:
        """Return the resize of each spatial axis."""
        rank = len(shape) - 1
        given = self.size or self.scale_factor
        wrong = (self.size is None) == (self.scale_factor is None) or rank < 1 or given is None
        if wrong or given is None or len(given) not in (1, rank):
            raise BadShape(
                "{layer} must have either size or scale_factor, with one value or one per spatial axis (got "
                "size={size}, scale_factor={scale_factor} for input {shape}). Use scale_factor=2 to double. "
                "[upsample-size]",
                layer=self.kind,
                size=self.size,
                scale_factor=self.scale_factor,
                shape=show_shape(shape),
            )
        numbers = given * rank if len(given) == 1 else given
        sizes = numbers if self.size else tuple(n * f for n, f in zip(shape[1:], numbers, strict=True))
        support = _SUPPORT[self.mode]
        corners = self.align_corners and self.mode != "nearest"
        return tuple(Resize(n, size, support, corners) for n, size in zip(shape[1:], sizes, strict=True))

    def output_shape(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *(resize.size for resize in self.resizes(inputs[0])))

    def operations(self, *inputs: Shape) -> Operations:
        """Return one product per blended neighbor; nearest only copies."""
        if self.mode == "nearest":
            return Operations()
        outputs = prod(self.output_shape(*inputs))
        neighbors = _SUPPORT[self.mode] ** (len(inputs[0]) - 1)
        return Operations(multiplications=outputs * neighbors, additions=outputs * (neighbors - 1))

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        moved = (AxisDependency(axis, axis, one) for axis, one in enumerate(self.resizes(inputs[0]), start=1))
        return (Connection(links=(*straight((0,)), *moved)),)
