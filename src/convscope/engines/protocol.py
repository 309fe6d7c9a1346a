"""The seam between a model and what computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from ..arrays import Array as Array
from ..arrays import DType as DType
from ..errors import BadSetting
from ..network import Network
from ..optim.losses import Objective
from ..optim.optimizers import Optimizer

Precision = Literal["fast", "strict"]
"""Whether an engine may use algorithms that round more than the plain sums do."""


@dataclass(frozen=True)
class Training:
    """What is known of the training when a network is compiled for it."""

    optimizer: Optimizer
    objective: Objective
    clip_norm: float | None = None


def required(training: Training | None) -> Training:
    """Return what a program is compiled for.

    Errors:   BadSetting [not-training] for one that is compiled for inference only
    """
    if training is None:
        raise BadSetting(
            "a program must be compiled for training to know a loss; got one for inference only; "
            "compile it with an optimizer and a loss. [not-training]"
        )
    return training


class Fault(NamedTuple):
    """Where NaN or infinity came up first: the layer, and which of its arrays ("parameters", "output", …)."""

    layer: str
    where: str


class StepResult(NamedTuple):
    """The mean loss of a batch, how many of its targets were met, of how many; a fault where there was one.

    `correct` is None where targets are numbers and no classes. A step with a fault has changed nothing.
    """

    loss: float
    correct: int | None
    targets: int
    fault: Fault | None = None


@dataclass(frozen=True)
class LayerStatistics:
    """What one observed step showed of a layer; None where the question does not arise.

    `zero_fraction` is, per unit (a channel, or a feature of a vector), the share of exact zeros over images and
    positions: only of activations that can die. `saturated_fraction` is the share of elements whose derivative
    is below 5 % of its largest: only of activations that saturate on both sides. The norms are over all
    parameters of the layer; the update is what the step changed.
    """

    zero_fraction: Array | None = None
    saturated_fraction: float | None = None
    gradient_norm: float | None = None
    update_norm: float | None = None
    parameter_norm: float | None = None


class Program(Protocol):
    """A compiled network. It owns every array: parameters, running statistics, optimizer state, activations.

    Arrays are named flat: "conv1.weight", "bn1.running_mean", "conv1.weight.momentum". An array that is handed
    out belongs to the caller (an engine that uses its memory again copies), one that comes in is copied. The
    batch size may differ from call to call. The same calls give the same bits. Randomness has no state: all
    that step t draws follows from the seed given at compilation and t (see `optim.randomness`).

    Frozen parameters have no gradient and no optimizer state, count in no norm, and are never written by a step. A
    batch norm that is frozen as a whole normalizes with its running statistics in training, too.
    """

    def names(self) -> tuple[str, ...]:
        """Return the names of all arrays that make up the program's state."""

    def read(self, name: str) -> Array:
        """Return a copy of an array."""

    def write(self, name: str, array: Array) -> None:
        """Overwrite an array; shape and number type must be its own."""

    def predict(self, x: Array) -> Array:
        """Return the network's output at inference."""

    def activations(self, x: Array) -> dict[str, Array]:
        """Return every layer's output at inference, inputs included."""

    def evaluate(self, x: Array, labels: Array) -> StepResult:
        """Return the loss at inference."""

    def gradients(self, x: Array, labels: Array, step: int) -> dict[str, Array]:
        """Return every trained parameter's gradient as step number `step` would find it, before clipping."""

    def step(self, x: Array, labels: Array, lr: float, step: int, observe: bool = False) -> StepResult:
        """Train on one batch: forward, loss, backward, clipping and update are one compiled whole.

        `step` counts from 0 since the optimizer's state was new. With `observe`, `statistics` answers for it.
        """

    def statistics(self) -> dict[str, LayerStatistics]:
        """Return what the last observed step showed, by layer."""


class Engine(Protocol):
    """Compiles networks."""

    @property
    def name(self) -> str:
        """Return the name that users choose it by."""

    def compile(
        self, network: Network, training: Training | None, seed: int, dtype: DType, precision: Precision = "fast"
    ) -> Program:
        """Return a program whose arrays are all zero; without `training` it cannot run `step`."""
