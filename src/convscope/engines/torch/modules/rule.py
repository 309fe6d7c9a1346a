"""Conversion of layers to PyTorch modules."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

from torch import Tensor, nn

from .... import layers as L
from ....errors import NoRule
from ....layers.connection import Shape

Shapes = tuple[Shape, ...]


@singledispatch
def module_of(layer: L.Layer, shapes: Shapes) -> nn.Module:
    """Return a module that computes the layer on a batch of inputs of these shapes.

    Errors:   NoRule [no-torch] for a layer that PyTorch does not have
    """
    raise NoRule(
        "{kind} has no equivalent PyTorch module. Replace it by layers that PyTorch has. [no-torch]",
        kind=layer.kind,
    )


class Apply(nn.Module):
    """A function of tensors, with a description."""

    def __init__(self, function: Callable[..., Tensor], words: str) -> None:
        super().__init__()
        self.function = function
        self.words = words

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)

    def extra_repr(self) -> str:
        return self.words
