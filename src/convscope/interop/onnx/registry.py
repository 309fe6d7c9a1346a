"""Which converter reads which operator: keyed by (domain, operator, version)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple

from .values import REAL, Value

if TYPE_CHECKING:
    from .call import Call

Convert = Callable[["Call"], Sequence[Value | None]]
"""Emits the layers of one node; returns its outputs, None for those that nothing can use."""


class Converter(NamedTuple):
    """What reads an operator, and the element types of the inputs for which its layers compute the same."""

    convert: Convert
    types: AbstractSet[int]


Key = tuple[str, str, int]

CONVERTERS: dict[Key, Converter] = {}


class UnsupportedOperator(Exception):
    """A converter's word for: no layer says this. The node becomes an Opaque layer.

    `part` names the attribute, input or element type that is the reason, where there is one.
    """

    def __init__(self, reason: str, part: str = "") -> None:
        super().__init__(reason)
        self.part = part


def converts(
    *operators: str, since: Sequence[int], types: AbstractSet[int] = REAL, domain: str = ""
) -> Callable[[Convert], Convert]:
    """Register a converter for operators, at each version of theirs and for the element types that it reads.

    Errors:   ValueError when two converters read the same operator at the same version
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
