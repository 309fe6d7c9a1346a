"""What an operator may be called with, as ONNX declares it: checked before anything is made of a node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import BadFile

if TYPE_CHECKING:
    from onnx import NodeProto


_TERM = r"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?"

_EQUATION = re.compile(rf"{_TERM}(?:,{_TERM})*(?:->{_TERM})?", re.ASCII)
"""An equation of Einsum without its spaces. ONNX's shape inference never ends on a point too many."""

LONGEST_SHOWN = 60
"""Characters of a text that a message repeats."""


class Signature(NamedTuple):
    """One version of an operator: since when it is so, its attributes' types, its inputs' names and count."""

    domain: str
    since: int
    attributes: Mapping[str, int]
    inputs: tuple[str, ...]
    fewest: int
    most: int


@lru_cache(maxsize=4096)
def signature(domain: str, operator: str, opset: int) -> Signature | None:
    """Return an operator as an operator set has it; None where ONNX does not know it."""
    from onnx.defs import SchemaError, get_schema

    try:
        schema = get_schema(operator, opset, domain)
    except SchemaError:
        return None
    types = {name: int(one.type.value) for name, one in schema.attributes.items()}  # type: ignore[attr-defined]
    names = tuple(one.name for one in schema.inputs)
    return Signature(domain, int(schema.since_version), types, names, schema.min_input, schema.max_input)


def check(node: NodeProto, known: Signature | None, path: Path) -> None:
    """Refuse a node whose inputs or attributes the operator cannot have.

    Errors:   BadFile [onnx-node]
    """
    if known is None:
        return
    given = len(node.input)
    while given and not node.input[given - 1]:
        given -= 1
    if not known.fewest <= given <= known.most:
        most = f" to {known.most}" if known.most != known.fewest else ""
        raise refused(node, path, f"have {known.fewest}{most} inputs", str(given))
    for attribute in node.attribute:
        wanted = known.attributes.get(attribute.name, attribute.type)
        if attribute.type != wanted:
            types = attribute.AttributeType
            got = types.Name(attribute.type) if attribute.type in types.values() else str(attribute.type)
            raise refused(node, path, f"have {attribute.name} of type {types.Name(wanted)}", got)
        if (known.domain, node.op_type, attribute.name) == ("", "Einsum", "equation"):
            _check_equation(node, attribute.s.decode("utf-8", "replace"), path)


def _check_equation(node: NodeProto, equation: str, path: Path) -> None:
    if _EQUATION.fullmatch(equation.replace(" ", "")) is None:
        rule = "have an equation of letters and commas, with at most one '...' in a term and one '->'"
        shown = equation if len(equation) <= LONGEST_SHOWN else f"{equation[:LONGEST_SHOWN]}…"
        raise refused(node, path, rule, f"equation={shown!r}")


def refused(node: NodeProto, path: Path, rule: str, got: str) -> BadFile:
    """Make the error for a node that no graph can have."""
    return BadFile(
        f"node {node.name or next(iter(node.output), '')!r} ({node.op_type}) of {str(path)!r} must {rule}; "
        f"got {got}; export or download the model again. [onnx-node]"
    )
