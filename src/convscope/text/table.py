"""Tables as values, with their text, Markdown, CSV and HTML, and text measured in terminal cells.

Chinese characters take two cells, combining marks none. Where a table is too wide, the least important columns are
dropped, counts get SI prefixes and long names lose their middle, in an order that the columns define.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from unicodedata import combining, east_asian_width

from .language import localize, translate
from .numbers import count
from .terminal import PLAIN, Paint


def width_of(text: str) -> int:
    """Return the width of a text in terminal cells.

    >>> width_of("conv1"), width_of("卷积1")
    (5, 5)
    """
    if text.isascii():
        return len(text)
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def pad(text: str, width: int, right: bool = False) -> str:
    """Pad a text with blanks to `width` cells; `right` aligns it to the right."""
    blanks = " " * max(0, width - width_of(text))
    return blanks + text if right else text + blanks


def align(rows: Sequence[Sequence[str]], right: Container[int] = (), gap: str = "  ") -> list[str]:
    """Return one line per row, with columns of equal width, those in `right` aligned to the right.

    >>> align([["conv1", "448"], ["卷积", "7,712"]], right={1})
    ['conv1    448', '卷积   7,712']
    """
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]

    def line(row: Sequence[str]) -> str:
        cells = enumerate(zip(row, widths, strict=True))
        return gap.join(pad(text, width, at in right) for at, (text, width) in cells).rstrip()

    return [line(row) for row in rows]


def shorten(text: str, width: int) -> str:
    """Elide the middle of a text wider than `width` cells; the ends of names differ most.

    >>> shorten("layer3.22.downsample.conv", 15)
    'layer3.…le.conv'
    """
    if width_of(text) <= width:
        return text
    tail = (width - 1) // 2
    return leading(text, width - 1 - tail) + "…" + leading(text[::-1], tail)[::-1]


def leading(text: str, width: int) -> str:
    """Return the beginning of a text that fits `width` cells."""
    kept, used = [], 0
    for sign in text:
        used += width_of(sign)
        if used > width:
            break
        kept.append(sign)
    return "".join(kept)


def wrap(text: str, width: int) -> list[str]:
    """Wrap a sentence, with lines after the first indented by two cells."""
    return hang(text, width, 0, 2) or [""]


def hang(text: str, width: int, indent: int, later: int | None = None) -> list[str]:
    """Wrap a sentence, indented by `indent` cells and after the first line by `later`.

    Lines break at blanks, and between Chinese characters.

    >>> hang("输出的感受野，以像素为单位。", 20, 0)
    ['输出的感受野，以像素', '为单位。']
    """
    after = indent if later is None else later
    limit = max(20 + indent, width)
    lines: list[str] = []
    line, gap, is_empty = " " * indent, "", True
    for piece in _unbreakable(text):
        if piece.isspace():
            gap = " " * len(piece)
            continue
        if not is_empty and width_of(line) + len(gap) + width_of(piece) > limit:
            lines.append(line)
            line, gap = " " * after, ""
        line, gap, is_empty = line + gap + piece, "", False
    return lines if is_empty else [*lines, line]


_CLOSING = "，。：；！？、）」』】》”’…％,.:;!?)]}%"
"""Characters that do not begin a line."""
_OPENING = "（「『【《“‘([{"
"""Characters that do not end a line."""


def _unbreakable(text: str) -> Iterator[str]:
    """Yield blanks, and the pieces between which a line may break."""
    for word in re.split(r"(\s+)", text):
        if word.isascii() or word.isspace():
            if word:
                yield word
            continue
        start = 0
        for at in range(1, len(word)):
            before, sign = word[at - 1], word[at]
            is_wide = width_of(before) == 2 or width_of(sign) == 2
            if is_wide and width_of(sign) and sign not in _CLOSING and before not in _OPENING:
                yield word[start:at]
                start = at
        yield word[start:]


GAP = "  "
NARROWEST = 8
"""Width of shortened texts when no column is left to drop."""


class MarkedNumber(NamedTuple):
    """Number with a mark before it, such as "≥" for a lower bound."""

    value: int
    mark: str = ""


Cell = str | int | MarkedNumber


@dataclass(frozen=True)
class Column:
    """Column of a table: heading, alignment, and how it shrinks.

    Columns of the highest `importance` value are dropped first. `group` is a heading above neighboring columns
    that share it, and `alone` replaces the heading of a group's only remaining column. Texts may be shortened to
    `least` cells before other columns are dropped.
    """

    heading: str
    importance: int = 0
    right: bool = True
    group: str = ""
    alone: str = ""
    least: int | None = None
    form: Callable[[float, bool], str] = count

    def write(self, cell: Cell, exact: bool = True) -> str:
        """Return the text of a cell."""
        if isinstance(cell, str):
            return translate(cell)
        value, mark = cell if isinstance(cell, MarkedNumber) else (cell, "")
        return mark + self.form(value, exact)


class Note(NamedTuple):
    """Footnote in parts, each with the heading of the column that it explains, or "".

    Parts about dropped columns are dropped too. Headings are English.
    """

    parts: tuple[tuple[str, str], ...]

    def text(self, headings: Container[str]) -> str:
        """Return the parts about the displayed columns."""
        shown = [translate(text) for heading, text in self.parts if not heading or heading in headings]
        return localize("; ").join(shown) + localize(".") if shown else ""


@dataclass(frozen=True)
class Table:
    """Headings, rows, an optional line of totals, a title above and notes below.

    Columns up to importance `core` are dropped only after counts are shortened; others before. Headings, cells,
    title and notes may be messages: they are translated where the table is written.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    totals: Sequence[Cell] | None = None
    title: str = ""
    notes: tuple[str | Note, ...] = ()
    core: int = 0

    def text(self, width: int, paint: Paint = PLAIN) -> str:
        """Return the table for a terminal of `width` cells, without trailing blanks."""
        layout = _fitted(self, width)
        lines = [paint.strong(line) for line in wrap(translate(self.title), width)] if self.title else []
        rule = paint.faint("─" * layout.width)
        lines += [paint.strong(line) for line in layout.headings()] + [rule]
        lines += [layout.line(row, paint) for row in self.rows]
        if self.totals is not None:
            lines += [rule, paint.strong(layout.line(self.totals))]
        notes = [*self._notes([self.columns[index].heading for index in layout.shown]), *self._left_out(layout)]
        if notes:
            lines += ["", *(paint.faint(line) for note in notes for line in wrap(note, width))]
        return "\n".join(line.rstrip() for line in lines)

    def markdown(self) -> str:
        """Return the whole table in GitHub's Markdown."""
        marks = ["---:" if column.right else "---" for column in self.columns]
        lines = [self._bar(map(_markdown_safe, self._full_headings())), "|" + "|".join(marks) + "|"]
        lines += [self._bar(map(_markdown_safe, self._written(row))) for row in self.rows]
        if self.totals is not None:
            bold = [f"**{_markdown_safe(text)}**" if text else "" for text in self._written(self.totals)]
            lines.append(self._bar(bold))
        title = [f"**{_markdown_safe(translate(self.title))}**", ""] if self.title else []
        notes = [line for note in self._notes() for line in ("", _markdown_safe(note))]
        return "\n".join([*title, *lines, *notes])

    def csv(self) -> str:
        """Return headings and rows as CSV with plain numbers and without totals."""
        import csv
        import io

        sheet = io.StringIO()
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow(column.heading for column in self.columns)
        writer.writerows(
            [cell.value if isinstance(cell, MarkedNumber) else cell for cell in row] for row in self.rows
        )
        return sheet.getvalue().rstrip("\n")

    def html(self) -> str:
        """Return a self-contained HTML table."""
        from html import escape

        sides = ["right" if column.right else "left" for column in self.columns]

        def line(tag: str, texts: Iterable[str]) -> str:
            cells = (
                f'<{tag} style="text-align:{side}">{escape(text)}</{tag}>'
                for side, text in zip(sides, texts, strict=True)
            )
            return f"<tr>{''.join(cells)}</tr>"

        body = "\n".join(line("td", self._written(row)) for row in self.rows)
        foot = "" if self.totals is None else f"\n<tfoot>{line('th', self._written(self.totals))}</tfoot>"
        title = f"<caption>{escape(translate(self.title))}</caption>\n" if self.title else ""
        notes = "".join(f"\n<p><small>{escape(note)}</small></p>" for note in self._notes())
        head = f"<thead>{line('th', self._full_headings())}</thead>"
        return f"<table>\n{title}{head}\n<tbody>\n{body}\n</tbody>{foot}\n</table>{notes}"

    def _notes(self, headings: Container[str] | None = None) -> list[str]:
        """Return the notes about columns with these headings, by default all."""
        shown = [column.heading for column in self.columns] if headings is None else headings
        texts = (translate(note) if isinstance(note, str) else note.text(shown) for note in self.notes)
        return [text for text in texts if text]

    def _left_out(self, layout: _Layout) -> list[str]:
        hidden = [column for index, column in enumerate(self.columns) if index not in layout.shown]
        names = localize(", ").join(translate(column.heading) for column in hidden)
        return [localize("not shown at this width: {names}.", names=names)] if names else []

    def _written(self, row: Sequence[Cell]) -> list[str]:
        return [column.write(cell) for column, cell in zip(self.columns, row, strict=True)]

    def _full_headings(self) -> list[str]:
        return [f"{translate(column.group)} {translate(column.heading)}".strip() for column in self.columns]

    @staticmethod
    def _bar(texts: Iterable[str]) -> str:
        return "| " + " | ".join(texts) + " |"


