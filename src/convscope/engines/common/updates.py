"""In-place updates of the optimizers, as in PyTorch."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from ...errors import BadSetting
from ...optim.optimizers import SGD, Adam, AdamW, Optimizer
from ..protocol import Array


@singledispatch
def state_slots(optimizer: Optimizer) -> tuple[str, ...]:
    """Return the names of an optimizer's state arrays of each parameter."""
    raise _unknown(optimizer, "state_slots")


@singledispatch
def update(
    optimizer: Optimizer, parameter: Array, gradient: Array, state: dict[str, Array], lr: float, step: int
) -> None:
    """Change a parameter and its state, all zero before step 0."""
    raise _unknown(optimizer, "update")


def _unknown(optimizer: Optimizer, question: str) -> BadSetting:
    return BadSetting(
        "There is no {question} rule for the optimizer {optimizer}. Use SGD, Adam or AdamW. [no-{code}]",
        question=question,
        optimizer=type(optimizer).__name__,
        code=question.replace("_", "-"),
    )


@state_slots.register
def _(optimizer: SGD) -> tuple[str, ...]:
    return ("momentum",) if optimizer.momentum else ()


@update.register
def _(optimizer: SGD, parameter: Array, gradient: Array, state: dict[str, Array], lr: float, step: int) -> None:
    direction = gradient + optimizer.weight_decay * parameter if optimizer.weight_decay else gradient
    if optimizer.momentum:
        velocity = state["momentum"]
        velocity *= optimizer.momentum
        velocity += direction
        direction = direction + optimizer.momentum * velocity if optimizer.nesterov else velocity
    parameter -= lr * direction


@state_slots.register
def _(optimizer: Adam) -> tuple[str, ...]:
    return ("first_moment", "second_moment")


@update.register
def _(optimizer: Adam, parameter: Array, gradient: Array, state: dict[str, Array], lr: float, step: int) -> None:
    if optimizer.weight_decay:
        gradient = gradient + optimizer.weight_decay * parameter
    _move_by_moments(optimizer, parameter, gradient, state, lr, step)


@state_slots.register
def _(optimizer: AdamW) -> tuple[str, ...]:
    return ("first_moment", "second_moment")


@update.register
def _(optimizer: AdamW, parameter: Array, gradient: Array, state: dict[str, Array], lr: float, step: int) -> None:
    parameter *= 1 - lr * optimizer.weight_decay
    _move_by_moments(optimizer, parameter, gradient, state, lr, step)


def _move_by_moments(
    optimizer: Adam | AdamW, parameter: Array, gradient: Array, state: dict[str, Array], lr: float, step: int
) -> None:
    """Move against the mean gradient over the root of its mean square, both bias-corrected.

    Source:   Kingma & Ba 2015, algorithm 1; PyTorch Adam
    """
    (beta1, beta2), count = optimizer.betas, step + 1
    first, second = state["first_moment"], state["second_moment"]
    first += (1 - beta1) * (gradient - first)
    second *= beta2
    second += (1 - beta2) * np.square(gradient)
    root = np.sqrt(second) / (1 - beta2**count) ** 0.5 + optimizer.eps
    parameter -= lr / (1 - beta1**count) * first / root
