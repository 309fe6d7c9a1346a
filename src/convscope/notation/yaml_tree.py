"""YAML as a tree of texts with locations: no types, no tags, no objects, depth at most 64.

The events of PyYAML's parser are read directly. Its own loaders recurse, which deep nesting can break, and know
types, which would turn a layer named `1.0` or `no` into something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, TypeAlias

import yaml

from ..errors import suggest
from ..text.language import Message
from .grammar import Line, Place, Word, mistake
from .limits import check_time, lower

DEEPEST = 64
_REFUSED = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML allows nowhere: control characters and halves of surrogate pairs."""

MOST_TREE = 1 << 19
"""Items of the tree once aliases are written out: a few lines of aliases can stand for billions."""


class Scalar(NamedTuple):
    """A text, its location, and the lines of the document."""

    text: str
    place: Place
    rows: tuple[str, ...] = ()

    def lines(self) -> Iterator[Line]:
        """Yield the text's lines, each with its own place where that can be told."""
        texts = self.text.split("\n")
        if len(texts) == 1 and not self.rows:
            yield Line(self.text, self.place)
            return
        rows = iter(enumerate(self.rows, start=self.place.row + 1))
        for text in texts:
            if not text.strip():
                continue
            place = next((Place(n, row.index(text) + 1, row) for n, row in rows if text in row), self.place)
            yield Line(text, place)

    def words(self) -> Iterator[Word]:
        """Yield the words between blanks."""
        for found in re.finditer(r"\S+", self.text):
            yield Word(found[0], self.place.moved(found.start()))


class YamlSequence(NamedTuple):
    """A list."""

    items: tuple[Tree, ...]
    place: Place


class YamlMapping(NamedTuple):
    """Keys and values in order; keys are different."""

    pairs: tuple[tuple[Scalar, Tree], ...]
    place: Place


Tree: TypeAlias = Scalar | YamlSequence | YamlMapping


class _Mark(Protocol):
    """A location of PyYAML, counted from 0."""

    @property
    def line(self) -> int:
        """Return the row."""

    @property
    def column(self) -> int:
        """Return the column."""


class _Open(NamedTuple):
    """A list or mapping that is still open."""

    mapping: bool
    place: Place
    anchor: str | None
    parts: list[Tree]
    size_before: int


