"""Tensors of a program's state by name, and PyTorch's optimizers over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor

from ...errors import BadSetting
from ...layers.base import ParamShapes
from ...optim.optimizers import SGD, Adam, AdamW, Optimizer
from .graph_module import GraphModule


class TorchArrays:
    """Parameters, running statistics and the optimizer's state by flat names, all zero at first.

    `learned` are the parameters that are not frozen.

    Statistics that PyTorch keeps as whole numbers (indices) are handed out and taken as the program's numbers.
    """

    def __init__(
        self,
        module: GraphModule,
        parameters: ParamShapes,
        buffers: ParamShapes,
        slots: Sequence[str],
        dtype: torch.dtype,
    ) -> None:
        self.dtype = dtype
        self.parameters = {name: module.array(name) for name in parameters}
        self.buffers = {name: module.array(name) for name in buffers}
        with torch.no_grad():
            for tensor in (*self.parameters.values(), *self.buffers.values()):
                tensor.zero_()
        self.learned = {name: tensor for name, tensor in self.parameters.items() if tensor.requires_grad}
        self.state = {
            tensor: {slot: torch.zeros_like(tensor, requires_grad=False) for slot in slots}
            for tensor in self.learned.values()
        }
        kept = {
            f"{name}.{slot}": array
            for name, tensor in self.learned.items()
            for slot, array in self.state[tensor].items()
        }
        self._all: dict[str, Tensor] = {**self.parameters, **self.buffers, **kept}

    def names(self) -> tuple[str, ...]:
        """Return parameters, running statistics, then the optimizer's state."""
        return tuple(self._all)

    def read(self, name: str) -> Any:
        """Return a copy of an array."""
        return self._all[name].detach().to(self.dtype, copy=True).numpy()

    def write(self, name: str, array: Any) -> None:
        """Overwrite an array."""
        with torch.no_grad():
            self._all[name].copy_(torch.from_numpy(array.copy()))


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
