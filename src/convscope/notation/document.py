"""Parser of YAML and JSON documents.

name: tiny
input: 3x32x24
blocks:
  residual width stride=1:        # a block's name and its parameters
    - add:
        - conv {width} 3 s{stride} p1 nobias | bn
        - conv {width} 1 s{stride} nobias
    - relu
layers:
  - conv 16 3 p1 | relu           # a chain
  - layer1: residual 32 stride=2  # a name and what is called so
  - repeat: 2
    layers:
      - stage{index}: residual 32
frozen: [layer1, "stage?.conv1"]  # layers and groups that are not trained
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..errors import suggest
from ..network import is_name
from ..text.language import Message
from ..text.lists import listed
from .grammar import (
    Block,
    BlockParameter,
    Document,
    Group,
    Item,
    Join,
    Line,
    Place,
    Repeat,
    Statement,
    Word,
    check_length,
    mistake,
    read_lines,
)
from .keywords import find
from .yaml_tree import Scalar, Tree, YamlMapping, YamlSequence, read_tree

KEYS = ("name", "input", "layers", "blocks", "frozen")
_REPEAT = ("repeat", "layers")


def read_json(text: str) -> Document:
    """Read a JSON document: the same structure, so that the same parser locates the errors."""
    try:
        json.loads(text, parse_int=str, parse_float=str)  # only the form is checked here, no number is made
    except json.JSONDecodeError as error:
        rows = text.split("\n")
        place = Place(error.lineno, error.colno, rows[error.lineno - 1] if error.lineno <= len(rows) else "")
        raise mistake(
            place,
            Message(
                "A .json file must contain valid JSON (got an error: {problem}).",
                problem=error.msg.lower(),
            ),
            "json",
        ) from None
    except RecursionError:
        raise mistake(
            Place(1, 1, text[:100]),
            Message(
                "JSON must nest at most 64 deep (got more).",
            ),
            "too-deep",
        ) from None
    # Strings in JSON hold no tabs, so these are indentation, where YAML allows none.
    return read_yaml(text.replace("\t", " "))


def read_yaml(text: str) -> Document:
    """Read a YAML document.

    Errors:   BadNotation for unknown keys (with the nearest), tags, and everything the notation refuses
    """
    tree = read_tree(text)
    if not isinstance(tree, YamlMapping):
        raise mistake(
            tree.place,
            Message(
                "A document must be a mapping with the keys input and layers (got something else).",
            ),
            "document",
        )
    parts: dict[str, Tree] = {}
    for key, value in tree.pairs:
        if key.text not in KEYS:
            raise mistake(
                key.place,
                Message(
                    "A document's keys must be {keys} (got {got!r}). {hint}",
                    keys=listed(KEYS),
                    got=key.text,
                    hint=suggest(key.text, KEYS),
                ),
                "unknown-key",
            )
        parts[key.text] = value
    if "layers" not in parts:
        raise mistake(
            tree.place,
            Message(
                "A document must have the key layers (got none). Add `layers:` and a list.",
            ),
            "layers",
        )
    items = tuple(_items(parts["layers"]))
    if "input" in parts:
        items = (_input(parts["input"]), *items)
    name = _word(parts["name"], Message("name")).text if "name" in parts else None
    frozen = _frozen(parts["frozen"]) if "frozen" in parts else ()
    return Document(name, items, _blocks(parts["blocks"]) if "blocks" in parts else {}, tree.place, frozen)


def _word(tree: Tree, what: Message) -> Scalar:
    if not isinstance(tree, Scalar) or not tree.text.strip():
        raise mistake(
            tree.place,
            Message(
                "{what} must be text (got {got}).",
                what=what,
                got=_described(tree),
            ),
            "document",
        )
    check_length(tree.text, tree.place)
    return tree


def _described(tree: Tree) -> str:
    match tree:
        case Scalar():
            return repr(tree.text) if tree.text.strip() else Message("nothing")
        case YamlSequence():
            return Message("a list") if tree.items else Message("an empty list")
        case YamlMapping():
            return Message("a mapping")


def _input(tree: Tree) -> Statement:
    """Read `3x224x224` or [3, 224, 224]."""
    if isinstance(tree, YamlSequence):
        sizes = "x".join(_word(one, Message("A size of the input")).text for one in tree.items)
        return Statement(None, Word("input", tree.place), (Word(sizes, tree.place),))
    text = _word(tree, Message("The input"))
    return Statement(None, Word("input", tree.place), (Word(text.text.strip(), text.place),))


def _frozen(tree: Tree) -> tuple[Word, ...]:
    """Read one name or a list of names."""
    listed = tree.items if isinstance(tree, YamlSequence) else (tree,)
    words = (_word(one, Message("A frozen layer")) for one in listed)
    return tuple(Word(word.text.strip(), word.place) for word in words)


def _items(tree: Tree) -> Iterator[Item]:
    """Read a list of items, or one item alone."""
    if isinstance(tree, YamlSequence):
        for one in tree.items:
            yield from _item(one)
    else:
        yield from _item(tree)


def _item(tree: Tree) -> Iterator[Item]:
    """Read a chain as text, a mapping, or a list within a list."""
    match tree:
        case Scalar():
            yield from read_lines(tree.lines())
        case YamlSequence():
            yield from _items(tree)
        case YamlMapping(pairs=((key, value),)) if key.text not in _REPEAT:
            yield from _one_key(key, value)
        case YamlMapping():
            yield _repeat(tree)


def _one_key(key: Scalar, value: Tree) -> Iterator[Item]:
    """Read `name: chain`, `add: branches`, `name: items`."""
    if isinstance(value, Scalar):
        yield from _named(key, value)
        return
    words = key.text.split()
    kind = find(words[0]) if words else None
    if kind is not None:
        statement, *others = read_lines(key.lines())
        if others:
            raise mistake(
                others[0].kind.place,
                Message(
                    "A list of branches must belong to one layer that joins them (got {got!r}). Put the layers "
                    "after it in an item of their own.",
                    got=key.text,
                ),
                "branches",
            )
        if kind.classes[0].arity[1] in (0, 1):
            raise mistake(
                key.place,
                Message(
                    "A list of branches must belong to a layer that joins them (got {got!r}). Use add, mul, "
                    "concat, or another name for a group.",
                    got=words[0],
                ),
                "branches",
            )
        yield Join(None, statement.kind, statement.arguments, _branches(value, statement.kind))
        return
    name = Word(key.text, key.place)
    items = tuple(_items(value))
    if len(items) == 1 and isinstance(items[0], Join) and items[0].name is None and isinstance(value, YamlMapping):
        yield items[0]._replace(name=name)
    else:
        yield Group(name, _not_empty(items, value))


def _named(key: Scalar, value: Scalar) -> Iterator[Item]:
    """Read what YAML takes for a mapping and is a line of notation that begins with a name."""
    chain, bar, text = key.text.rpartition("|")  # `relu | fc: dense 10` names a later layer of a chain
    name = Word(text.strip(), key.place.moved(len(chain + bar) + len(text) - len(text.lstrip())))
    yield from read_lines([Line(chain, key.place)])
    statements = list(read_lines(value.lines()))
    if not statements:
        raise mistake(
            key.place,
            Message(
                "A layer's kind must follow its name (got {got!r} alone). Write `{got}: relu` or the like.",
                got=key.text,
            ),
            "no-kind",
        )
    if statements[0].name is not None:
        raise mistake(
            statements[0].name.place,
            Message(
                "A layer must have one name (got {got!r} as well). Remove one.",
                got=statements[0].name.text,
            ),
            "two-names",
        )
    yield statements[0]._replace(name=name)
    yield from statements[1:]


def _branches(tree: Tree, kind: Word) -> tuple[tuple[Item, ...], ...]:
    if not isinstance(tree, YamlSequence) or not tree.items:
        raise mistake(
            tree.place,
            Message(
                "{kind} must have a list of branches (got {got}). Write one item each.",
                kind=kind.text,
                got=_described(tree),
            ),
            "branches",
        )
    return tuple(tuple(_items(branch)) for branch in tree.items)


def _repeat(tree: YamlMapping) -> Repeat:
    keys = {key.text: value for key, value in tree.pairs}
    for key, _ in tree.pairs:
        if key.text not in _REPEAT:
            raise mistake(
                key.place,
                Message(
                    "An item must be text, one key, or repeat with layers (got the key {got!r} beside {count} "
                    "more). Put it in an item of its own.",
                    got=key.text,
                    count=len(tree.pairs) - 1,
                ),
                "unknown-key",
            )
    if len(keys) != 2:
        raise mistake(
            tree.place,
            Message(
                "repeat and layers must be used together (got only one of them). Write both keys.",
            ),
            "repeat",
        )
    times = _word(keys["repeat"], Message("repeat"))
    return Repeat(Word(times.text, times.place), _not_empty(tuple(_items(keys["layers"])), keys["layers"]))


def _not_empty(items: tuple[Item, ...], tree: Tree) -> tuple[Item, ...]:
    if not items:
        raise mistake(
            tree.place,
            Message(
                "A list of layers must not be empty (got no layers). Add `identity`.",
            ),
            "empty-list",
        )
    return items


def _blocks(tree: Tree) -> dict[str, Block]:
    if not isinstance(tree, YamlMapping):
        raise mistake(
            tree.place,
            Message(
                "blocks must be a mapping of names to layers (got {got}).",
                got=_described(tree),
            ),
            "document",
        )
    blocks: dict[str, Block] = {}
    for key, value in tree.pairs:
        block = _block(key, value)
        if block.name.text in blocks:
            raise mistake(
                key.place,
                Message(
                    "Block names must be unique (got two blocks named {got!r}).",
                    got=block.name.text,
                ),
                "duplicate-name",
            )
        blocks[block.name.text] = block
    return blocks


def _block(key: Scalar, value: Tree) -> Block:
    """Read `name parameter parameter=default` and the layers under it."""
    words = [Word(word.text, word.place) for word in key.words()]
    if not words or find(words[0].text) is not None or not is_name(words[0].text):
        raise mistake(
            key.place,
            Message(
                "A block must have a name that no layer has (got {got!r}). Write `name parameter …`.",
                got=key.text,
            ),
            "block-name",
        )
    parameters: list[BlockParameter] = []
    for word in words[1:]:
        name, equals, default = word.text.partition("=")
        if not name.isidentifier() or name in [one.name for one in parameters]:
            raise mistake(
                word.place,
                Message(
                    "A parameter must have a unique name of letters and digits (got {got!r}).",
                    got=name,
                ),
                "block-name",
            )
        parameters.append(BlockParameter(name, default if equals else None))
    return Block(words[0], tuple(parameters), _not_empty(tuple(_items(value)), value))