def read_tree(text: str) -> Tree:
    """Return the one document of a text.

    Errors:   BadNotation with the place, for what is not YAML and for what is more than texts, lists and mappings
    """
    _check_characters(text)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Reader(text).read(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        raise mistake(
            _Reader(text).place(error.problem_mark or error.context_mark),
            Message(
                "The document must be valid YAML (got an error: {problem}). Check the indentation, and quote "
                "text that contains two colons.",
                problem=error.problem,
            ),
            "yaml",
        ) from None


def _check_characters(text: str) -> None:
    found = _REFUSED.search(text)
    if found:
        row = text.count("\n", 0, found.start())
        column = found.start() - (text.rfind("\n", 0, found.start()) + 1)
        place = Place(row + 1, column + 1, text.split("\n")[row])
        raise mistake(
            place,
            Message(
                "The document must be YAML text (got the character {got!r}). Remove it.",
                got=found[0],
            ),
            "yaml-character",
        )


class _Reader:
    """Builder of a tree from events."""

    def __init__(self, text: str) -> None:
        self.rows = text.split("\n")
        self.anchors: dict[str, tuple[Tree, int]] = {}
        self.size = 0

    def place(self, mark: _Mark | None) -> Place:
        """Return a place from PyYAML's count from 0."""
        row, column = (mark.line, mark.column) if mark else (0, 0)
        return Place(row + 1, column + 1, self.rows[row] if row < len(self.rows) else "")

    def read(self, events: Iterable[yaml.Event]) -> Tree:
        """Return the first document; more than one is a mistake."""
        open_parts: list[_Open] = []
        root: Tree | None = None
        for event in events:
            done = self._event(event, open_parts)
            if done is None:
                continue
            if open_parts:
                open_parts[-1].parts.append(done)
            elif root is not None:
                raise mistake(
                    done.place,
                    Message(
                        "A file must contain one document (got a second). Put it in a file of its own.",
                    ),
                    "documents",
                )
            else:
                root = done
        if root is None:
            place = self.place(None)
            raise mistake(
                place,
                Message(
                    "A document must contain a network (got nothing). Write `input:` and `layers:`.",
                ),
                "document",
            )
        return root

    def _event(self, event: yaml.Event, open_parts: list[_Open]) -> Tree | None:
        """Take one event in; return what it completes."""
        place = self.place(event.start_mark)
        match event:
            case yaml.AliasEvent():
                return self._alias(event.anchor, place)
            case yaml.ScalarEvent():
                self._check_tag(event.tag, place)
                size = 1 + len(event.value) // 64
                self._grow(size, place)
                return self._kept(self._scalar(event, place), event.anchor, size)
            case yaml.CollectionStartEvent():
                self._check_tag(event.tag, place)
                deepest = lower(DEEPEST, "nesting")
                if len(open_parts) >= deepest:
                    raise mistake(
                        place,
                        Message(
                            "A document must nest at most {most} deep (got more). Use blocks.",
                            most=deepest,
                        ),
                        "too-deep",
                    )
                mapping = isinstance(event, yaml.MappingStartEvent)
                open_parts.append(_Open(mapping, place, event.anchor, [], self.size))
                self._grow(1, place)
                return None
            case yaml.CollectionEndEvent():
                ended = open_parts.pop()
                whole = _mapping(ended) if ended.mapping else YamlSequence(tuple(ended.parts), ended.place)
                return self._kept(whole, ended.anchor, self.size - ended.size_before)
        return None

    def _check_tag(self, tag: str | None, place: Place) -> None:
        if tag is not None:
            raise mistake(
                place,
                Message(
                    "A document must contain only text, lists and mappings (got the tag {got}). Remove the tag.",
                    got=tag,
                ),
                "yaml-tag",
            )

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        end = self.place(event.end_mark)
        if event.style in ("|", ">") or end.row > place.row:
            return Scalar(event.value, place, tuple(self.rows[place.row : end.row]))
        return Scalar(event.value, place.moved(1 if event.style in ("'", '"') else 0))

    def _kept(self, tree: Tree, anchor: str | None, size: int) -> Tree:
        if anchor is not None:
            self.anchors[anchor] = (tree, size)
        return tree

    def _alias(self, anchor: str | None, place: Place) -> Tree:
        if anchor is None or anchor not in self.anchors:
            hint = suggest(anchor or "", self.anchors) if self.anchors else Message("There is none.")
            raise mistake(
                place,
                Message(
                    "An alias must follow its anchor (got *{got}). {hint}",
                    got=anchor,
                    hint=hint,
                ),
                "yaml-alias",
            )
        tree, size = self.anchors[anchor]
        self._grow(size, place)
        return tree

    def _grow(self, size: int, place: Place) -> None:
        self.size += size
        check_time()
        if self.size > MOST_TREE:
            raise mistake(
                place,
                Message(
                    "A document must contain at most {most:,} items, aliases expanded (got more). Use repeat.",
                    most=MOST_TREE,
                ),
                "too-large",
            )


def _mapping(ended: _Open) -> YamlMapping:
    """Pair keys with values; a key is a text, and comes once."""
    pairs: list[tuple[Scalar, Tree]] = []
    seen: set[str] = set()
    for key, value in zip(ended.parts[::2], ended.parts[1::2], strict=True):
        if not isinstance(key, Scalar):
            raise mistake(
                key.place,
                Message(
                    "A key must be text (got a list or mapping). Put it in quotes.",
                ),
                "yaml-key",
            )
        if key.text in seen:
            raise mistake(
                key.place,
                Message(
                    "Keys must be unique (got {got!r} a second time). Rename one.",
                    got=key.text,
                ),
                "yaml-key",
            )
        seen.add(key.text)
        pairs.append((key, value))
    return YamlMapping(tuple(pairs), ended.place)
