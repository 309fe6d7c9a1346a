"""Losses as values, and which layer's output each compares with the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import BadSetting, nearest
from ..layers import LogSoftmax, Sigmoid, Softmax
from ..network import Network, Node
from .checks import check_number, keep

Reading = Literal["softmax", "sigmoid", "as is"]
"""What turns a network's output into probabilities."""


@dataclass(frozen=True)
class Loss:
    """What a training makes small."""


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """−ln of the probability of the right class, averaged; a share of the certainty is spread over all classes."""

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        smoothing = check_number(
            "CrossEntropy", "label_smoothing", self.label_smoothing, 0, 1, way_out="0.1 is usual"
        )
        keep(self, "label_smoothing", smoothing)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """The mean of squared differences; class numbers count as 1 for the class and 0 for the others."""


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """−ln of the probability of yes or no, averaged over all outputs."""


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "mse": MeanSquaredError,
    "bce": BinaryCrossEntropy,
}
"""By the names of configurations."""


@dataclass(frozen=True)
class Objective:
    """A loss on a network: `scores` names the layer whose output is compared.

    Cross-entropy reads what stands before a last softmax: together they are stable for any scores.
    """

    loss: Loss
    scores: str
    reading: Reading


def loss_named(loss: str | Loss) -> Loss:
    """Return a loss by name.

    Errors:   BadSetting [loss]
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise BadSetting(
            f"fit.loss must be one of {', '.join(LOSSES)}; got loss={loss!r}; {nearest(str(loss), LOSSES)} [loss]"
        )
    return LOSSES[loss]()


def usual_loss(network: Network) -> Loss:
    """Return the loss of a model that names none: cross-entropy, unless the network's end asks for another."""
    last = network.outputs[-1]
    if isinstance(last.layer, Sigmoid):
        return BinaryCrossEntropy()
    elsewhere = isinstance(last.layer, Softmax) and last.layer.along(last.input_shapes[0]) != 0
    return MeanSquaredError() if elsewhere else CrossEntropy()


def objective(network: Network, loss: str | Loss) -> Objective:
    """Decide from the network's last layer which output the loss reads.

    Errors:   BadSetting [loss], [softmax-axis]
    """
    chosen = loss_named(loss)
    last = network.outputs[-1]
    if isinstance(chosen, CrossEntropy):
        if isinstance(last.layer, Softmax):
            _refuse_other_axes(last, last.layer)
            # The softmax of logarithms of probabilities is the probabilities.
            reading: Reading = "softmax" if isinstance(last.layer, LogSoftmax) else "as is"
            return Objective(chosen, last.inputs[0], reading)
        return Objective(chosen, last.name, "softmax")
    if isinstance(chosen, BinaryCrossEntropy):
        if isinstance(last.layer, Sigmoid):
            return Objective(chosen, last.inputs[0], "as is")
        return Objective(chosen, last.name, "sigmoid")
    return Objective(chosen, last.name, "as is")


def _refuse_other_axes(last: Node, layer: Softmax) -> None:
    if layer.along(last.input_shapes[0]) != 0:
        raise BadSetting(
            f"{layer.kind}.axis must be the classes' (0) for cross-entropy; got axis={layer.axis} in "
            f"{last.name!r}; let it run over the first axis, or train on another loss. [softmax-axis]"
        )
