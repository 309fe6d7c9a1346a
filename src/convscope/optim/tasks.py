"""What a model is for, and whether its output is read as probabilities.

| task | declared by | `predict` returns |
|---|---|---|
| classification | `task="classification"`, cross-entropy | one probability per class, which sum to 1 |
| multi_label | `task="multi_label"`, binary cross-entropy | a probability for each output by itself |
| regression | `task="regression"`, squared errors | the network's own output |
| none | an imported or fresh network | the network's own output |
"""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import BadSetting, nearest
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


def checked_task(task: object) -> Task | None:
    """Return a task as it is known; None declares none.

    Errors:   BadSetting [task]
    """
    known = str(task).replace("-", "_")
    if task is None or known in TASKS:
        return None if task is None else known  # type: ignore[return-value]
    raise BadSetting(
        f"Model.task must be one of {', '.join(TASKS)}, or None; got task={task!r}; {nearest(known, TASKS)} [task]"
    )


def checked_probabilities(probabilities: object) -> bool | None:
    """Return the argument if it is True, False or None.

    Errors:   BadSetting [probabilities]
    """
    if probabilities is None or isinstance(probabilities, bool):
        return probabilities
    raise BadSetting(
        f"probabilities must be True, False or None; got probabilities={probabilities!r}; "
        "leave it out for what the model's task says. [probabilities]"
    )


def loss_for(task: Task) -> Loss:
    """Return the loss that a task is usually trained with."""
    return _LOSSES[task]()


def task_of(loss: Loss) -> Task:
    """Return the task that training with this loss implies."""
    return next(task for task, kind in _LOSSES.items() if isinstance(loss, kind))


def probability_reading(network: Network, task: Task | None, objective: Objective | None) -> Reading:
    """Return what turns a network's output into probabilities.

    `objective` is that of a chosen loss: where it is the task's, probabilities are those that the loss compares.
    Otherwise the network's end decides: a softmax or sigmoid gives them already, one channel is yes or no.
    """
    if objective is not None and task == task_of(objective.loss) != "regression":
        return objective.reading
    last = network.outputs[-1]
    if isinstance(last.layer, LogSoftmax):
        return "softmax"  # the softmax of logarithms of probabilities is the probabilities
    if isinstance(last.layer, Softmax | Sigmoid):
        return "as is"
    return "sigmoid" if task == "multi_label" or last.output_shape[0] == 1 else "softmax"
