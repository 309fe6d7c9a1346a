"""Space-to-depth by slices: every r-th row and column from each start, put among the channels.

The slices look at different pixels, each at its own, and together at all: what they are joined to is one cell of
the input per position, so they are not misaligned.
"""

from __future__ import annotations

from ..layers.merge import Concat
from ..layers.rearrange import Slice
from ..network import Network, Node

Phase = dict[int, tuple[int, int]]
"""Start and step per sliced axis."""


def interleaved(network: Network, node: Node) -> bool:
    """Tell whether a layer joins slices of one layer that take its positions apart, all of them and none twice."""
    if not isinstance(node.layer, Concat):
        return False
    phases = []
    bases = set()
    for source in node.sources:
        base, phase = _phase(network, network.nodes[source])
        bases.add(base)
        phases.append(phase)
    steps = [{axis: step for axis, (_, step) in phase.items() if step > 1} for phase in phases]
    if len(bases) > 1 or not steps[0] or node.layer.axis in steps[0] or any(one != steps[0] for one in steps):
        return False
    starts = {tuple(phase[axis][0] for axis in sorted(steps[0])) for phase in phases}
    cells = 1
    for step in steps[0].values():
        cells *= step
    within = all(0 <= phase[axis][0] < step for phase in phases for axis, step in steps[0].items())
    return within and len(starts) == len(phases) == cells


def _phase(network: Network, node: Node) -> tuple[int, Phase]:
    """Return the layer that slices begin from, and where along its axes they take positions."""
    phase: Phase = {}
    while True:
        if isinstance(node.layer, Slice):
            axis, start, step = node.layer.axis, node.layer.start, node.layer.step
            later, times = phase.get(axis, (0, 1))
            phase[axis] = start + later * step, step * times
        elif node.facts.connections is not None or len(node.sources) != 1:
            return node.index, phase
        node = network.nodes[node.sources[0]]
