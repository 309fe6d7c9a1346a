"""The syntax of the notation: locations, the syntax tree, and the parser of lines.

line       statements between `|`; a comment runs from `#` to the end
statement  [name:] kind argument …
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from ..errors import BadNotation, ConvscopeError
from ..text.language import Message
from .limits import check_time, lower

_SHOWN = 100
"""Characters of a long line that are shown around the place."""


class Place(NamedTuple):
    """A line and a column, both counted from 1, and the line itself."""

    row: int
    column: int
    line: str

    def moved(self, columns: int) -> Place:
        """Return the location some columns further right."""
        return self._replace(column=self.column + columns)

    def shown(self) -> str:
        """Return the line, or a part of it, with a caret under the location."""
        start = max(0, self.column - 1 - _SHOWN * 2 // 3)
        stop = start + _SHOWN
        before = "… " if start else ""
        after = " …" if stop < len(self.line) else ""
        part = "".join(sign if sign.isprintable() else " " for sign in self.line[start:stop])
        return f"  {before}{part}{after}\n  {' ' * (len(before) + self.column - 1 - start)}^"


class Word(NamedTuple):
    """A word of the notation and its location."""

    text: str
    place: Place


LONGEST_WORD = 4096
"""Characters of one word, also after braces are replaced: values that double in nested blocks stop here."""


def check_length(text: str, place: Place) -> None:
    """Refuse a word of more than LONGEST_WORD characters.

    Errors:   BadNotation [too-long]
    """
    if len(text) > LONGEST_WORD:
        raise mistake(
            place,
            Message(
                "A word must have at most {most:,} characters (got {got:,}). Write a shorter one.",
                most=LONGEST_WORD,
                got=len(text),
            ),
            "too-long",
        )


def mistake(place: Place, message: Message, code: str) -> BadNotation:
    """Return a syntax error: the location, the message, and the line with a caret."""
    return BadNotation(
        "Line {row}, column {column}: {message} [{code}]\n{shown}",
        row=place.row,
        column=place.column,
        message=message,
        code=code,
        shown=place.shown(),
    )


def located(error: ConvscopeError, place: Place) -> ConvscopeError:
    """Return a layer's error with its location in the text."""
    return type(error)(
        "{error}\nat line {row}, column {column}:\n{shown}",
        error=error,
        row=place.row,
        column=place.column,
        shown=place.shown(),
    )


_CALLED = "{error}\nin the block called at line {row}, column {column}:\n{shown}"


def called_from(error: ConvscopeError, place: Place) -> ConvscopeError:
    """Return the error with the location where the innermost block was called."""
    if error.message.template == _CALLED:
        return error
    return type(error)(
        "{error}\nin the block called at line {row}, column {column}:\n{shown}",
        error=error,
        row=place.row,
        column=place.column,
        shown=place.shown(),
    )


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


class BlockParameter(NamedTuple):
    """A parameter of a block, with its default if it has one."""

    name: str
    default: str | None


class Block(NamedTuple):
    """A named block with parameters."""

    name: Word
    parameters: tuple[BlockParameter, ...]
    items: tuple[Item, ...]


class Document(NamedTuple):
    """A network as written; `frozen` are patterns of layers that are not trained."""

    name: str | None
    items: tuple[Item, ...]
    blocks: dict[str, Block]
    start: Place
    frozen: tuple[Word, ...] = ()


_TOKEN = re.compile(r"\||(?:\{[^{}|]*\}|[^\s|{]++|\{)++")


MOST_LAYERS = 100_000
"""Layers of one network, blocks and repeats written out."""

MOST_WORDS = 20_000
"""Words of one layer: its arguments, or the layers that it joins."""


class Line(NamedTuple):
    """A line to read, and where its first character stands."""

    text: str
    start: Place


def too_many_layers(place: Place) -> BadNotation:
    """Make the error for a network of more than MOST_LAYERS layers."""
    return mistake(
        place,
        Message(
            "A network must have at most {most:,} layers (got more). Repeat less.",
            most=lower(MOST_LAYERS, "layers"),
        ),
        "too-large",
    )


def read_text(text: str) -> Document:
    """Read notation in which every layer stands in a line or between bars."""
    lines = [Line(line, Place(row, 1, line)) for row, line in enumerate(text.split("\n"), start=1)]
    return Document(None, tuple(read_lines(lines)), {}, lines[0].start)


def read_lines(lines: Iterable[Line]) -> Iterator[Statement]:
    """Yield the statements of some lines."""
    count = 0
    for line in lines:
        check_time()
        if count + line.text.count("|") > lower(MOST_LAYERS, "layers"):
            raise too_many_layers(line.start)
        for words in _between_bars(line):
            count += 1
            yield _statement(words)


def _between_bars(line: Line) -> Iterator[list[Word]]:
    """Yield the words of each statement; a bar may also begin or end a line."""
    words: list[Word] = []
    bar: Place | None = None
    first = True
    for token in _TOKEN.finditer(line.text.partition("#")[0]):
        place = line.start.moved(token.start())
        if token[0] != "|":
            check_length(token[0], place)
            if len(words) >= MOST_WORDS:
                raise mistake(
                    place,
                    Message(
                        "A layer must have at most {most:,} words (got more). Join fewer layers at once.",
                        most=MOST_WORDS,
                    ),
                    "too-large",
                )
            words.append(Word(token[0], place))
            continue
        if words:
            yield words
        elif not first:
            raise mistake(
                place,
                Message(
                    "There must be a layer between two bars (got none). Remove one bar.",
                ),
                "empty-layer",
            )
        words, bar, first = [], place, False
    if words:
        yield words
    elif bar is not None and first:
        raise mistake(
            bar,
            Message(
                "There must be a layer next to a bar (got none). Remove the bar.",
            ),
            "empty-layer",
        )


def _statement(words: list[Word]) -> Statement:
    first, rest = words[0], words[1:]
    text, colon, kind = first.text.partition(":")
    if not colon:
        return Statement(None, first, tuple(rest))
    name = Word(text, first.place)
    if kind:
        rest.insert(0, Word(kind, first.place.moved(len(text) + 1)))
    if not rest:
        raise mistake(
            name.place,
            Message(
                "A layer's kind must follow its name (got {got!r} alone). Write `{got} relu` or so.",
                got=first.text,
            ),
            "no-kind",
        )
    return Statement(name, rest[0], tuple(rest[1:]))
