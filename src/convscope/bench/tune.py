"""Autotuning: the fastest algorithm for each convolution of a network, measured and cached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..engines.native.codegen.compiler import this_loader
from ..engines.native.kernels.common.shapes import ConvolutionShape
from ..engines.native.lowering.convolution import convolution_shape
from ..engines.native.lowering.lowering import NotLowered
from ..engines.native.runtime.program import batch_hint
from ..engines.native.tuning.cache import keep, trying
from ..engines.native.tuning.select import DIRECT, can_choose, tile_for
from ..layers import Conv, Input
from ..network import Entry, Network, Node
from .passes import CONVOLUTION, INFERENCE, PASSES, SOURCE, passes_of_network
from .timing import fastest

TILES = (DIRECT, 2, 4)
SECONDS = 0.15
"""Measuring time per algorithm of a pass."""


class TileChoice(NamedTuple):
    """Measured choice: the fastest tile, the heuristic's, and the seconds of each."""

    layer: str
    purpose: str
    tile: int
    by_rule: int
    seconds: dict[int, float]


def tune(network: Network, batch: int, tell: Callable[[str], None]) -> Iterator[TileChoice]:
    """Measure every convolution that has several algorithms, and cache the fastest."""
    hint, seen = batch_hint(batch), set[ConvolutionShape]()
    for node in network.layers:
        if not isinstance(node.layer, Conv):
            continue
        try:
            shape = convolution_shape(node.layer, node, this_loader().target.width)
        except NotLowered:
            continue
        if shape in seen or not can_choose(shape) or shape.channels < shape.lanes:
            continue
        seen.add(shape)
        tell(node.name)
        measured = _measured(node, hint)
        for purpose, seconds in measured.items():
            tile = keep(shape, hint, purpose, seconds)
            yield TileChoice(node.name, purpose, tile, tile_for(shape, hint, purpose), seconds)


def _measured(node: Node, batch: int) -> dict[str, dict[int, float]]:
    """Return the seconds of every pass by tile."""
    alone = Network([Entry(SOURCE, Input(node.input_shapes[0])), Entry(CONVOLUTION, node.layer, (SOURCE,))])
    seconds: dict[str, dict[int, float]] = {purpose: {} for purpose in (*PASSES, INFERENCE)}
    for tile in TILES:
        with trying(tile):
            passes = passes_of_network(alone, batch)
        for purpose, own in seconds.items():
            own[tile] = fastest(passes.work(purpose), SECONDS)
    return seconds
