"""Converters of PyTorch's functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from ..registry import OperatorRegistry

Converter = Callable[..., Any]
"""Called with the Call and the function's own arguments. Returns the layer of each result, None for unknown."""

_REGISTRY: OperatorRegistry[str, Converter] = OperatorRegistry(f"{__package__}.operators")

converts = _REGISTRY.register
"""Decorator that registers a converter for functions by name.

A plain name stands for the function wherever PyTorch has it: `torch.relu`, `torch.relu_`, `Tensor.relu`,
`Tensor.relu_`, `functional.relu`. A dotted name stands for that function alone.
"""


@cache
def converters() -> dict[Any, Converter]:
    """Return the converter of each function of the installed PyTorch.

    Raises:
        ValueError: Where two names lead to one function.
    """
    import torch

    found: dict[Any, Converter] = {}
    for name, converter in _REGISTRY.load().items():
        for function in _functions(torch, name):
            if found.setdefault(function, converter) is not converter:
                raise ValueError(f"{name} is a function that has another converter")
    return found


def _functions(torch: Any, name: str) -> list[Any]:
    homes = {
        "torch": [torch],
        "Tensor": [torch.Tensor],
        "functional": [torch.nn.functional],
        "special": [torch.special],
        "linalg": [torch.linalg],
    }
    home, _, word = name.rpartition(".")
    words = [word] if home or word.endswith("_") else [word, f"{word}_"]
    places = homes[home] if home else [torch, torch.Tensor, torch.nn.functional, torch.special]
    return [getattr(place, one) for place in places for one in words if callable(getattr(place, one, None))]
