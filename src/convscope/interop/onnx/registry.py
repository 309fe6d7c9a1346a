"""Converters of ONNX's operators, by domain, operator and version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple

from ..registry import OperatorRegistry
from .values import REAL, Value

if TYPE_CHECKING:
    from .call import Call

Convert = Callable[["Call"], Sequence[Value | None]]
"""Emits the layers of one node; returns its outputs, None for those that cannot be used."""


class Converter(NamedTuple):
    """A converter, and the input element types for which its layers compute what the operator does."""

    convert: Convert
    types: AbstractSet[int]


class OperatorVersion(NamedTuple):
    """An operator of a domain, and the operator set that introduced this version of it."""

    domain: str
    operator: str
    since: int

    def __str__(self) -> str:
        return f"{self.domain or 'ai.onnx'}.{self.operator} of version {self.since}"


_REGISTRY: OperatorRegistry[OperatorVersion, Converter] = OperatorRegistry(f"{__package__}.operators")


def converts(
    *operators: str, since: Sequence[int], types: AbstractSet[int] = REAL, domain: str = ""
) -> Callable[[Convert], Convert]:
    """Register a converter for operators, each of their versions `since`, and element types."""

    def register(function: Convert) -> Convert:
        keys = [OperatorVersion(domain, operator, version) for operator in operators for version in since]
        _REGISTRY.register(*keys)(Converter(function, types))
        return function

    return register


def converters() -> Mapping[OperatorVersion, Converter]:
    """Return the converter of each version of an operator."""
    return _REGISTRY.load()
