"""A plan: what an engine will do for a network, step by step, before anything is done.

A plan is a value that can be printed. It knows no addresses, no batch size and no numbers but sizes: buffers grow
with the batch, and are laid into memory when the batch is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ...layers.connection import Shape
from .codegen.kernel import Kernel
from .codegen.target import Target
from .layout import Layout

if TYPE_CHECKING:
    from .runtime.fallback import FallbackContext


class Role(StrEnum):
    """Whose memory a buffer lies in."""

    ACTIVATION = "activation"
    """Planned by how long it is needed; its memory is used again in the same step."""
    PARAMETER = "parameter"
    FROZEN = "frozen"
    """One that training leaves as it is: it has no gradient and no state."""
    GRADIENT = "gradient"
    STATISTIC = "statistic"
    STATE = "state"
    """What an optimizer keeps."""
    PREPARED = "prepared"
    """Made of the parameters once, and again when they have changed."""


@dataclass(frozen=True)
class Buffer:
    """A piece of memory. `owner` names the parameter where several buffers belong to one.

    Units:    floats; `per_image` for each image of the batch, `fixed` beside that
    """

    name: str
    role: Role
    per_image: int = 0
    fixed: int = 0

    def floats(self, batch: int) -> int:
        """Return the size for a batch."""
        return self.per_image * batch + self.fixed


@dataclass(frozen=True)
class Amount:
    """A whole number that grows with the batch: `per_image`·batch + `fixed`."""

    per_image: int = 0
    fixed: int = 0


@dataclass(frozen=True)
class RuntimeArg:
    """A number that every run is given anew, by name: "lr", "scale"."""

    name: str


Operand = Buffer | Amount | RuntimeArg


@dataclass(frozen=True)
class Value:
    """What a layer gives: where it lies, how, and how the network sees it.

    `key` tells values apart whose gradients are apart: a view shares its source's. A value is `differentiable`
    where a parameter stands before it, and `rectified` where it comes out of a ReLU.
    """

    key: str
    buffer: Buffer
    layout: Layout
    shape: Shape
    differentiable: bool = False
    rectified: bool = False

    @property
    def floats(self) -> Amount:
        """Return its size."""
        return Amount(self.layout.floats)


@dataclass(frozen=True)
class Call:
    """One kernel on its arguments; `layer` and `purpose` say what for, `reason` why this kernel."""

    kernel: Kernel
    operands: Mapping[str, Operand]
    layer: str
    purpose: str
    reason: str = ""

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """Return the memory it touches."""
        return tuple(operand for operand in self.operands.values() if isinstance(operand, Buffer))


@dataclass(frozen=True)
class FallbackStep:
    """A piece of Python between kernels: a layer that has no kernel and runs on the reference."""

    run: Callable[[FallbackContext], None] = field(repr=False)
    buffers: tuple[Buffer, ...]
    layer: str
    purpose: str
    reason: str = ""


Step = Call | FallbackStep


@dataclass(frozen=True)
class Plan:
    """Sections of steps, run one after the other.

    `values` are layers' outputs by name, as far as they can be read after a run, beside inputs and results;
    `kept` are buffers whose memory is nobody else's. `random` names the layers that draw numbers.
    """

    title: str
    target: Target
    sections: Mapping[str, tuple[Step, ...]]
    values: Mapping[str, Value]
    kept: frozenset[Buffer]
    random: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps of all sections."""
        return tuple(step for section in self.sections.values() for step in section)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Return every kernel once."""
        return tuple(dict.fromkeys(step.kernel for step in self.steps if isinstance(step, Call)))

    def buffers(self, role: Role) -> tuple[Buffer, ...]:
        """Return every buffer of a role once, in order of first use; kept ones that no step touches come last."""
        touched = dict.fromkeys(buffer for step in self.steps for buffer in step.buffers)
        touched.update(dict.fromkeys(sorted(self.kept, key=lambda buffer: buffer.name)))
        return tuple(buffer for buffer in touched if buffer.role is role)
