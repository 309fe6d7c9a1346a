"""Lessons as data: sections of words, formulas, values, tables and curves, independent of the output format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..derivations.derivation import Derivation, Text
from ..derivations.explanation import checked_language
from ..derivations.expression import as_expression
from ..derivations.typeset import notation
from ..engines.reference.layers.rules import Array
from ..network import Network
from ..text.language import current_language
from ..text.notebook import Preformatted

WIDTH = 80
"""Columns of a lesson's text."""

Cell = float | bool | str | Text
"""A cell of a table: a number, a yes or no, or words."""


def same(words: str) -> Text:
    """Return words that are the same in both languages: symbols, names, codes."""
    return Text(words, words)


@dataclass(frozen=True)
class Words:
    """A paragraph; `$…$` encloses a formula."""

    text: Text


@dataclass(frozen=True)
class Formulas:
    """Equations such as `y_1 = x_1·w_0 + b = 2`, in the notation of derivations, with words between them."""

    lines: tuple[str | Text, ...]


@dataclass(frozen=True)
class Value:
    """A named array, shown under its title: a vector as a row, maps (c, h, w) side by side.

    `name` is the key in JSON, unique within a lesson; "" for a value that is shown again.
    """

    name: str
    array: Array
    title: Text | None = None

    @property
    def heading(self) -> Text:
        """Return the title, which is the name unless set."""
        return self.title or same(self.name)

    def maps(self) -> Iterator[tuple[Text, Array]]:
        """Yield what is shown as one block each: a matrix with its title."""
        if self.array.ndim <= 2:
            yield self.heading, np.atleast_2d(self.array)
            return
        for index in np.ndindex(self.array.shape[:-2]):
            alone = self.array.shape[:-2] == (1,) * len(index)
            suffix = "" if alone else " " + ",".join(str(one + 1) for one in index)
            yield Text(*(f"{words}{suffix}" for words in self.heading)), self.array[index]


