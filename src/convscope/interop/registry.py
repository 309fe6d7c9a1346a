"""Registry of the converters of an importer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Generic, TypeVar

FAMILIES = (
    "activation",
    "convolution",
    "dense",
    "elementwise",
    "indexing",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "shape",
)
"""Modules of an `operators` package, one per family of layers. An importer need not have all of them."""

Key = TypeVar("Key", bound=Hashable)
Converter = TypeVar("Converter")
C = TypeVar("C")


class OperatorRegistry(Generic[Key, Converter]):
    """Converters by operator.

    The modules of the package `operators` register their converters when they are imported.

    >>> registry: OperatorRegistry[str, object] = OperatorRegistry("convscope.interop.torch.operators")
    >>> @registry.register("relu", "relu_")
    ... def convert(call): ...
    >>> registry.register("relu")(convert)
    Traceback (most recent call last):
    ValueError: relu has two converters
    """

    def __init__(self, operators: str) -> None:
        self._operators = operators
        self._converters: dict[Key, Converter] = {}
        self._is_loaded = False

    def register(self, *keys: Key) -> Callable[[C], C]:
        """Return a decorator that registers a converter for these operators.

        Raises:
            ValueError: For an operator that has a converter already.
        """

        def decorate(converter: C) -> C:
            for key in keys:
                if key in self._converters:
                    raise ValueError(f"{key} has two converters")
                self._converters[key] = converter  # type: ignore[assignment]
            return converter

        return decorate

    def load(self) -> Mapping[Key, Converter]:
        """Import all modules of operators, once, and return the converters."""
        if not self._is_loaded:
            self._is_loaded = True
            for family in FAMILIES:
                module = f"{self._operators}.{family}"
                if find_spec(module) is not None:
                    import_module(module)
        return self._converters
