"""Lessons for a terminal."""

from __future__ import annotations

from itertools import zip_longest

from ...derivations.derivation import Text
from ...derivations.render.text import wrapped
from ...derivations.typeset import text as formula_text
from ...engines.reference.layers.rules import Array
from ...text.table import pad, width_of
from ..lesson import Curves, Drawing, Formulas, Lesson, Row, Section, Table, Value, Words
from . import parts

GAP = "   "
LEAST_COLUMNS = 5
"""Columns of a matrix that are printed however narrow the terminal is."""


def render(lesson: Lesson, lang: str, width: int) -> str:
    """Write a lesson on lines of at most `width` columns where its blocks can be broken."""
    title = lesson.title.to(lang)
    blocks = ["\n".join([title, "━" * width_of(title)])]
    blocks += [_section(section, lang, width) for section in lesson.sections]
    return "\n\n".join(blocks) + "\n"


def _section(section: Section, lang: str, width: int) -> str:
    title = section.title.to(lang)
    head = "\n".join([*wrapped(title, "", "", width), "─" * min(width, width_of(title))])
    written = [lines for block in parts.printed(section.blocks) if (lines := _block(block, lang, width))]
    return "\n".join([head, "\n\n".join("\n".join(lines) for lines in written)]).rstrip()


def _block(block: parts.Printed, lang: str, width: int) -> list[str]:
    match block:
        case Words(text):
            return _prose(text, lang, width)
        case Formulas(lines):
            return _formulas(lines, lang, width)
        case Row():
            return row(block, lang, width)
        case Table():
            return _table(block, lang, width)
        case Drawing(lines):
            return lines.to(lang).split("\n")
        case Curves():
            return []


def _prose(text: Text, lang: str, width: int) -> list[str]:
    """Write a paragraph; in Chinese there is room for two punctuation marks that hang over a line's end."""
    return wrapped(parts.prose(text, lang, str, formula_text), "", "", width - (4 if lang == "zh" else 0))


def _formulas(lines: tuple[str | Text, ...], lang: str, width: int) -> list[str]:
    """Write equations, indented where words are between them."""
    margin = "  " if any(isinstance(line, Text) for line in lines) else ""
    written: list[str] = []
    for line in lines:
        if isinstance(line, Text):
            written += _prose(line, lang, width)
        else:
            written += [margin + one for one in _equation(line, width - len(margin))]
    return written


def _equation(line: str, width: int) -> list[str]:
    """Write an equation on one line, or each side on its own under the first = sign."""
    first, *others = parts.equation(line, str, formula_text)
    whole = " = ".join([first, *others])
    if width_of(whole) <= width or not others:
        return wrapped(whole, "", "    ", width)
    margin = " " * min(width_of(first), 12)
    lines = [f"{first} = {others[0]}", *(f"{margin} = {other}" for other in others[1:])]
    return [broken for one in lines for broken in wrapped(one, "", margin + "   ", width, keep=True)]


def row(block: Row, lang: str, width: int) -> list[str]:
    """Write values side by side, on several lines of blocks where they are too wide."""
    pieces: list[list[str]] = []
    for part in block.parts:
        if isinstance(part, Value):
            pieces += [_titled(title, matrix, lang, width) for title, matrix in part.maps()]
        else:
            pieces.append(["", part])
    lines: list[str] = []
    group: list[list[str]] = []
    for piece in pieces:
        if group and _width([*group, piece]) > width:
            lines += [*_beside(group), ""]
            group = []
        group.append(piece)
    return [*lines, *_beside(group)]


def _titled(title: Text, matrix: Array, lang: str, width: int) -> list[str]:
    head = _prose(title, lang, width)
    short = parts.summary(matrix, lang)
    return [*head, *(wrapped(short, "", "", width) if short else matrix_lines(matrix, width))]


def matrix_lines(matrix: Array, width: int) -> list[str]:
    """Write a matrix with every number right-aligned, without its middle columns where it is too wide."""
    for columns in range(parts.MOST_COLUMNS, LEAST_COLUMNS - 1, -1):
        rows = parts.rows_of(matrix, columns)
        lines = aligned(rows)
        if max(map(width_of, lines)) <= width:
            break
    return lines


def aligned(rows: list[list[str]]) -> list[str]:
    """Write cells in columns, right-aligned.

    >>> aligned([["1", "−2.5"], ["10", "0"]])
    [' 1  −2.5', '10     0']
    """
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(pad(cell, w, right=True) for cell, w in zip(line, widths, strict=True)) for line in rows]


def _width(group: list[list[str]]) -> int:
    return sum(max(map(width_of, piece)) for piece in group) + len(GAP) * (len(group) - 1)


def _beside(group: list[list[str]]) -> list[str]:
    widths = [max(map(width_of, piece)) for piece in group]
    return [
        GAP.join(pad(line, width) for line, width in zip(lines, widths, strict=True)).rstrip()
        for lines in zip_longest(*group, fillvalue="")
    ]


def _table(table: Table, lang: str, width: int) -> list[str]:
    """Write a table, the first column to the left and the others to the right."""
    head = [parts.prose(text, lang, str, formula_text) for text in table.columns.values()]
    every = [head, *([parts.cell(cell, lang) for cell in line] for line in table.rows[: table.shown])]
    widths = [max(map(width_of, column)) for column in zip(*every, strict=True)]

    def line(cells: list[str]) -> str:
        padded = [pad(cell, w, right=place > 0) for place, (cell, w) in enumerate(zip(cells, widths, strict=True))]
        return "  ".join(padded).rstrip()

    return [line(every[0]), "  ".join("─" * one for one in widths), *map(line, every[1:])]