@dataclass(frozen=True)
class Row:
    """Values side by side, with signs such as "∗" and "=" between them."""

    parts: tuple[Value | str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of cells under column titles; the columns' keys name the cells in JSON.

    Of a long table the first `shown` rows are printed.
    """

    name: str
    columns: Mapping[str, Text]
    rows: tuple[tuple[Cell, ...], ...]
    shown: int | None = None

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as plain data."""
        return [dict(zip(self.columns, map(_plain_cell, row), strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Drawing:
    """Lines of characters, such as a graph. `same` makes those without words."""

    lines: Text


@dataclass(frozen=True)
class Curves:
    """Curves or, with named points, bars; drawn in figures, listed in JSON, and not printed.

    `logarithmic` is for bars. `labels` names series in the legend; the others have their key.

    Shapes:   x (n), each series (n)
    """

    name: str
    title: Text
    x_label: Text
    x: Array | tuple[Text, ...]
    series: Mapping[str, Array]
    logarithmic: bool = False
    labels: Mapping[str, Text] = field(default_factory=dict)


Place = tuple[int, ...]


@dataclass(frozen=True)
class LitStep:
    """A step: elements that take part by the name of their value, those that win, and the equation.

    `own` has the elements of values that differ from step to step, such as the products of a window.
    """

    lit: Mapping[str, tuple[Place, ...]]
    equation: str
    best: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    own: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Steps:
    """What each element of a result is made of, to be stepped through on a page; elsewhere it is left out.

    The values are rows and matrices; their names are unique among the parts, and a line break begins another
    line. `padding` is how many positions were added at both ends of each axis of a value.
    """

    name: str
    title: Text
    parts: tuple[Value | str, ...]
    steps: tuple[LitStep, ...]
    padding: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Contrast:
    """The wrong and the right computation of one number, side by side."""

    wrong: tuple[Words | Formulas, ...]
    right: tuple[Words | Formulas, ...]


Block = Words | Formulas | Row | Table | Drawing | Curves | Steps | Contrast

WRONG, RIGHT = Text("Wrong", "错误"), Text("Right", "正确")
"""Headings of the two sides of a contrast."""


@dataclass(frozen=True)
class Section:
    """A step of a lesson."""

    title: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Lesson(Preformatted):
    """A lesson: its steps with all values, ready to be written in any form.

    `lesson["y"]` is the value of that name; `str()` is the text in the current language. `network` has the layer
    that the lesson is about, with its settings, where it is one.

    Errors:   BadSetting [language] for a language other than "en" and "zh"
    """

    topic: str
    title: Text
    sections: tuple[Section, ...]
    network: Network | None = None

    def __post_init__(self) -> None:
        names = [name for name, _ in self._named()]
        assert len(names) == len(set(names)), f"{self.topic} has two values of one name: {sorted(names)}"

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def values(self) -> dict[str, Any]:
        """Return every value by name: arrays, tables as lists of records, curves as their series."""
        return dict(self._named())

    def _named(self) -> Iterator[tuple[str, Any]]:
        for section in self.sections:
            for block in section.blocks:
                match block:
                    case Row(parts):
                        yield from (
                            (part.name, part.array) for part in parts if isinstance(part, Value) and part.name
                        )
                    case Table():
                        yield block.name, block.records()
                    case Curves():
                        x = [words.en for words in block.x] if isinstance(block.x, tuple) else block.x
                        yield block.name, {"x": x, **block.series}
                    case _:
                        pass

    def text(self, lang: str = "en", width: int = WIDTH) -> str:
        """Write the lesson for a terminal of at least 40 columns."""
        from .render import text

        return text.render(self, checked_language(lang), width)

    def markdown(self, lang: str = "en") -> str:
        """Write the lesson as Markdown with formulas between dollar signs."""
        from .render import markdown

        return markdown.render(self, checked_language(lang))

    def latex(self, lang: str = "en") -> str:
        """Write the lesson as a LaTeX document."""
        from .render import latex

        return latex.render(self, checked_language(lang))

    def html(self, lang: str = "en") -> str:
        """Write the lesson as one self-contained HTML page."""
        from .render import html

        return html.render(self, checked_language(lang))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: the values, and the steps in both languages."""
        return {
            "schema": 1,
            "topic": self.topic,
            "title": self.title._asdict(),
            "values": {name: plain(value) for name, value in self.values.items()},
            "sections": [
                {
                    "title": section.title._asdict(),
                    "steps": [step for block in section.blocks for step in _steps(block)],
                }
                for section in self.sections
            ],
        }

    def __str__(self) -> str:
        return self.text(current_language())


def _steps(block: Block) -> Iterator[dict[str, Any]]:
    match block:
        case Words(text):
            yield {"text": text._asdict()}
        case Formulas(lines):
            yield {"formulas": [line._asdict() if isinstance(line, Text) else line for line in lines]}
        case Row(parts):
            values = [part for part in parts if isinstance(part, Value) and part.name]
            yield {"values": [one.name for one in values], "titles": [one.heading._asdict() for one in values]}
        case Table():
            yield {"table": block.name, "columns": {key: text._asdict() for key, text in block.columns.items()}}
        case Curves():
            yield {"curves": block.name, "title": block.title._asdict()}
        case Drawing(lines):
            yield {"drawing": lines.en.split("\n")}
        case Contrast(wrong, right):
            yield {
                "wrong": [step for one in wrong for step in _steps(one)],
                "right": [step for one in right for step in _steps(one)],
            }
        case Steps():
            pass


def plain(value: Any) -> Any:
    """Return a value as JSON has it: arrays as lists, integers without a decimal point."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain_cell(cell: Cell) -> Any:
    return cell._asdict() if isinstance(cell, Text) else cell


class Taught(Preformatted, ABC):
    """Mixin for results whose `str()` is a lesson about them."""

    @abstractmethod
    def lesson(self) -> Lesson:
        """Return the lesson with these values."""

    def __str__(self) -> str:
        return str(self.lesson())


def worked(derivation: Derivation) -> Iterator[Block]:
    """Yield a derivation as blocks: its steps as equations with their labels, then its notes."""
    lines: list[str | Text] = []
    for step in derivation.steps:
        lines += [step.label] if step.label else []
        sides = [step.symbol, step.formula, step.substitution, notation(as_expression(step.value))]
        lines.append(
            " = ".join(side for place, side in enumerate(sides) if place == 0 or side != sides[place - 1])
        )
    if lines:
        yield Formulas(tuple(lines))
    yield from map(Words, derivation.notes)
