"""Drift of TensorFlow's SAME padding between two input sizes."""

from __future__ import annotations

from math import lcm

from ...errors import BadSetting, ConvscopeError
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...layers.convolution import Conv
from ...layers.pooling import Pool
from ...network import Network, Node
from ..receptive_field import ReceptiveField, receptive_fields
from .finding import Finding
from .subject import Subject
from .wording import extent, listed


def find_same_drift(subject: Subject) -> list[Finding]:
    """Find layers whose SAME padding is split differently for another input size, so that centers move.

    Errors:   BadSetting [other-input] for another rank or other channels; whatever building the network raises
    """
    network = subject.network
    if not any(_may_drift(node) for node in network.layers):
        return []
    other = _other_network(subject)
    if other is None:
        return []
    drifting = []
    for here, there in zip(network.nodes, other.nodes, strict=True):
        if _may_drift(here):
            pads = _pads(here), _pads(there)
            if [before for before, _ in pads[0]] != [before for before, _ in pads[1]]:
                drifting.append((here, *pads))
    if not drifting:
        return []
    ends = _starts(subject, other, drifting[-1][0])
    if ends is None:
        return []
    layer, one, two = ends
    drift = [b - a for a, b in zip(one, two, strict=True)]
    here_size, there_size = extent(network.input_shape[1:]), extent(other.input_shape[1:])
    first, here_pads, there_pads = drifting[0]
    nodes = [node for node, _, _ in drifting]
    return [
        Finding(
            "same-drift",
            "risk",
            tuple(node.name for node in nodes),
            f"strided SAME padding is split differently at {there_size} than at {here_size} in "
            f"{listed([node.name for node in nodes])} ({first.name}: {_show(here_pads)} becomes "
            f"{_show(there_pads)}), so the first unit of {layer} is centered at {extent(two)} instead of "
            f"{extent(one)}: off by {extent(drift)} pixels",
            f"use sizes that differ by a multiple of {extent(_period(nodes, subject))}, or set explicit padding",
            {
                "input": list(network.input_shape),
                "other_input": list(other.input_shape),
                "layer": layer,
                "start": list(one),
                "other_start": list(two),
                "drift": drift,
                "padding": {node.name: [list(a), list(b)] for node, a, b in drifting},
            },
        )
    ]


def _may_drift(node: Node) -> bool:
    layer = node.layer
    return isinstance(layer, Conv | Pool) and layer.padding == "same" and max(layer.stride) > 1


def _pads(node: Node) -> list[tuple[int, int]]:
    assert isinstance(node.layer, Conv | Pool)
    return [(window.before, window.after) for window in node.layer.windows(node.input_shapes[0])]


def _show(pads: list[tuple[int, int]]) -> str:
    return "x".join(f"{before}/{after}" for before, after in pads)


def _other_network(subject: Subject) -> Network | None:
    """Return the network on the other input: the one asked for, or one pixel larger where that is legal."""
    shape = subject.network.input_shape
    if subject.other_input is not None:
        _check(subject.other_input, shape)
        return subject.network.with_input(subject.other_input)
    try:
        return subject.network.with_input((shape[0], *(n + 1 for n in shape[1:])))
    except ConvscopeError:
        return None


def _check(other: Shape, shape: Shape) -> None:
    if len(other) != len(shape) or other[:1] != shape[:1]:
        raise BadSetting(
            "diagnose.other_input must have the channels and axes of the input {shape} (got "
            "other_input={other}). Change sizes only. [other-input]",
            shape=show_shape(shape),
            other=show_shape(other),
        )


def _period(drifting: list[Node], subject: Subject) -> list[int]:
    """Return the total stride behind the drifting layers, per axis: sizes that far apart are padded alike."""
    views = [subject.fields[node.index] for node in drifting]
    steps = [[int(axis.step) for axis in view.axes] for view in views if view is not None]
    return [lcm(*column) for column in zip(*steps, strict=True)]


def _starts(
    subject: Subject, other: Network, drifting: Node
) -> tuple[str, tuple[float, ...], tuple[float, ...]] | None:
    """Return a layer behind the drift with the center of its first unit on both inputs."""
    there = receptive_fields(other)
    for node in (subject.last_spatial, drifting):
        if node is None:
            continue
        one, two = ReceptiveField(subject.fields[node.index]).start, ReceptiveField(there[node.index]).start
        if one is not None and two is not None and one != two:
            return node.name, one, two
    return None
