"""Which function of PyTorch is converted by which converter."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

Converter = Callable[..., Any]
"""Called with the Call and the operator's own arguments; returns the layer of each result, None for unknown."""

FAMILIES = (
    "activation",
    "attention",
    "convolution",
    "dense",
    "elementwise",
    "indexing",
    "merge",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "resize",
    "shape",
)
"""The modules of this package that hold converters."""

C = TypeVar("C", bound=Converter)

_CONVERTERS: dict[str, Converter] = {}


def operator(*names: str) -> Callable[[C], C]:
    """Register a converter for functions by name.

    A plain name is the function wherever PyTorch has it: `torch.relu`, `torch.relu_`, `Tensor.relu`,
    `Tensor.relu_`, `functional.relu`. A dotted one is that function alone.

    Errors:   ValueError for a name that has a converter already
    """

    def register(converter: C) -> C:
        for name in names:
            if name in _CONVERTERS:
                raise ValueError(f"{name} has two converters")
            _CONVERTERS[name] = converter
        return converter

    return register


@cache
def converters() -> dict[Any, Converter]:
    """Return the converter of each function object of the installed PyTorch.

    Errors:   ValueError where two names lead to one function
    """
    import torch

    for family in FAMILIES:
        import_module(f"{__package__}.{family}")
    found: dict[Any, Converter] = {}
    for name, converter in _CONVERTERS.items():
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
