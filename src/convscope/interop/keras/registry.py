"""Converters of Keras' layers and functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..registry import OperatorRegistry
from .symbolic import SymbolicTensor

if TYPE_CHECKING:
    from .call import Call

Converter = Callable[["Call"], SymbolicTensor | Sequence[SymbolicTensor]]
"""Adds layers for a call, and returns its outputs."""

_REGISTRY: OperatorRegistry[str, Converter] = OperatorRegistry(f"{__package__}.operators")

converts = _REGISTRY.register
"""Decorator that registers a converter for classes by name: `layers.Conv2D`, or `ops.numpy.Add` for a function."""


def known_names() -> list[str]:
    """Return the names of all classes that have a converter."""
    return sorted(_REGISTRY.load())


@cache
def _converters() -> dict[type, Converter]:
    """Return the converter of each class of the installed Keras; classes that it does not have are left out."""
    found: dict[type, Converter] = {}
    for name, converter in _REGISTRY.load().items():
        home, _, word = name.rpartition(".")
        module = import_module("keras.layers" if home == "layers" else f"keras.src.{home}")
        kind = getattr(module, word, None)
        if kind is not None:
            found[kind] = converter
    return found


def _call_of(kind: type) -> Any:
    return getattr(kind, "call", None)


def converter_of(operation: Any) -> Converter | None:
    """Return the converter of a layer's or operation's class, or of a base class whose `call` it inherits."""
    known = _converters()
    for kind in type(operation).__mro__:
        if kind in known:
            return known[kind] if _call_of(type(operation)) is _call_of(kind) else None
    return None
