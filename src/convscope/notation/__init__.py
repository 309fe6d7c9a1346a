"""The notation: text and YAML to a network, and back."""

from __future__ import annotations

from ..network import Network
from .build import build
from .grammar import read_text
from .write import to_notation, to_yaml

__all__ = ["parse", "parse_json", "parse_yaml", "to_notation", "to_yaml"]


def parse(text: str, name: str = "network") -> Network:
    """Return the network that a text in line notation describes.

    Errors:   BadNotation with line, column and a hint; BadShape and BadSetting of the layers, with the same

    >>> parse("input 1x28x28 | conv 32 3 same | relu | maxpool 2 | flatten | dense 10")["dense1"].output_shape
    (10,)
    """
    return build(read_text(text), name)


def parse_yaml(text: str, name: str = "network") -> Network:
    """Return the network that a YAML document describes; its own `name` goes before the one given."""
    from .document import read_yaml

    document = read_yaml(text)
    return build(document, document.name or name)


def parse_json(text: str, name: str = "network") -> Network:
    """Return the network that a JSON document of the same structure describes."""
    from .document import read_json

    document = read_json(text)
    return build(document, document.name or name)
