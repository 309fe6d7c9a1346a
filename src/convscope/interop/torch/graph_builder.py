"""Graph builder whose weights are PyTorch's tensors."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING

from ...network import Network
from ..graph_builder import ShapedGraphBuilder

if TYPE_CHECKING:
    from torch import Tensor


class TorchGraphBuilder(ShapedGraphBuilder["Tensor"]):
    """Layers in the order in which they were recorded; those with the same tensors share their parameters."""

    def __init__(self) -> None:
        super().__init__()
        self._parameters: set[int] = set()

    def sharing_key(self, parameters: Mapping[str, Tensor]) -> Hashable | None:
        return tuple(map(id, parameters.values()))

    def share_parameters(self, name: str, parameters: Mapping[str, Tensor]) -> str | None:
        self._parameters.update(map(id, parameters.values()))
        return super().share_parameters(name, parameters)

    def shares_part(self, parameters: Mapping[str, Tensor]) -> bool:
        """Return whether some of these parameters, but not all, belong to another layer."""
        return self.sharing_key(parameters) not in self._owners and not self._parameters.isdisjoint(
            map(id, parameters.values())
        )

    def rollback(self, count: int) -> None:
        super().rollback(count)
        self._parameters = {id(one) for owned in self.parameters.values() for one in owned.values()}

    def build(self, outputs: Iterable[str], name: str) -> Network:
        """Return the network of the layers that outputs depend on; inputs that are not used are left out."""
        return Network(self.needed(outputs), name)
