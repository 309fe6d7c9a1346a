"""The arrays of a program: parameters, their gradients, running statistics, the optimizer's state."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import numpy as np

from ....network import Network
from ...protocol import Array
from ...reference.layers.graph import buffer_shapes, parameter_shapes, trained_shapes
from ..layout import Floats
from ..plan import Buffer, Role
from .memory_planner import aligned, in_a_row
from .parameters import Flat, Parameters

WHOLE = ""
"""The name of a buffer that is all arrays of its role, one after the other."""


class Arrays:
    """Memory for everything that outlives a step. Parameters lie in a row, and so do their gradients and states.

    Frozen parameters lie apart, so that what runs over all parameters in a row never reads or writes them.
    `version` counts changes of parameters or statistics, for those who keep something made of them.
    """

    def __init__(self, network: Network, slots: Iterable[str]) -> None:
        self.parameter_shapes, self.statistic_shapes = parameter_shapes(network), buffer_shapes(network)
        self.trained_shapes = trained_shapes(network)
        self.slots = tuple(slots)
        self.layouts = Parameters({**self.parameter_shapes, **self.statistic_shapes})
        self.version = 0
        self._prepared: dict[Buffer, Floats] = {}

    def settle(self, training: bool) -> None:
        """Give memory, once all plans have said how arrays lie; those that no kernel reads lie as they are."""
        frozen = {name: shape for name, shape in self.parameter_shapes.items() if name not in self.trained_shapes}
        places = (
            (Role.PARAMETER, self.trained_shapes),
            (Role.FROZEN, frozen),
            (Role.STATISTIC, self.statistic_shapes),
        )
        for role, shapes in places:
            for name, shape in shapes.items():
                if name not in self.layouts.buffers:
                    self.layouts.place(name, Flat(math.prod(shape)), role)
        self._places = {role: in_a_row(self.layouts.of(role).values()) for role, _ in places}
        self.floats = self._places[Role.PARAMETER].floats
        self._arenas = {
            Role.PARAMETER: aligned(self.floats),
            Role.GRADIENT: aligned(self.floats if training else 0),
            Role.FROZEN: aligned(self._places[Role.FROZEN].floats),
            Role.STATISTIC: aligned(self._places[Role.STATISTIC].floats),
        }
        self._states = {slot: aligned(self.floats) for slot in self.slots}

    def names(self) -> tuple[str, ...]:
        """Return parameters, running statistics, then the optimizer's state."""
        states = (f"{name}.{slot}" for name in self.trained_shapes for slot in self.slots)
        return (*self.parameter_shapes, *self.statistic_shapes, *states)

    def read(self, name: str) -> Array:
        """Return a copy of an array in its own shape."""
        owner, memory = self._find(name)
        return self._seen(owner, memory)

    def write(self, name: str, array: Array) -> None:
        """Overwrite an array."""
        owner, memory = self._find(name)
        memory[...] = self.layouts.layouts[owner].pack(np.asarray(array, np.float32))
        self.version += 1

    def gradient(self, name: str) -> Array:
        """Return a copy of a parameter's gradient in its own shape."""
        return self._seen(name, self.locate(self.layouts.gradient(name)))

    def add_gradient(self, name: str, array: Array, first: bool) -> None:
        """Overwrite a parameter's gradient, or add to it."""
        memory = self.locate(self.layouts.gradient(name))
        packed = self.layouts.layouts[name].pack(np.asarray(array, np.float32))
        memory[...] = packed if first else memory + packed

    def all_of(self, role: Role) -> Floats:
        """Return all arrays of a role in a row."""
        return self._arenas[role]

    @property
    def nbytes(self) -> int:
        """Return the bytes of all arrays, prepared ones included."""
        return sum(
            array.nbytes for group in (self._arenas, self._states, self._prepared) for array in group.values()
        )

    def release(self, prepared: Collection[Buffer]) -> None:
        """Let prepared buffers go; they get new memory when they are located again."""
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
        start = self._places[kind].offsets[self.layouts.buffers[buffer.name]]
        return arena[start : start + buffer.fixed]

    def _find(self, name: str) -> tuple[str, Floats]:
        """Return the parameter or statistic that an array belongs to, and the array's memory."""
        if name in self.layouts.buffers:
            return name, self.locate(self.layouts.buffers[name])
        owner, _, slot = name.rpartition(".")
        buffer = self.layouts.buffers[owner]
        start = self._places[Role.PARAMETER].offsets[buffer]
        return owner, self._states[slot][start : start + buffer.fixed]

    def _seen(self, owner: str, memory: Floats) -> Array:
        return np.array(self.layouts.layouts[owner].unpack(memory)).reshape(self.layouts.shapes[owner])
