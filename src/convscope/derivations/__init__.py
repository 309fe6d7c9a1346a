"""Derivations: each quantity with its formula, the substituted values, and the result."""

from __future__ import annotations

from collections.abc import Iterable

from ..network import Network, Node
from . import (
    activation,
    convolution,
    dense,
    elementwise,
    merge,
    normalization,
    pooling,
    rearrange,
    recurrent,
    structural,
)
from .derivation import LANGUAGES, Derivation, DerivationStep, Known, Section, Text
from .explanation import Explanation
from .family import derivations
from .path import Chains
from .receptive_field import field_step, receptive_field
from .structural import memory

__all__ = ["LANGUAGES", "Derivation", "DerivationStep", "Explanation", "Known", "Section", "Text", "explain"]


def explain(
    network: Network,
    layer_name: str | None = None,
    at: Iterable[int] | None = None,
) -> Explanation:
    """Derive every number of one layer, or of all layers.

    One layer's receptive field is derived from the image on, forward and backward, with the center of
    the unit `at` (row, column), the middle one unless given. Among all layers, each shows its own step, and the
    outputs the whole chain.

    Errors:   UnknownLayer [layer-name]; BadUnit [unit-range], [unit-rank]; BadSetting [language] when written
    """
    chains = Chains(network)
    if layer_name is not None:
        node = network[layer_name]
        return Explanation(
            network.name, (_section(node, receptive_field(chains, node, None if at is None else tuple(at))),)
        )
    ends = {node.name for node in network.outputs}
    sections = [
        _section(node, receptive_field(chains, node, None) if node.name in ends else field_step(chains, node))
        for node in network.nodes
    ]
    return Explanation(network.name, tuple(sections))


def _section(node: Node, fields: list[Derivation]) -> Section:
    shapes = node.input_shapes
    worked = (*derivations(node.layer, shapes), memory(node.output_shape, node.layer.view), *fields)
    return Section(node.name, node.kind, shapes, node.output_shape, worked)
