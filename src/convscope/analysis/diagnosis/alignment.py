"""Maps that are shifted against the image: even kernels, merged branches, SAME padding."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from ...axis import Window
from ...errors import BadSetting, ConvscopeError
from ...layers.base import show_shape
from ...layers.connection import Shape
from ...layers.convolution import Conv
from ...layers.merge import Concat
from ...layers.pooling import Pool
from ...network import Network, Node
from ...text.language import Message
from ...text.numbers import times
from ..receptive_field import ReceptiveField, Regular, receptive_fields
from .finding import Finding, listed
from .subject import Subject, lies_over_image, windowed_nodes

HALF = Fraction(1, 2)


def half_shift(window: Window) -> Fraction:
    """Return ±½ where an even window with an odd stride puts unit i beside the middle of its stretch, else 0.

    Formula:  reach/2 − before − stride/2: the center of the first window against that of the first stretch of
              `stride` positions; positive toward the end
    Units:    positions of the input. Larger values mean that no output of the input's extent was meant: 0
    """
    shift = Fraction(window.reach - window.stride, 2) - window.before
    return shift if window.reach % 2 == 0 and abs(shift) == HALF else Fraction(0)


def find_even_kernel_shift(subject: Subject) -> list[Finding]:
    """Find even kernels that shift the maps against the image, and by how many pixels together."""
    last = subject.last_spatial
    if last is None:
        return []
    shifts, shifting = _accumulated(subject)
    total = shifts[last.index]
    padded = [node for node, windows in shifting if any(half_shift(w) and w.before + w.after for w in windows)]
    if not padded or not any(total):
        return []
    names = [node.name for node, _ in shifting]
    kernels = listed([f"{node.name} ({_kernel(node)})" for node in padded])
    dense_output = any(lies_over_image(subject.fields[n.index], len(total)) for n in subject.network.outputs)
    return [
        Finding(
            "even-kernel-shift",
            "risk" if dense_output else "note",
            tuple(names),
            Message(
                "Even kernels with an odd stride each shift the map by half a pixel of their input: {kernels}. "
                "Units of {layer} are {shift} pixels off their nominal positions (positive: down and right).",
                kernels=kernels,
                layer=last.name,
                shift=times([float(part) for part in total]),
            ),
            Message(
                "Use odd kernels, or pad the opposite end in every second of these layers so that the shifts "
                "cancel."
            ),
            {
                "shift": [float(part) for part in total],
                "layer": last.name,
                "by_layer": {
                    node.name: [float(half_shift(window)) for window in windows] for node, windows in shifting
                },
            },
        )
    ]


def _accumulated(
    subject: Subject,
) -> tuple[list[tuple[Fraction, ...]], list[tuple[Node, tuple[Window, ...]]]]:
    """Return the shift of every node in image pixels, and the layers that shift."""
    rank = len(subject.image)
    windows_of = {node.index: windows for node, windows in windowed_nodes(subject.network)}
    shifts: list[tuple[Fraction, ...]] = []
    shifting = []
    for node in subject.network.nodes:
        arriving = [shifts[source] for source in node.sources]
        shift = tuple(max(parts, key=abs) for parts in zip(*arriving, strict=True)) or (Fraction(0),) * rank
        windows = windows_of.get(node.index)
        before = subject.fields[node.sources[0]] if node.sources else None
        if windows and before is not None and lies_over_image(before, rank):
            own = [half_shift(window) for window in windows]
            steps = [axis.step if type(axis) is Regular else 0 for axis in before.axes]
            if any(own):
                shifting.append((node, windows))
                shift = tuple(s + half * step for s, half, step in zip(shift, own, steps, strict=True))
        shifts.append(shift)
    return shifts, shifting


def _kernel(node: Node) -> str:
    return times(getattr(node.layer, "kernel_size", ()))


def find_misaligned_merges(subject: Subject) -> list[Finding]:
    """Find the layers that merge branches with different centers.

    Joining maps side by side along a position axis is not misaligned: it is meant to put them apart. Nor are paths
    whose first units share a center: behind upsampling units move to and fro around it, by less than their step.
    """
    found = []
    for node in subject.network.layers:
        view = subject.fields[node.index]
        if view is None or not view.merges or (isinstance(node.layer, Concat) and node.layer.axis in view.grid):
            continue
        offset = next((merge.offset for merge in view.merges if merge.layer == node.name), None)
        if offset is None:
            continue
        starts = [
            (name, start)
            for name, source in zip(node.inputs, node.sources, strict=True)
            if (start := ReceptiveField(subject.fields[source]).start) is not None
        ]
        if len(starts) > 1 and len({start for _, start in starts}) == 1:
            continue
        paths = listed([f"{name} ({times(start)})" for name, start in starts])
        found.append(
            Finding(
                "misaligned-merge",
                "risk",
                (node.name,),
                Message(
                    "{layer} joins branches whose receptive fields are centered {distance} pixels apart. "
                    "Centers of their first units: {centers}.",
                    layer=node.name,
                    distance=times([abs(part) for part in offset]),
                    centers=paths,
                ),
                Message("Choose paddings and crops of the branches so that the centers coincide."),
                {"offset": list(offset), "starts": [[name, list(start)] for name, start in starts]},
            )
        )
    return found


Pads = list[tuple[int, int]]
Drift = tuple[Node, Pads, Pads]
"""A layer with its padding on the network's input and on the other one."""


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
    drifting = _drifting(network, other)
    ends = _starts(subject, other, drifting[-1][0]) if drifting else None
    if ends is None:
        return []
    return [_drift_finding(subject, other, drifting, *ends)]


