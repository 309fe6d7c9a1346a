"""Which nodes a graph needs for its outputs, in an order in which inputs come first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import BadFile
from .file import check_text

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, NodeProto

DEEPEST_GRAPHS = 16
"""Graphs inside nodes inside graphs."""


_TENSOR, _GRAPH, _TENSORS, _GRAPHS = 4, 5, 9, 10
"""ONNX's numbers for types of attributes."""

_HOLDERS = frozenset({_TENSOR, _GRAPH, _TENSORS, _GRAPHS})


class Step(NamedTuple):
    """A node as the walk over a graph uses it, read once.

    `uses` are its inputs and what its inner graphs take from around them. `settings` are its attributes in their
    stored form; None where they hold tensors or graphs.
    """

    node: NodeProto
    name: str
    operator: str
    domain: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    uses: Sequence[str]
    settings: bytes | None

    @property
    def title(self) -> str:
        """Return what messages call it."""
        return f"{self.name or next(iter(self.outputs), '')!r} ({self.operator})"


def needed(nodes: Iterable[NodeProto], outputs: Iterable[str], path: Path) -> list[Step]:
    """Return the nodes that the outputs are made from; inputs first, else as listed.

    Errors:   BadFile [onnx-twice], [onnx-cycle], [onnx-depth], [onnx-damaged]
    """
    steps = [_read(node, path) for node in nodes]
    maker = _makers(steps, path)
    needs: dict[int, set[int]] = {}
    wanted = [maker[name] for name in outputs if name in maker]
    while wanted:
        index = wanted.pop()
        if index not in needs:
            needs[index] = before = {maker[name] for name in steps[index].uses if name in maker}
            wanted += before
    # Constants come first, so that whoever looks ahead finds them.
    listed = sorted(needs)
    constants = [index for index in listed if steps[index].operator == "Constant"]
    if constants:
        listed = [*constants, *(index for index in listed if steps[index].operator != "Constant")]
    return [steps[index] for index in _sorted(listed, needs, steps, path)]


def _read(node: NodeProto, path: Path) -> Step:
    name, operator, domain, inputs, outputs = node.name, node.op_type, node.domain, node.input[:], node.output[:]
    try:
        "".join((name, operator, domain, node.overload, *inputs, *outputs))
    except TypeError:
        check_text(path, name, operator, domain, node.overload, *inputs, *outputs)
    uses: list[str] = inputs
    stored: list[bytes] = []
    plain = True
    for attribute in node.attribute:
        kind = attribute.type
        if kind in _HOLDERS:
            plain = False
            uses = [*uses, *(free for graph in _graphs(attribute) for free in _free_names(graph, path, 1))]
        elif plain:
            stored.append(attribute.SerializeToString())
    settings = b"".join(stored) if plain else None
    return Step(node, name, operator, "" if domain == "ai.onnx" else domain, inputs, outputs, uses, settings)


def _graphs(attribute: AttributeProto) -> Iterable[GraphProto]:
    if attribute.type == _GRAPH:
        return [attribute.g]
    return attribute.graphs if attribute.type == _GRAPHS else ()


def _used_by(node: NodeProto, path: Path, depth: int) -> list[str]:
    names = list(node.input)
    for attribute in node.attribute:
        for graph in _graphs(attribute):
            names += _free_names(graph, path, depth + 1)
    return names


def _free_names(graph: GraphProto, path: Path, depth: int) -> list[str]:
    """Return the values that a graph takes from around it."""
    if depth > DEEPEST_GRAPHS:
        raise BadFile(
            f"{str(path)!r} must nest graphs at most {DEEPEST_GRAPHS} deep; got more; "
            "simplify it with an ONNX optimizer. [onnx-depth]"
        )
    own = {item.name for item in (*graph.input, *graph.initializer)}
    used: list[str] = [item.name for item in graph.output]
    for node in graph.node:
        own.update(node.output)
        used += _used_by(node, path, depth)
    return [name for name in used if name not in own]


def _makers(steps: Sequence[Step], path: Path) -> dict[str, int]:
    maker: dict[str, int] = {}
    for index, step in enumerate(steps):
        for name in step.outputs:
            if name in maker:
                raise BadFile(
                    f"{str(path)!r} must make each value once; got {name!r} from two nodes; "
                    "export the model again. [onnx-twice]"
                )
            if name:
                maker[name] = index
    return maker


def _sorted(wanted: list[int], needs: dict[int, set[int]], steps: Sequence[Step], path: Path) -> list[int]:
    missing: dict[int, int] = {}
    waiting: dict[int, list[int]] = {}
    placed: set[int] = set()
    ordered: list[int] = []
    for listed in wanted:
        if not needs[listed] <= placed:
            before = needs[listed] - placed
            missing[listed] = len(before)
            for index in before:
                waiting.setdefault(index, []).append(listed)
            continue
        ready = [listed]
        while ready:
            index = ready.pop()
            placed.add(index)
            ordered.append(index)
            for later in waiting.pop(index, ()):
                missing[later] -= 1
                if not missing[later]:
                    ready.append(later)
    if len(ordered) < len(wanted):
        first = steps[next(index for index in wanted if index not in placed)]
        raise BadFile(
            f"{str(path)!r} must not go round in circles; got a node that needs its own output: "
            f"{first.title}; export the model again. [onnx-cycle]"
        )
    return ordered
