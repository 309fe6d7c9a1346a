"""Names and shapes of a network's parameters and running statistics."""

from __future__ import annotations

from collections.abc import Mapping

from .layers.base import ParamShapes
from .network import Network


def parameter_shapes(network: Network) -> ParamShapes:
    """Return the shape of every parameter by "layer.name". Shared parameters are listed once, by their owner."""
    return _shapes(network, {node.name: node.facts.param_shapes for node in network})


def trained_shapes(network: Network) -> ParamShapes:
    """Return the shapes of the parameters that are not frozen."""
    frozen = network.frozen_parameters
    return {name: shape for name, shape in parameter_shapes(network).items() if name not in frozen}


def buffer_shapes(network: Network) -> ParamShapes:
    """Return the shape of every running statistic by "layer.name"."""
    return _shapes(network, {node.name: node.facts.buffer_shapes for node in network})


def _shapes(network: Network, by_layer: Mapping[str, ParamShapes]) -> ParamShapes:
    owners = [node.name for node in network if node.owns_parameters]
    return {f"{owner}.{name}": shape for owner in owners for name, shape in by_layer[owner].items()}
