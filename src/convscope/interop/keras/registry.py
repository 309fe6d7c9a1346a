"""Which layer or function of Keras is converted by which converter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .flow import Flow

if TYPE_CHECKING:
    from .call import Call

Converter = Callable[["Call"], Flow | Sequence[Flow]]
"""Adds layers for a call, and returns what flows on: one flow per output."""

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
    "preprocessing",
    "recurrent",
    "reduction",
    "resize",
    "shape",
)
"""The modules of `operators` that hold converters."""

_CONVERTERS: dict[str, Converter] = {}


def converts(*names: str) -> Callable[[Converter], Converter]:
    """Register a converter for classes by name: `layers.Conv2D`, or `ops.numpy.Add` for a function's operation.

    Errors:   ValueError for a name that has a converter already
    """

    def register(converter: Converter) -> Converter:
        for name in names:
            if name in _CONVERTERS:
                raise ValueError(f"{name} has two converters")
            _CONVERTERS[name] = converter
        return converter

    return register


def known_names() -> list[str]:
    """Return the names of all classes that have a converter."""
    for family in FAMILIES:
        import_module(f"{__package__}.operators.{family}")
    return sorted(_CONVERTERS)


@cache
def _converters() -> dict[type, Converter]:
    """Return the converter of each class of the installed Keras; classes that it does not have are left out."""
    found: dict[type, Converter] = {}
    for name in known_names():
        home, _, word = name.rpartition(".")
        module = import_module("keras.layers" if home == "layers" else f"keras.src.{home}")
        kind = getattr(module, word, None)
        if kind is not None:
            found[kind] = _CONVERTERS[name]
    return found


def _call_of(kind: type) -> Any:
    return getattr(kind, "call", None)


def converter_of(operation: Any) -> Converter | None:
    """Return what converts a layer or operation: its class's, or that of a base whose `call` it has."""
    known = _converters()
    for kind in type(operation).__mro__:
        if kind in known:
            return known[kind] if _call_of(type(operation)) is _call_of(kind) else None
    return None