def _markdown_safe(text: str) -> str:
    return "".join("\\" + one if one in "|*_`<" else one for one in text)


class _Layout(NamedTuple):
    """Displayed columns, their widths, and whether counts have all digits."""

    table: Table
    shown: tuple[int, ...]
    widths: tuple[int, ...]
    exact: bool

    @property
    def width(self) -> int:
        return sum(self.widths) + len(GAP) * (len(self.widths) - 1)

    def line(self, row: Sequence[Cell], paint: Paint = PLAIN) -> str:
        """Return a row; zeros are painted faint."""
        return self._join([self.table.columns[index].write(row[index], self.exact) for index in self.shown], paint)

    def headings(self) -> list[str]:
        names = _headings(self.table, self.shown)
        groups = self._groups()
        return [groups.rstrip(), self._join(names)] if groups.strip() else [self._join(names)]

    def _join(self, texts: Sequence[str], paint: Paint = PLAIN) -> str:
        columns = (self.table.columns[index] for index in self.shown)
        cells = [
            pad(shorten(text, width), width, column.right)
            for text, width, column in zip(texts, self.widths, columns, strict=True)
        ]
        if paint.enabled:
            cells = [paint.faint(cell) if text == "0" else cell for cell, text in zip(cells, texts, strict=True)]
        return GAP.join(cells).rstrip()

    def _groups(self) -> str:
        line, place = "", 0
        while place < len(self.shown):
            group = self.table.columns[self.shown[place]].group
            members = 1
            while (
                place + members < len(self.shown)
                and self.table.columns[self.shown[place + members]].group == group
            ):
                members += 1
            span = sum(self.widths[place : place + members]) + len(GAP) * (members - 1)
            text = f" {translate(group)} " if group and members > 1 else ""
            line += (_centered(text, span) if text and width_of(text) <= span else " " * span) + GAP
            place += members
        return line


