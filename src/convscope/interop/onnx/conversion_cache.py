"""Cache of node conversions, keyed by node signature.

A large network repeats the same few nodes. If a node became a single layer because of its signature alone
(operator, attributes, shapes and types of inputs), other nodes with that signature become the same layer.
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
"""Entries of one cache; it is emptied when it is full."""

MAX_ATTRIBUTE_BYTES = 1 << 10
"""Serialized attributes of a node that is cached."""


class CachedConversion(NamedTuple):
    """A layer, the node's inputs that it uses, and the output's signature."""

    layer: Layer
    inputs: tuple[int, ...]
    parameters: tuple[tuple[str, int], ...]
    output: tuple[object, ...]


class ConversionCache:
    """Conversions under one choice of operator sets.

    It holds layers, and no arrays of a file.
    """

    def __init__(self, opsets: tuple[tuple[str, int], ...]) -> None:
        self.opsets = opsets
        self._entries: dict[NodeSignature | None, CachedConversion] = {}
        self.get = self._entries.get

    def add(self, signature: NodeSignature, conversion: CachedConversion) -> None:
        """Store what a node with this signature becomes."""
        if len(self._entries) >= MAX_ENTRIES:
            self._entries.clear()
        self._entries[signature] = conversion


conversion_cache = lru_cache(maxsize=64)(ConversionCache)
"""Return the cache for these versions of the operator sets: one object per choice."""


def node_signature(node: OnnxNode, inputs: Sequence[Value | None]) -> NodeSignature | None:
    """Return a node's signature; None if its attributes or outputs are too many to be one."""
    attributes = node.attributes
    if attributes is None or len(attributes) > MAX_ATTRIBUTE_BYTES or len(node.outputs) != 1:
        return None
    signatures = [None if value is None else value.signature for value in inputs]
    return (node.operator, node.domain, attributes, *signatures)


def cacheable_conversion(call: Call, output: Value | None) -> CachedConversion | None:
    """Return the node's conversion if it is one layer that depends on the signature alone, otherwise None."""
    if not isinstance(output, Flow):
        return None
    constants = [value for value in call.inputs if isinstance(value, Constant)]
    if call.used_context or len(call.emitted) != 1 or any(constant.was_read for constant in constants):
        return None
    (emitted,) = call.emitted
    indices = {id(value): index for index, value in enumerate(call.inputs) if value is not None}
    used = [*emitted.flows, *emitted.parameters.values()]
    all_distinct = len(indices) == sum(value is not None for value in call.inputs)
    if emitted.part or not all_distinct or not all(id(value) in indices for value in used):
        return None
    return CachedConversion(
        emitted.layer,
        tuple([indices[id(flow)] for flow in emitted.flows]),
        tuple([(part, indices[id(constant)]) for part, constant in emitted.parameters.items()]),
        output.signature,
    )
