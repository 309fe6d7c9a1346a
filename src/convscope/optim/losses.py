"""Losses and tasks: what a loss reads, and whether `predict` returns probabilities.

| task | declared by | `predict` returns |
|---|---|---|
| classification | `task="classification"`, cross-entropy | one probability per class, which sum to 1 |
| multi_label | `task="multi_label"`, binary cross-entropy | a probability for each output by itself |
| regression | `task="regression"`, squared errors | the network's own output |
| none | an imported or fresh network | the network's own output |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import BadSetting, suggest
from ..layers import LogSoftmax, Sigmoid, Softmax
from ..network import Network, Node
from ..text.language import Message
from .checks import check_number, set_field

Reading = Literal["softmax", "sigmoid", "as is"]
"""The function that turns a network's output into probabilities."""


@dataclass(frozen=True)
class Loss:
    """Base of all losses."""


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Mean of −ln p of the target class. `label_smoothing` spreads part of the target over all classes."""

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        hint = Message("0.1 is usual.")
        smoothing = check_number("CrossEntropy.label_smoothing", self.label_smoothing, 0, 1, hint=hint)
        set_field(self, "label_smoothing", smoothing)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of squared differences. Class labels are one-hot encoded."""


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Binary cross-entropy, averaged over all outputs."""


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "mse": MeanSquaredError,
    "bce": BinaryCrossEntropy,
}
"""Losses by their names in configurations."""


@dataclass(frozen=True)
class Objective:
    """A loss applied to a network.

    `scores` is the layer whose output the loss reads. Cross-entropy reads the input of a final softmax, since both
    are numerically stable only if computed together. `reading` turns that output into probabilities.
    """

    loss: Loss
    scores: str
    reading: Reading


def get_loss(loss: str | Loss, setting: str = "fit.loss") -> Loss:
    """Return a loss by name. `setting` is what errors call the argument.

    Raises:
        BadSetting: [loss]
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise BadSetting(
            "{setting} must be a loss or its name (got {got!r}). {hint} [loss]",
            setting=setting,
            got=loss,
            hint=suggest(str(loss), LOSSES),
        )
    return LOSSES[loss]()


def default_loss(network: Network) -> Loss:
    """Return the default loss of a network, chosen by its last layer: usually cross-entropy."""
    last = network.outputs[-1]
    if isinstance(last.layer, Sigmoid):
        return BinaryCrossEntropy()
    elsewhere = isinstance(last.layer, Softmax) and last.layer.along(last.input_shapes[0]) != 0
    return MeanSquaredError() if elsewhere else CrossEntropy()


def objective(network: Network, loss: str | Loss) -> Objective:
    """Return a loss applied to a network. The last layer decides which output the loss reads.

    Raises:
        BadSetting: [loss], [softmax-axis]
    """
    chosen = get_loss(loss, "compile.loss")
    last = network.outputs[-1]
    if isinstance(chosen, CrossEntropy):
        if isinstance(last.layer, Softmax):
            _refuse_other_axes(last, last.layer)
            # The softmax of log-probabilities is the probabilities.
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
            "{kind}.axis must be the class axis (0) for cross-entropy (got axis={axis} in {layer!r}). "
            "Normalize over the first axis, or use another loss. [softmax-axis]",
            kind=layer.kind,
            axis=layer.axis,
            layer=last.name,
        )


Task = Literal["classification", "multi_label", "regression"]

TASKS: tuple[Task, ...] = get_args(Task)

_LOSSES: dict[Task, type[Loss]] = {
    "classification": CrossEntropy,
    "multi_label": BinaryCrossEntropy,
    "regression": MeanSquaredError,
}


def check_task(task: object) -> Task | None:
    """Check a task and return it. None means that no task is declared.

    Raises:
        BadSetting: [task]
    """
    known = str(task).replace("-", "_")
    if task is None or known in TASKS:
        return None if task is None else known  # type: ignore[return-value]
    raise BadSetting(
        "{setting} must be the name of a task, or None (got {got!r}). {hint} [task]",
        setting="Model.task",
        got=task,
        hint=suggest(known, TASKS),
    )


def check_probabilities(probabilities: object) -> bool | None:
    """Check that the argument is True, False or None.

    Raises:
        BadSetting: [probabilities]
    """
    if probabilities is None or isinstance(probabilities, bool):
        return probabilities
    raise BadSetting(
        "{setting} must be True, False or None (got {got!r}). Leave it out to follow the model's task. "
        "[probabilities]",
        setting="predict.probabilities",
        got=probabilities,
    )


def loss_for(task: Task) -> Loss:
    """Return the default loss of a task."""
    return _LOSSES[task]()


def task_of(loss: Loss) -> Task:
    """Return the task that a loss implies."""
    return next(task for task, kind in _LOSSES.items() if isinstance(loss, kind))


def probability_reading(network: Network, task: Task | None, objective: Objective | None) -> Reading:
    """Return the function that turns a network's output into probabilities.

    If `objective` has the loss of the task, the probabilities are those that the loss reads. Otherwise the last
    layer decides: a softmax or sigmoid outputs probabilities already, and a single channel is binary.
    """
    if objective is not None and task == task_of(objective.loss) != "regression":
        return objective.reading
    last = network.outputs[-1]
    if isinstance(last.layer, LogSoftmax):
        return "softmax"  # of log-probabilities: these are the probabilities
    if isinstance(last.layer, Softmax | Sigmoid):
        return "as is"
    return "sigmoid" if task == "multi_label" or last.output_shape[0] == 1 else "softmax"
