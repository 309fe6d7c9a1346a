"""Export to plain PyTorch modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...engines.protocol import Array
from ...engines.torch.installed import imported
from ...network import Network

if TYPE_CHECKING:
    from torch import nn

    from ...engines.torch.graph_module import GraphModule


def write_module(network: Network, parameters: Mapping[str, Array], buffers: Mapping[str, Array]) -> nn.Module:
    """Return a PyTorch module of a network with these parameters and buffers.

    Raises:
        MissingExtra: [torch-missing]
        NoRule: [no-torch] for a layer that PyTorch does not have.
    """
    torch = imported()
    from ...engines.torch.graph_module import GraphModule

    module = GraphModule(network)
    with torch.no_grad():
        for arrays in (parameters, buffers):
            for name in arrays:
                _assign(module, name, torch.from_numpy(arrays[name].copy()))
    return module


def _assign(module: GraphModule, name: str, value: Any) -> None:
    """Assign a parameter or buffer; integers are converted to the module's type."""
    tensor = module.array(name)
    tensor.data = value.to(tensor.dtype) if not tensor.is_floating_point() else value
