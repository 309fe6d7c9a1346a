"""Parameters and statistics in the engine's own order, shared by all plans of a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ....layers.connection import Shape
from ..layout import Floats
from ..plan import Buffer, Role


class ParameterLayout(Protocol):
    """How one array lies in memory."""

    @property
    def floats(self) -> int:
        """Return its size in memory."""

    def pack(self, array: Floats) -> Floats:
        """Return the array as it lies."""

    def unpack(self, array: Floats) -> Floats:
        """Return the array as the network sees it, up to its shape."""


@dataclass(frozen=True)
class Flat:
    """An array as it is."""

    floats: int

    def pack(self, array: Floats) -> Floats:
        """Return (…) as (floats,)."""
        return array.reshape(-1)

    def unpack(self, array: Floats) -> Floats:
        """Return (floats,)."""
        return array


@dataclass
class Parameters:
    """Where each array of a network lies; decided by the first layer that asks."""

    shapes: Mapping[str, Shape]
    layouts: dict[str, ParameterLayout] = field(default_factory=dict)
    buffers: dict[str, Buffer] = field(default_factory=dict)

    def agrees(self, name: str, layout: ParameterLayout) -> bool:
        """Say whether an array may lie so."""
        return self.layouts.get(name, layout) == layout

    def place(self, name: str, layout: ParameterLayout, role: Role) -> Buffer:
        """Return an array's buffer."""
        if name not in self.buffers:
            self.layouts[name] = layout
            self.buffers[name] = Buffer(name, role, fixed=layout.floats)
        return self.buffers[name]

    def gradient(self, name: str) -> Buffer:
        """Return the buffer of a parameter's gradient."""
        return Buffer(name, Role.GRADIENT, fixed=self.buffers[name].fixed)

    def of(self, role: Role) -> dict[str, Buffer]:
        """Return the buffers of a role by name, in the order of the network's arrays."""
        placed = ((name, self.buffers.get(name)) for name in self.shapes)
        return {name: buffer for name, buffer in placed if buffer is not None and buffer.role is role}
