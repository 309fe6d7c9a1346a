"""What text and YAML are read into, before anything is expanded: statements, joins, repeats, groups, blocks."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .place import Place, Word


class Statement(NamedTuple):
    """`name: kind arguments`: one layer, or a call of a block."""

    name: Word | None
    kind: Word
    arguments: tuple[Word, ...]


class Join(NamedTuple):
    """Branches that begin at the layer before, and the layer that joins their ends; an empty branch is a skip."""

    name: Word | None
    kind: Word
    arguments: tuple[Word, ...]
    branches: tuple[tuple[Item, ...], ...]


class Repeat(NamedTuple):
    """Items several times over; `{index}` counts from 0."""

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
    """A whole network as it was written; `frozen` are patterns of layers that are not trained."""

    name: str | None
    items: tuple[Item, ...]
    blocks: dict[str, Block]
    start: Place
    frozen: tuple[Word, ...] = ()
