"""Which nodes a graph needs for its outputs, in an order in which inputs come first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BadFile

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

DEEPEST_GRAPHS = 16
"""Graphs inside nodes inside graphs."""


def needed(nodes: Sequence[NodeProto], outputs: Iterable[str], path: Path) -> list[tuple[NodeProto, list[str]]]:
    """Return the nodes that the outputs are made from, with the values each uses; inputs first, else as listed.

    Errors:   BadFile [onnx-twice], [onnx-cycle], [onnx-depth]
    """
    uses = [used_by(node, path) for node in nodes]
    maker = _makers(nodes, path)
    wanted: set[int] = set()
    names = list(outputs)
    while names:
        index = maker.get(names.pop())
        if index is not None and index not in wanted:
            wanted.add(index)
            names += uses[index]
    # Constants come first, so that whoever looks ahead finds them.
    listed = sorted(wanted, key=lambda index: (nodes[index].op_type != "Constant", index))
    return [(nodes[index], uses[index]) for index in _sorted(listed, uses, maker, nodes, path)]


def used_by(node: NodeProto, path: Path, depth: int = 0) -> list[str]:
    """Return the names of the values a node takes, those of its inner graphs included."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            names += _free_names(graph, path, depth + 1)
    return names


def _free_names(graph: GraphProto, path: Path, depth: int) -> list[str]:
    if depth > DEEPEST_GRAPHS:
        raise BadFile(
            f"{str(path)!r} must nest graphs at most {DEEPEST_GRAPHS} deep; got more; "
            "simplify it with an ONNX optimizer. [onnx-depth]"
        )
    own = {item.name for item in (*graph.input, *graph.initializer)}
    used: list[str] = [item.name for item in graph.output]
    for node in graph.node:
        own.update(node.output)
        used += used_by(node, path, depth)
    return [name for name in used if name not in own]


def _makers(nodes: Sequence[NodeProto], path: Path) -> dict[str, int]:
    maker: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.output:
            if name in maker:
                raise BadFile(
                    f"{str(path)!r} must make each value once; got {name!r} from two nodes; "
                    "export the model again. [onnx-twice]"
                )
            if name:
                maker[name] = index
    return maker


def _sorted(
    wanted: list[int], uses: list[list[str]], maker: dict[str, int], nodes: Sequence[NodeProto], path: Path
) -> list[int]:
    missing: dict[int, int] = {}
    waiting: dict[int, list[int]] = {}
    placed: set[int] = set()
    ordered: list[int] = []
    for listed in wanted:
        before = {maker[name] for name in uses[listed] if name in maker} - placed
        if before:
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
        first = nodes[next(index for index in wanted if index not in placed)]
        raise BadFile(
            f"{str(path)!r} must not go round in circles; got a node that needs its own output: "
            f"{first.name or first.output[0]!r} ({first.op_type}); export the model again. [onnx-cycle]"
        )
    return ordered