def _drifting(network: Network, other: Network) -> list[Drift]:
    """Return the layers that are padded differently before the first row or column."""
    drifting = []
    for here, there in zip(network.nodes, other.nodes, strict=True):
        if _may_drift(here):
            pads = _pads(here), _pads(there)
            if [before for before, _ in pads[0]] != [before for before, _ in pads[1]]:
                drifting.append((here, *pads))
    return drifting


def _drift_finding(
    subject: Subject,
    other: Network,
    drifting: Sequence[Drift],
    layer: str,
    one: tuple[float, ...],
    two: tuple[float, ...],
) -> Finding:
    """Return the finding: the first unit of `layer` is centered at `one` here, at `two` in the other network."""
    network = subject.network
    drift = [b - a for a, b in zip(one, two, strict=True)]
    here_size, there_size = times(network.input_shape[1:]), times(other.input_shape[1:])
    first, here_pads, there_pads = drifting[0]
    nodes = [node for node, _, _ in drifting]
    return Finding(
        "same-drift",
        "risk",
        tuple(node.name for node in nodes),
        Message(
            "Strided SAME padding is split differently at {other_size} than at {size} in {layers} "
            "({first}: {pads} becomes {other_pads}), so the first unit of {layer} is centered at "
            "{other_center} instead of {center}: off by {drift} pixels.",
            other_size=there_size,
            size=here_size,
            layers=listed([node.name for node in nodes]),
            first=first.name,
            pads=_show(here_pads),
            other_pads=_show(there_pads),
            layer=layer,
            other_center=times(two),
            center=times(one),
            drift=times(drift),
        ),
        Message(
            "Use sizes that differ by a multiple of {period}, or set explicit padding.",
            period=times(_period(nodes, subject)),
        ),
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


def _may_drift(node: Node) -> bool:
    layer = node.layer
    return isinstance(layer, Conv | Pool) and layer.padding == "same" and max(layer.stride) > 1


def _pads(node: Node) -> Pads:
    assert isinstance(node.layer, Conv | Pool)
    return [(window.before, window.after) for window in node.layer.windows(node.input_shapes[0])]


def _show(pads: Pads) -> str:
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
            "diagnose.other_input must have the channels and axes of the input {shape} (got other_input={got}). "
            "Change sizes only. [other-input]",
            shape=show_shape(shape),
            got=show_shape(other),
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
