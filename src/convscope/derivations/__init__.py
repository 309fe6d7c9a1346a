"""Derivations: each quantity with its formula, the substituted values, and the result."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from weakref import WeakKeyDictionary

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
from .receptive_field import FIELD_QUANTITIES, field_step, receptive_field
from .structural import memory

__all__ = ["LANGUAGES", "Derivation", "DerivationStep", "Explanation", "Known", "Section", "Text", "explain"]


def explain(
    network: Network,
    layer_name: str | None = None,
    at: Iterable[int] | None = None,
    quantities: Iterable[str] | str = (),
) -> Explanation:
    """Derive every number of one layer, or of all layers; with `quantities`, only those.

    One layer's receptive field is derived from the image on, forward and backward, with the center of
    the unit `at` (row, column), the middle one unless given. Among all layers, each shows its own step, and the
    outputs the whole chain.

    Errors:   UnknownLayer [layer-name]; BadUnit [unit-range], [unit-rank]; BadSetting [quantity], and [language]
              when written
    """
    asked = (quantities,) if isinstance(quantities, str) else tuple(quantities)
    unit = None if at is None else tuple(at)
    nodes = network.nodes if layer_name is None else [network[layer_name]]
    ends = {node.name for node in network.outputs} if layer_name is None else {layer_name}
    chains = _chains(network)
    if unit is not None and layer_name is not None:
        network.field(layer_name, unit)  # raises for a unit outside the layer

    def explained(wanted: Collection[str] | None) -> Explanation:
        return Explanation(
            network.name, tuple(_section(chains, node, unit, node.name in ends, wanted) for node in nodes)
        )

    if not asked:
        return explained(None)
    found = explained(frozenset(asked))
    known = {derivation.quantity for derivation in found}
    # A quantity that is not derived is reported with those that are, which takes the whole explanation.
    return (found if known.issuperset(asked) else explained(None)).only(*asked)


_known_chains: WeakKeyDictionary[Network, Chains] = WeakKeyDictionary()


def _chains(network: Network) -> Chains:
    """Return the chains of a network, cached while it lives."""
    if network not in _known_chains:
        _known_chains[network] = Chains(network)
    return _known_chains[network]


def _section(
    chains: Chains, node: Node, at: tuple[int, ...] | None, whole: bool, wanted: Collection[str] | None
) -> Section:
    """Derive a layer's quantities, or those that are wanted; its field from the image on, or its own step."""
    shapes = node.input_shapes
    fields: list[Derivation] = []
    if wanted is None or any(quantity in wanted for quantity in FIELD_QUANTITIES):
        fields = receptive_field(chains, node, at, wanted) if whole else field_step(chains, node)
    worked = (*derivations(node.layer, shapes), memory(node.output_shape, node.layer.view), *fields)
    return Section(node.name, node.kind, shapes, node.output_shape, worked)
