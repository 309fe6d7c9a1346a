"""What of a node its converter has not read: nothing may be left out of a computation in silence.

A call notes which attributes and inputs it was asked for. Whatever else a node sets, to another value than the
operator's default, changes what it computes; such a node becomes Opaque, or is refused where it makes a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .call import attribute_value
from .element_types import type_name
from .registry import Converter, Unmapped
from .values import Flow

if TYPE_CHECKING:
    from .call import Call
    from .signature import Signature

IRRELEVANT: Mapping[tuple[str, str], str] = {
    ("BatchNormalization", "momentum"): "moves the statistics in training only",
    ("Cast", "round_mode"): "rounds to 8-bit floats only, which no layer has",
    ("Cast", "saturate"): "limits 8-bit floats only, which no layer has",
    ("Dropout", "seed"): "draws masks in training only",
    ("GroupNormalization", "stash_type"): "is the precision of intermediate results",
    ("LayerNormalization", "stash_type"): "is the precision of intermediate results",
    ("MaxPool", "storage_order"): "orders the indices output, which no layer has",
    ("Resize", "extrapolation_value"): "is for tf_crop_and_resize, which is Opaque",
    ("Resize", "roi"): "is for tf_crop_and_resize, which is Opaque",
}
"""Attributes and inputs, by the operator and their name, that change no output a network has here, and why."""


def check_types(call: Call, converter: Converter) -> None:
    """Refuse inputs of an element type for which the converter's layers compute something else.

    Raises:
        Unmapped: naming the type.
    """
    for value in call.inputs:
        if isinstance(value, Flow) and value.dtype and value.dtype not in converter.types:
            name = type_name(value.dtype)
            raise Unmapped(f"values of type {name}", name)


def unread(call: Call, known: Signature | None, *, inputs: bool = True) -> str:
    """Return the first attribute or input of a node that says something and was not read; "" if all were."""
    for item in call.node.attribute:
        if item.name not in call.reads.attributes and not _is_irrelevant(call, item.name):
            default = None if known is None else _default(known.domain, call.operator, known.since, item.name)
            if attribute_value(item) != default:
                return str(item.name)
    if inputs and known is not None:
        for index, value in enumerate(call.inputs):
            if value is None or index in call.reads.inputs or index >= len(known.inputs):
                continue
            if not _is_irrelevant(call, known.inputs[index]):
                return known.inputs[index]
    return ""


def _is_irrelevant(call: Call, name: str) -> bool:
    return (call.operator, name) in IRRELEVANT


@lru_cache(maxsize=4096)
def _default(domain: str, operator: str, since: int, name: str) -> Any:
    """Return an attribute's default, from the newest version up to this one that has the attribute."""
    from onnx.defs import SchemaError, get_schema

    while since > 0:
        try:
            schema = get_schema(operator, since, domain)
        except SchemaError:
            return None
        if name in schema.attributes:
            default = schema.attributes[name].default_value
            return attribute_value(default) if default.type else None
        since = schema.since_version - 1
    return None
