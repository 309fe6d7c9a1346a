"""Interface between models and engines."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from ..arrays import Array as Array
from ..arrays import DType as DType
from ..errors import BadSetting
from ..network import Network
from ..optim.losses import Objective
from ..optim.optimizers import Optimizer

Precision = Literal["fast", "strict"]
"""Whether an engine may use algorithms with larger rounding errors, such as Winograd's."""


@dataclass(frozen=True)
class Training:
    """The training that a network is compiled for."""

    optimizer: Optimizer
    objective: Objective
    clip_norm: float | None = None


def required(training: Training | None) -> Training:
    """Return the training that a program is compiled for.

    Errors:   BadSetting [not-training] for one that is compiled for inference only
    """
    if training is None:
        raise BadSetting(
            "The program was compiled for inference only. Compile it with an optimizer and a loss. [not-training]"
        )
    return training


class Fault(NamedTuple):
    """The first NaN or infinity: the layer, and which of its arrays ("parameters", "output", …)."""

    layer: str
    where: str


class StepResult(NamedTuple):
    """The mean loss of a batch, the number of correct predictions, and the number of targets.

    `correct` is None if targets are values, not classes. A step with a fault has changed nothing.
    """

    loss: float
    correct: int | None
    targets: int
    fault: Fault | None = None


@dataclass(frozen=True)
class LayerStatistics:
    """Statistics of a layer in one observed training step; None where they do not apply.

    `zero_fraction` is, per unit (a channel, or a feature of a vector), the fraction of exact zeros over images and
    positions, for activations that can die. `saturated_fraction` is the fraction of elements whose derivative is
    below 5 % of its maximum, for activations that saturate on both sides. The norms are over all parameters of the
    layer; the update is the change of the parameters.
    """

    zero_fraction: Array | None = None
    saturated_fraction: float | None = None
    gradient_norm: float | None = None
    update_norm: float | None = None
    parameter_norm: float | None = None


class Program(Protocol):
    """A compiled network. It owns every array: parameters, running statistics, optimizer state, activations.

    Arrays have flat names: "conv1.weight", "bn1.running_mean", "conv1.weight.momentum". Returned arrays belong to
    the caller, and arguments are copied. The batch size may vary between calls. Equal calls give bit-identical
    results. Random numbers are stateless: those of step t depend only on the seed given at compilation and on t
    (see `optim.randomness`).

    Frozen parameters have no gradient and no optimizer state, are part of no norm, and are never changed by a
    step. A batch norm that is frozen as a whole uses its running statistics in training too.
    """

    def names(self) -> tuple[str, ...]:
        """Return the names of all arrays of the program's state."""

    def read(self, name: str) -> Array:
        """Return a copy of an array."""

    def write(self, name: str, array: Array) -> None:
        """Overwrite an array by one of the same shape and dtype."""

    def predict(self, x: Array) -> Array:
        """Return the network's output at inference."""

    def activations(self, x: Array, layers: Collection[str] | None = None) -> dict[str, Array]:
        """Return the outputs of the layers at inference; by default of all, inputs included."""

    def differentiate(
        self, x: Array, layer: str, gradient: Callable[[Array], Array], layers: Collection[str]
    ) -> dict[str, tuple[Array, Array]]:
        """Return the outputs of layers at inference, and the gradient of a scalar with respect to each.

        `gradient` maps the output of `layer` to the gradient of the scalar there. It is called once. The gradient
        is zero where the scalar does not depend on a layer.
        """

    def evaluate(self, x: Array, labels: Array) -> StepResult:
        """Return the loss at inference."""

    def gradients(self, x: Array, labels: Array, step: int) -> dict[str, Array]:
        """Return every trained parameter's gradient in step number `step`, before clipping."""

    def step(self, x: Array, labels: Array, lr: float, step: int, observe: bool = False) -> StepResult:
        """Train on one batch: forward, loss, backward, clipping and update.

        `step` counts from 0, when the optimizer's state was new. With `observe`, its `statistics` are available.
        """

    def statistics(self) -> dict[str, LayerStatistics]:
        """Return the statistics of the last observed step, by layer."""


class Engine(Protocol):
    """Compiles networks."""

    @property
    def name(self) -> str:
        """The name that users select it by."""

    def compile(
        self, network: Network, training: Training | None, seed: int, dtype: DType, precision: Precision = "fast"
    ) -> Program:
        """Return a program whose arrays are all zero. Without `training` it cannot run `step`."""
