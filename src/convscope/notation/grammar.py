"""Parser of line notation: statements of words with locations.

line       statements between `|`; a comment runs from `#` to the end
statement  [name:] kind argument …
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import BadNotation
from .place import Place, Word, check_length, mistake
from .syntax import Document, Statement

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
        place, f"a network must have at most {MOST_LAYERS:,} layers (got more). Repeat less", "too-large"
    )


def read_text(text: str) -> Document:
    """Read notation in which every layer stands in a line or between bars."""
    lines = [Line(line, Place(row, 1, line)) for row, line in enumerate(text.split("\n"), start=1)]
    return Document(None, tuple(read_lines(lines)), {}, lines[0].start)


def read_lines(lines: Iterable[Line]) -> Iterator[Statement]:
    """Yield the statements of some lines."""
    count = 0
    for line in lines:
        if count + line.text.count("|") > MOST_LAYERS:
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
                    f"a layer must have at most {MOST_WORDS:,} words (got more). Join fewer layers at once",
                    "too-large",
                )
            words.append(Word(token[0], place))
            continue
        if words:
            yield words
        elif not first:
            raise mistake(
                place, "there must be a layer between two bars (got none). Remove one bar", "empty-layer"
            )
        words, bar, first = [], place, False
    if words:
        yield words
    elif bar is not None and first:
        raise mistake(bar, "there must be a layer next to a bar (got none)", "empty-layer")


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
            f"a layer's kind must follow its name (got {first.text!r} alone). Write `{first.text} relu` or so",
            "no-kind",
        )
    return Statement(name, rest[0], tuple(rest[1:]))
