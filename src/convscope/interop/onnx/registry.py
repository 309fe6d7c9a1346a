"""Which converter reads which operator: keyed by (domain, operator, version)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .values import Value

if TYPE_CHECKING:
    from .call import Call

Converter = Callable[["Call"], Sequence[Value | None]]
"""Emits the layers of one node; returns its outputs, None for those that nothing can use."""

Key = tuple[str, str, int]

CONVERTERS: dict[Key, Converter] = {}


class Unmapped(Exception):
    """A converter's word for: no layer says this. The node becomes an Opaque layer."""


def converts(*operators: str, since: Sequence[int], domain: str = "") -> Callable[[Converter], Converter]:
    """Register a converter for operators, at each version of theirs that it reads.

    Errors:   ValueError when two converters read the same operator at the same version
    """

    def register(function: Converter) -> Converter:
        for operator in operators:
            for version in since:
                if (domain, operator, version) in CONVERTERS:
                    raise ValueError(f"two converters for {domain or 'ai.onnx'}.{operator} of version {version}")
                CONVERTERS[domain, operator, version] = function
        return function

    return register


def converter_for(domain: str, operator: str, since: int) -> Converter | None:
    """Return the converter of an operator's version."""
    return CONVERTERS.get((domain, operator, since))
