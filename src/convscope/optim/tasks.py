"""Tasks of models, and whether `predict` returns probabilities.

| task | declared by | `predict` returns |
|---|---|---|
| classification | `task="classification"`, cross-entropy | one probability per class, which sum to 1 |
| multi_label | `task="multi_label"`, binary cross-entropy | a probability for each output by itself |
| regression | `task="regression"`, squared errors | the network's own output |
| none | an imported or fresh network | the network's own output |
"""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import BadSetting, suggest
from ..layers import LogSoftmax, Sigmoid, Softmax
from ..network import Network
from .losses import BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError, Objective, Reading

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
