"""From a model to a plain PyTorch module."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ...engines.torch.installed import imported
from ...model import Model
from ...network import Network

if TYPE_CHECKING:
    from torch import nn

    from ...engines.torch.graph_module import GraphModule


def to_torch(model: Model | Network | str | os.PathLike[str]) -> nn.Module:
    """Return a PyTorch module that computes what the model does, with the same parameter names and values.

    Its modules stand in a tree by the layers' names, with `_layer` appended where PyTorch has another use for a
    name (`state_names` of the module has the name of each parameter in `state_dict()`). `forward` calls them in
    the network's order, and returns the output, or a dict of outputs by layer name where there are several. A
    network without parameters gets those of `Model(network)`. The module is in training mode, as new modules are.
    Its output is the network's own, without the softmax or sigmoid that `predict` applies for a classifier. Frozen
    parameters do not require a gradient; a frozen batch norm must be put in evaluation mode to keep its running
    statistics, as in PyTorch.

    Errors:   MissingExtra [torch-missing]; NoRule [no-torch] for a layer that PyTorch does not have

    >>> print(to_torch("input 1x6x5 | conv 4 3 | relu | flatten | dense 3"))
    GraphModule(
      (conv1): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1))
      (relu1): ReLU()
      (flatten1): Flatten(start_dim=1, end_dim=-1)
      (dense1): Linear(in_features=48, out_features=3, bias=True)
    )
    """
    torch = imported()
    from ...engines.torch.graph_module import GraphModule

    brought = model if isinstance(model, Model) else Model(model)
    module = GraphModule(brought.network)
    with torch.no_grad():
        for arrays in (brought.parameters, brought.buffers):
            for name in arrays:
                _set(module, name, torch.from_numpy(arrays[name].copy()))
    return module


def _set(module: GraphModule, name: str, value: Any) -> None:
    """Give a parameter or buffer its value; the module keeps the type of whole numbers."""
    tensor = module.array(name)
    tensor.data = value.to(tensor.dtype) if not tensor.is_floating_point() else value
