"""What nodes of one form become, found out once.

A large network says the same few things again and again. Where a node became a single layer by what stands in its
form alone (operator, settings, and what kind of values it takes), so does every other node of that form.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ...layers.base import Layer
from .graph import OnnxNode
from .values import Constant, Flow, Value

if TYPE_CHECKING:
    from .call import Call

NodeSignature = tuple[Any, ...]

MAX_ENTRIES = 1 << 12
"""ConversionCache that are remembered for one choice of operator sets."""

MAX_ATTRIBUTE_BYTES = 1 << 10
"""Bytes of the attributes of a node whose form is remembered."""


class CachedConversion(NamedTuple):
    """A layer, which of the node's inputs it takes, which are its parameters, and of what kind its output is."""

    layer: Layer
    takes: tuple[int, ...]
    holds: tuple[tuple[str, int], ...]
    kind: tuple[object, ...]


class ConversionCache:
    """What the nodes met so far became, by their form, under these versions of the operator sets.

    Nothing of a file stays: layers have no arrays.
    """

    def __init__(self, opsets: tuple[tuple[str, int], ...]) -> None:
        self.opsets = opsets
        self._made: dict[NodeSignature | None, CachedConversion] = {}
        self.get = self._made.get

    def remember(self, form: NodeSignature, made: CachedConversion) -> None:
        """Note what a node of this form becomes."""
        if len(self._made) >= MAX_ENTRIES:
            self._made.clear()
        self._made[form] = made


conversion_cache = lru_cache(maxsize=64)(ConversionCache)
"""Return the forms known under these versions of the operator sets: one object for each choice of them."""


def node_signature(step: OnnxNode, inputs: Sequence[Value | None]) -> NodeSignature | None:
    """Return a node's form; None where a node is more than that."""
    settings = step.settings
    if settings is None or len(settings) > MAX_ATTRIBUTE_BYTES or len(step.outputs) != 1:
        return None
    kinds = [None if value is None else value.kind for value in inputs]
    return (step.operator, step.domain, settings, *kinds)


def cacheable_conversion(call: Call, output: Value | None) -> CachedConversion | None:
    """Return what the node became, where one layer was added and nothing but the form decided it; else None."""
    if not isinstance(output, Flow):
        return None
    constants = [value for value in call.inputs if isinstance(value, Constant)]
    if call.used_context or len(call.emitted) != 1 or any(constant.was_read for constant in constants):
        return None
    (emitted,) = call.emitted
    places = {id(value): index for index, value in enumerate(call.inputs) if value is not None}
    taken = [*emitted.flows, *emitted.parameters.values()]
    told_apart = len(places) == sum(value is not None for value in call.inputs)
    if emitted.part or not told_apart or not all(id(value) in places for value in taken):
        return None
    return CachedConversion(
        emitted.layer,
        tuple([places[id(flow)] for flow in emitted.flows]),
        tuple([(part, places[id(constant)]) for part, constant in emitted.parameters.items()]),
        output.kind,
    )
