"""Writer of networks as minimal text and YAML."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from functools import lru_cache

from ..errors import ConvscopeError
from ..layers.base import Layer
from ..network import Network, Node
from .arguments import is_by_position
from .keywords import FLAGS, SHORT, Depthwise, Kind, kind_of, numbered

_WORDS = {(setting, value): word for word, (setting, value) in FLAGS.items()}
_LETTERS = {setting: letter for letter, setting in SHORT.items()}
_PLAIN = re.compile(r"[A-Za-z_][\w ./=x-]*")
"""YAML scalars that need no quotes."""

_ENDS_PLAIN = re.compile(r"[\w)]")


def to_notation(network: Network) -> str:
    """Return the network in line notation, one layer a line.

    >>> from convscope.notation import parse
    >>> print(to_notation(parse("input 3x32x24 | conv 8 3x5 p1x2 nobias | bn | relu")))
    input 3x32x24
    conv 8 3x5 p1x2 nobias
    bn
    relu
    """
    return "\n".join(f"{name}: {words}" if name else words for name, words in _lines(network))


def to_yaml(network: Network) -> str:
    """Return the network as a YAML document."""
    lines = _lines(network)
    head = [f"name: {_scalar(network.name)}"]
    name, words = lines[0]
    if name is None:
        head.append(words.replace(" ", ": ", 1))
        lines = lines[1:]
    head.append("layers:" if lines else "layers: []")
    body = [f"  - {_scalar(name)}: {_scalar(words)}" if name else f"  - {_scalar(words)}" for name, words in lines]
    return "\n".join([*head, *body]) + "\n"


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and _ENDS_PLAIN.match(text[-1]) else json.dumps(text)


def _lines(network: Network) -> list[tuple[str | None, str]]:
    """Return each layer's name, where numbering would not give it, and its words."""
    kinds = [kind_of(node.layer, node.input_shapes) for node in network.nodes]
    names = _explicit_names(network, kinds)
    previous = ""
    lines = []
    for node, kind, name in zip(network.nodes, kinds, names, strict=True):
        lines.append((name, " ".join([kind.word, *_arguments(node, kind, previous)])))
        previous = node.name
    return lines


def _explicit_names(network: Network, kinds: list[Kind]) -> list[str | None]:
    """Return the names that must be written, None where reading numbers the layer so by itself."""
    candidates = {node.name for node in network.nodes if _may_be_numbered(node.name)}
    written = {node.name for node in network.nodes} - candidates
    last: dict[str, int] = {}
    names: list[str | None] = []
    for node, kind in zip(network.nodes, kinds, strict=True):
        number = last.get(kind.base, 0) + 1
        while (expected := numbered(kind.base, number)) in written:
            number += 1
        written.add(node.name)
        if node.name == expected:
            last[kind.base] = number
            names.append(None)
        else:
            names.append(node.name)
    return names


def _may_be_numbered(name: str) -> bool:
    return name == "input" or name[-1].isdecimal()


def _arguments(node: Node, kind: Kind, previous: str) -> list[str]:
    words = _settings(kind, node)
    if kind.joins:
        words = [*node.inputs, *words]
    elif node.inputs and node.inputs != (previous,):
        words.append(f"from={','.join(node.inputs)}")
    if not node.owns_parameters:
        words.append(f"share={node.parameters_of}")
    elif node.frozen:
        words.append("frozen" if node.is_frozen else f"frozen={','.join(node.frozen)}")
    return words


def _settings(kind: Kind, node: Node) -> list[str]:
    """Return the settings that are not as they would be unwritten."""
    given = _needed(node.layer)
    if isinstance(kind, Depthwise):
        multiplier = int(given.pop("out_channels")) // int(given.pop("groups"))
        given = {"kernel_size": given.pop("kernel_size"), **given}
        if multiplier > 1:
            given["multiplier"] = str(multiplier)
    words = []
    in_order = True
    for name in kind.positional:
        in_order = in_order and name in given and is_by_position(kind, given[name])
        if in_order:
            words.append(given.pop(name))
    for name, text in given.items():
        word = _WORDS.get((name, text))
        if word is None:
            word = f"{_LETTERS[name]}{text}" if name in _LETTERS else f"{name}={text}"
        words.append(word)
    return words


def _needed(layer: Layer) -> dict[str, str]:
    return dict(_needed_settings(layer))


@lru_cache(maxsize=1 << 14)
def _needed_settings(layer: Layer) -> tuple[tuple[str, str], ...]:
    """Return the settings without which another layer would be made, as text."""
    values = {name: getattr(layer, name) for name, _ in layer.forms()}
    for item in fields(layer):
        if item.default is MISSING:
            continue
        others = {name: value for name, value in values.items() if name != item.name}
        try:
            same = type(layer)(**others) == layer
        except ConvscopeError:
            same = False
        if same:
            values = others
    forms = dict(layer.forms())
    return tuple((name, forms[name].format(value)) for name, value in values.items())
