"""Converters of operators, keyed by domain, operator and version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple

from .values import REAL, Value

if TYPE_CHECKING:
    from .call import Call

Convert = Callable[["Call"], Sequence[Value | None]]
"""Emits the layers of one node; returns its outputs, None for those that cannot be used."""


class Converter(NamedTuple):
    """A converter, and the input element types for which its layers compute what the operator does."""

    convert: Convert
    types: AbstractSet[int]


Key = tuple[str, str, int]

CONVERTERS: dict[Key, Converter] = {}


def converts(
    *operators: str, since: Sequence[int], types: AbstractSet[int] = REAL, domain: str = ""
) -> Callable[[Convert], Convert]:
    """Register a converter for operators, each of their versions `since`, and element types.

    Raises:
        ValueError: if an operator's version has a converter already.
    """

    def register(function: Convert) -> Convert:
        for operator in operators:
            for version in since:
                if (domain, operator, version) in CONVERTERS:
                    raise ValueError(f"two converters for {domain or 'ai.onnx'}.{operator} of version {version}")
                CONVERTERS[domain, operator, version] = Converter(function, types)
        return function

    return register


def converter_for(domain: str, operator: str, since: int) -> Converter | None:
    """Return the converter of an operator's version."""
    return CONVERTERS.get((domain, operator, since))