def _centered(text: str, width: int) -> str:
    blanks = width - width_of(text)
    left = blanks // 2 + (blanks & width & 1)  # as str.center
    return "─" * left + text + "─" * (blanks - left)


def _headings(table: Table, shown: Sequence[int]) -> list[str]:
    groups = [table.columns[index].group for index in shown]
    return [
        translate(column.alone if column.alone and groups.count(column.group) == 1 else column.heading)
        for column in (table.columns[index] for index in shown)
    ]


def _fitted(table: Table, width: int) -> _Layout:
    """Return the most complete layout that fits, or the smallest one."""
    steps = sorted({column.importance for column in table.columns}, reverse=True)
    lines = [*table.rows, *([table.totals] if table.totals is not None else [])]
    natural = {
        exact: [
            max((width_of(column.write(line[index], exact)) for line in lines), default=0)
            for index, column in enumerate(table.columns)
        ]
        for exact in (True, False)
    }
    wanted = [(step, True) for step in steps if step >= table.core]
    wanted += [(step, False) for step in steps if step <= table.core]
    for step, exact in wanted:
        shown = tuple(i for i, column in enumerate(table.columns) if column.importance <= step)
        widths = [
            max(natural[exact][i], width_of(name)) for i, name in zip(shown, _headings(table, shown), strict=True)
        ]
        layout = _shrunk(_Layout(table, shown, tuple(widths), exact), width)
        if layout.width <= width:
            return layout
    return _shrunk(layout, width, NARROWEST)


def _shrunk(layout: _Layout, width: int, narrowest: int | None = None) -> _Layout:
    """Shorten texts to fit; those of core columns only after counts."""
    widths = list(layout.widths)
    for place, index in enumerate(layout.shown):
        column = layout.table.columns[index]
        over = sum(widths) + len(GAP) * (len(widths) - 1) - width
        if column.least is None or over <= 0 or (layout.exact and column.importance <= layout.table.core):
            continue
        limit = column.least if narrowest is None else narrowest
        widths[place] = max(min(limit, widths[place]), widths[place] - over)
    return layout._replace(widths=tuple(widths))
