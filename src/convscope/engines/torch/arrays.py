"""The tensors of a program's state, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...layers.base import ParamShapes
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
