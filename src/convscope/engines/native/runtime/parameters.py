"""Parameters, gradients, running statistics and optimizer state of a program, and their layout in memory."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ....layers.connection import Shape
from ....network import Network
from ...protocol import Array
from ...reference.layers.graph import buffer_shapes, parameter_shapes, trained_shapes
from ..layout import Floats
from ..plan import Buffer, Role
from .memory_planner import aligned, place_in_order

WHOLE = ""
"""The name of a buffer that spans all arrays of its role."""


class ParameterLayout(Protocol):
    """The layout of one array in memory."""

    @property
    def floats(self) -> int:
        """The size in memory."""

    def pack(self, array: Floats) -> Floats:
        """Return the array in this layout."""

    def unpack(self, array: Floats) -> Floats:
        """Return the array in NumPy's layout, up to its shape."""


@dataclass(frozen=True)
class Flat:
    """NumPy's layout."""

    floats: int

    def pack(self, array: Floats) -> Floats:
        return array.reshape(-1)

    def unpack(self, array: Floats) -> Floats:
        return array


@dataclass
class Parameters:
    """The layout and buffer of each array. The first layer that uses an array decides."""

    shapes: Mapping[str, Shape]
    layouts: dict[str, ParameterLayout] = field(default_factory=dict)
    buffers: dict[str, Buffer] = field(default_factory=dict)

    def agrees(self, name: str, layout: ParameterLayout) -> bool:
        """Say whether an array has this layout, or none yet."""
        return self.layouts.get(name, layout) == layout

    def place(self, name: str, layout: ParameterLayout, role: Role) -> Buffer:
        """Return an array's buffer, which is new for its first user."""
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


class Arrays:
    """The memory of everything that outlives a step.

    Trained parameters are contiguous, and so are their gradients and each slot of the optimizer state: an update
    is one pass. Frozen parameters are stored apart from them. `version` counts changes of parameters and
    statistics, to invalidate what is derived from them.
    """

    def __init__(self, network: Network, slots: Iterable[str]) -> None:
        self.parameter_shapes, self.statistic_shapes = parameter_shapes(network), buffer_shapes(network)
        self.trained_shapes = trained_shapes(network)
        self.slots = tuple(slots)
        self.layouts = Parameters({**self.parameter_shapes, **self.statistic_shapes})
        self.version = 0
        self._prepared: dict[Buffer, Floats] = {}

    def settle(self, training: bool) -> None:
        """Allocate memory, after lowering has chosen layouts. Arrays that no kernel reads have NumPy's layout."""
        frozen = {name: shape for name, shape in self.parameter_shapes.items() if name not in self.trained_shapes}
        groups = (
            (Role.PARAMETER, self.trained_shapes),
            (Role.FROZEN, frozen),
            (Role.STATISTIC, self.statistic_shapes),
        )
        for role, shapes in groups:
            for name, shape in shapes.items():
                if name not in self.layouts.buffers:
                    self.layouts.place(name, Flat(math.prod(shape)), role)
        self._offsets = {role: place_in_order(self.layouts.of(role).values()) for role, _ in groups}
        self.floats = self._offsets[Role.PARAMETER].floats
        self._arenas = {
            Role.PARAMETER: aligned(self.floats),
            Role.GRADIENT: aligned(self.floats if training else 0),
            Role.FROZEN: aligned(self._offsets[Role.FROZEN].floats),
            Role.STATISTIC: aligned(self._offsets[Role.STATISTIC].floats),
        }
        self._states = {slot: aligned(self.floats) for slot in self.slots}

    def names(self) -> tuple[str, ...]:
        """Return the names of parameters, then of running statistics and of optimizer state."""
        states = (f"{name}.{slot}" for name in self.trained_shapes for slot in self.slots)
        return (*self.parameter_shapes, *self.statistic_shapes, *states)

    def read(self, name: str) -> Array:
        """Return a copy of an array in its own shape."""
        owner, memory = self._find(name)
        return self._unpack(owner, memory)

    def write(self, name: str, array: Array) -> None:
        """Overwrite an array."""
        owner, memory = self._find(name)
        memory[...] = self.layouts.layouts[owner].pack(np.asarray(array, np.float32))
        self.version += 1

    def gradient(self, name: str) -> Array:
        """Return a copy of a parameter's gradient in its own shape."""
        return self._unpack(name, self.locate(self.layouts.gradient(name)))

    def add_gradient(self, name: str, array: Array, first: bool) -> None:
        """Add to a parameter's gradient; overwrite it if `first`."""
        memory = self.locate(self.layouts.gradient(name))
        packed = self.layouts.layouts[name].pack(np.asarray(array, np.float32))
        memory[...] = packed if first else memory + packed

    def all_of(self, role: Role) -> Floats:
        """Return the memory of all arrays of a role."""
        return self._arenas[role]

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays, prepared weights included."""
        return sum(
            array.nbytes for group in (self._arenas, self._states, self._prepared) for array in group.values()
        )

    def release(self, prepared: Collection[Buffer]) -> None:
        """Free prepared buffers. They are allocated again when they are located again."""
        for buffer in prepared:
            self._prepared.pop(buffer, None)

    def locate(self, buffer: Buffer) -> Floats:
        """Return the memory of a buffer that outlives a step."""
        if buffer.role is Role.PREPARED:
            if buffer not in self._prepared:
                self._prepared[buffer] = aligned(buffer.fixed)
            return self._prepared[buffer]
        if buffer.role is Role.STATE:
            return self._states[buffer.name]
        arena = self._arenas[buffer.role]
        if buffer.name == WHOLE:
            return arena
        kind = Role.PARAMETER if buffer.role is Role.GRADIENT else buffer.role
        start = self._offsets[kind].offsets[self.layouts.buffers[buffer.name]]
        return arena[start : start + buffer.fixed]

    def _find(self, name: str) -> tuple[str, Floats]:
        """Return the parameter or statistic that an array belongs to, and the array's memory."""
        if name in self.layouts.buffers:
            return name, self.locate(self.layouts.buffers[name])
        owner, _, slot = name.rpartition(".")
        buffer = self.layouts.buffers[owner]
        start = self._offsets[Role.PARAMETER].offsets[buffer]
        return owner, self._states[slot][start : start + buffer.fixed]

    def _unpack(self, owner: str, memory: Floats) -> Array:
        return np.array(self.layouts.layouts[owner].unpack(memory)).reshape(self.layouts.shapes[owner])
