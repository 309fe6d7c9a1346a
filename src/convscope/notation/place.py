"""Locations in a text, and errors that point at them."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import BadNotation, ConvscopeError

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

    def __str__(self) -> str:
        return f"line {self.row}, column {self.column}"

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
            f"a word must have at most {LONGEST_WORD:,} characters (got {len(text):,}). Write a shorter one",
            "too-long",
        )


def mistake(place: Place, message: str, code: str) -> BadNotation:
    """Return a syntax error: the location, the message, and the line with a caret."""
    end = "" if message.endswith((".", "?", "…")) else "."
    return BadNotation(f"{place}: {message}{end} [{code}]\n{place.shown()}")


def located(error: ConvscopeError, place: Place) -> ConvscopeError:
    """Return a layer's error with its location in the text."""
    return type(error)(f"{error}\nat {place}:\n{place.shown()}")


_CALLED = "in the block called at"


def called_from(error: ConvscopeError, place: Place) -> ConvscopeError:
    """Return the error with the location where the innermost block was called."""
    if _CALLED in str(error):
        return error
    return type(error)(f"{error}\n{_CALLED} {place}:\n{place.shown()}")
