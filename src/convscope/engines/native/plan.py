"""The plan of a network: every step of a training step or of inference, known before anything runs.

A plan is a printable, immutable value without addresses and without a batch size. Buffers grow with the batch, and
are placed in memory once the batch size is known.
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


class PlanKind(StrEnum):
    """What a plan is for."""

    TRAINING = "training"
    OBSERVED = "observed"
    """Training, with the outputs that layer statistics need kept."""
    UPDATE = "update"
    INFERENCE = "inference"
    EVERY_LAYER = "every layer"
    """Inference, with the output of every layer kept."""
    GRADIENTS = "gradients"
    """Inference, and the gradients of a target with respect to the outputs of layers."""


class PlanSection(StrEnum):
    """Parts of a plan that are run separately."""

    PREPARE = "prepare"
    """Derives weights from the parameters. Run only after the parameters have changed."""
    FORWARD = "forward"
    LOSS = "loss"
    BACKWARD = "backward"
    NORM = "norm"
    """Computes the norm of all gradients."""
    UPDATE = "update"


class PlanValue(StrEnum):
    """Values of a plan that are not the output of a layer. No layer's name contains a space."""

    LABELS = "the labels"
    LOSSES = "the losses"
    CORRECT = "the hits"
    SQUARES = "the squares"


def gradient_of(layer: str) -> str:
    """Return the name of the gradient of a layer's output among the values of a plan."""
    return f"the gradient of {layer}"


class Role(StrEnum):
    """Which memory a buffer is placed in."""

    ACTIVATION = "activation"
    """Planned by lifetime: buffers of one step share memory."""
    PARAMETER = "parameter"
    FROZEN = "frozen"
    """A parameter that is not trained: it has no gradient and no optimizer state."""
    GRADIENT = "gradient"
    STATISTIC = "statistic"
    STATE = "state"
    """Optimizer state."""
    PREPARED = "prepared"
    """Derived from the parameters, and updated when they have changed."""


@dataclass(frozen=True)
class Buffer:
    """A piece of memory.

    Units:    floats; `per_image` for each image of the batch, plus `fixed`
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
    """An integer argument that grows with the batch: `per_image`·batch + `fixed`."""

    per_image: int = 0
    fixed: int = 0


@dataclass(frozen=True)
class RuntimeArg:
    """A scalar argument with a new value in every run, such as the learning rate; of one `layer` or of all."""

    name: str
    layer: str = ""


Operand = Buffer | Amount | RuntimeArg


@dataclass(frozen=True)
class Value:
    """The output of a layer: its buffer, its layout there, and its shape in the network.

    Values with the same `key` share one gradient: a view has the key of its source. A value is `differentiable` if
    it depends on a trained parameter, and `rectified` if it is the output of a ReLU.
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
class KernelCall:
    """One call of a kernel.

    `purpose` says what the call computes for `layer`, `fused` what else it computes in the
    same pass, and `reason`, a message, why this kernel was selected.
    """

    kernel: Kernel
    operands: Mapping[str, Operand]
    layer: str
    purpose: str
    reason: str = ""
    fused: tuple[str, ...] = ()

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """Return the memory it reads and writes."""
        return tuple(operand for operand in self.operands.values() if isinstance(operand, Buffer))


@dataclass(frozen=True)
class FallbackStep:
    """A Python function run between kernels, for a layer that has no kernel."""

    run: Callable[[FallbackContext], None] = field(repr=False)
    buffers: tuple[Buffer, ...]
    layer: str
    purpose: str
    reason: str = ""
    fused: tuple[str, ...] = ()


PlanStep = KernelCall | FallbackStep


@dataclass(frozen=True)
class Plan:
    """Sections of steps.

    `values` are the inputs, layer outputs and results that can be read after a run, by name. `kept` are buffers
    that share their memory with no other. `random` names the layers that draw random numbers.
    """

    title: str
    target: Target
    sections: Mapping[PlanSection, tuple[PlanStep, ...]]
    values: Mapping[str, Value]
    kept: frozenset[Buffer]
    random: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[PlanStep, ...]:
        """Return the steps of all sections."""
        return tuple(step for section in self.sections.values() for step in section)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Return every distinct kernel, in order of first use."""
        return tuple(dict.fromkeys(step.kernel for step in self.steps if isinstance(step, KernelCall)))

    def buffers(self, role: Role) -> tuple[Buffer, ...]:
        """Return every distinct buffer of a role in order of first use, then kept ones that no step uses."""
        touched = dict.fromkeys(buffer for step in self.steps for buffer in step.buffers)
        touched.update(dict.fromkeys(sorted(self.kept, key=lambda buffer: buffer.name)))
        return tuple(buffer for buffer in touched if buffer.role is role)
