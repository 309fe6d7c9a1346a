"""Syntax tree of text and YAML: statements, joins, repeats, groups, blocks."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .place import Place, Word


class Statement(NamedTuple):
    """`name: kind arguments`: one layer, or a call of a block."""

    name: Word | None
    kind: Word
    arguments: tuple[Word, ...]


class Join(NamedTuple):
    """Branches that start at the preceding layer, and the layer that merges them; an empty branch is a skip."""

    name: Word | None
    kind: Word
    arguments: tuple[Word, ...]
    branches: tuple[tuple[Item, ...], ...]


class Repeat(NamedTuple):
    """Repeated items; `{index}` counts from 0."""

    times: Word
    items: tuple[Item, ...]


class Group(NamedTuple):
    """Items whose names are put behind `name.`; the name itself means their last layer."""

    name: Word
    items: tuple[Item, ...]


Item: TypeAlias = Statement | Join | Repeat | Group


class Parameter(NamedTuple):
    """A parameter of a block, with its default if it has one."""

    name: str
    default: str | None


class Block(NamedTuple):
    """A named block with parameters."""

    name: Word
    parameters: tuple[Parameter, ...]
    items: tuple[Item, ...]


class Document(NamedTuple):
    """A network as written; `frozen` are patterns of layers that are not trained."""

    name: str | None
    items: tuple[Item, ...]
    blocks: dict[str, Block]
    start: Place
    frozen: tuple[Word, ...] = ()
