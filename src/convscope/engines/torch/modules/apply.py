"""A function of tensors as a module."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


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
