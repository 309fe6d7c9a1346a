"""Optimizers of PyTorch, with their state in tensors of the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from ...errors import BadSetting
from ...optim.optimizers import SGD, Adam, AdamW, Optimizer

STATE_NAMES = {"momentum": "momentum_buffer", "first_moment": "exp_avg", "second_moment": "exp_avg_sq"}
"""PyTorch's names of the arrays in an optimizer's state."""


def update(
    made: torch.optim.Optimizer, state: Mapping[Tensor, Mapping[str, Tensor]], lr: float, step: int
) -> None:
    """Change the parameters by their gradients; `state` holds each parameter's arrays by our names.

    PyTorch keeps the step count in its state. It is reset here, since a program's state consists of arrays only.
    """
    for group in made.param_groups:
        group["lr"] = lr
        for parameter in group["params"]:
            own: dict[str, Any] = {STATE_NAMES[slot]: array for slot, array in state[parameter].items()}
            made.state[parameter] = {"step": torch.tensor(float(step)), **own}
    made.step()


@singledispatch
def optimizer_of(optimizer: Optimizer, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
    """Return PyTorch's optimizer over these parameters.

    Errors:   BadSetting [no-optimizer]
    """
    raise BadSetting(
        "The torch engine has no rule for the optimizer {optimizer}. Use SGD, Adam or AdamW. [no-optimizer]",
        optimizer=type(optimizer).__name__,
    )


@optimizer_of.register
def _(optimizer: SGD, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters, optimizer.lr, optimizer.momentum, 0, optimizer.weight_decay, optimizer.nesterov
    )


@optimizer_of.register
def _(optimizer: Adam, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, optimizer.lr, optimizer.betas, optimizer.eps, optimizer.weight_decay)


@optimizer_of.register
def _(optimizer: AdamW, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, optimizer.lr, optimizer.betas, optimizer.eps, optimizer.weight_decay)
