"""Small networks of lessons, and the derivations of their layers as blocks."""

from __future__ import annotations

from collections.abc import Iterator

from ..derivations import explain
from ..layers.base import Layer
from ..layers.connection import Shape
from ..layers.structural import Input
from ..network import Entry, Network
from .lesson import Block, worked


def chain(shape: Shape, *layers: tuple[str, Layer]) -> Network:
    """Return a network of layers in a row, each with its name.

    Errors:   those of the layers
    """
    entries, before = [Entry("input", Input(shape))], "input"
    for name, layer in layers:
        entries.append(Entry(name, layer, (before,)))
        before = name
    return Network(entries, "lesson")


def derived(network: Network, layer: str, *quantities: str) -> Iterator[Block]:
    """Yield the derivations of a layer's quantities as blocks."""
    explanation = explain(network, layer)
    for quantity in quantities:
        for derivation in explanation.of(quantity):
            yield from worked(derivation)
