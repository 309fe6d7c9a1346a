"""Explanations for a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import east_asian_width

from ..derivation import Derivation, DerivationStep, Known, Section
from ..typeset import symbol_text
from ..typeset import text as formula_text
from .prose import UNKNOWN, heading, known, members, sentence

WIDTH = 100
_WORDS = re.compile(r"\s+|[^\s\u3000-\u9fff\uff00-\uffef]+|[\u3000-\u9fff\uff00-\uffef]")
_NEVER_FIRST = "，。；：、）”！？"


def render(sections: Sequence[Section], lang: str, width: int = WIDTH) -> str:
    """Write an explanation on lines of at most `width` columns where words allow it."""
    blocks = []
    for section in sections:
        name, about = heading(section)
        title = f"{name}  {about}"
        blocks.append("\n".join([title, "━" * columns(title)]))
        blocks += [_derivation(derivation, lang, width) for derivation in section.derivations]
    return "\n\n".join(blocks) + "\n"


def columns(words: str) -> int:
    """Return how many columns of a terminal the words take; Chinese characters take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in words)


def _derivation(derivation: Derivation, lang: str, width: int) -> str:
    title = derivation.title.to(lang)
    lines = [title, "─" * columns(title)]
    lines += _given(derivation.given, lang)
    lines += _steps(derivation.steps, lang, width)
    if not derivation.steps:
        lines.append(f"  {UNKNOWN.to(lang)}")
    for note in derivation.notes:
        lines += wrapped(_plain(note.to(lang)), "  · ", "    ", width)
    return "\n".join(lines)


def _plain(words: str) -> str:
    return sentence(words, str, formula_text)


def _given(given: Sequence[Known], lang: str) -> list[str]:
    equations = [f"{symbol_text(one.symbol)} = {formula_text(known(one))}" for one in given]
    widest = max(map(columns, equations), default=0)
    return [
        f"  {equation}{' ' * (widest - columns(equation))}   {_plain(one.meaning.to(lang))}"
        for equation, one in zip(equations, given, strict=True)
    ]


def _steps(steps: Sequence[DerivationStep], lang: str, width: int) -> list[str]:
    widest = max((columns(symbol_text(step.symbol)) for step in steps), default=0)
    lines = []
    for step in steps:
        if step.label:
            lines += wrapped(_plain(step.label.to(lang)), "  ", "  ", width)
        symbol = symbol_text(step.symbol)
        lines += _equation(" " * (4 + widest - columns(symbol)) + symbol, step, width)
    return lines


def _equation(symbol: str, step: DerivationStep, width: int) -> list[str]:
    """Write symbol = formula = numbers = value on one line, or each on its own."""
    parts = [formula_text(member) for member in members(step)]
    source = f"   [{step.source}]" if step.source else ""
    line = " = ".join([symbol, *parts])
    if columns(line + source) <= width:
        return [line + source]
    lines = [f"{symbol} = {parts[0]}{source}"]
    margin = " " * columns(symbol)
    lines += [f"{margin} = {part}" for part in parts[1:]]
    return [broken for line in lines for broken in wrapped(line, "", margin + "   ", width, keep=True)]


def wrapped(words: str, first: str, margin: str, width: int = WIDTH, keep: bool = False) -> list[str]:
    """Break words into lines; Chinese may break between any two characters but not before a comma."""
    lines, line = [], first
    bare = True
    for piece in _WORDS.findall(words):
        if columns(line) + columns(piece) > width and not bare and piece not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line, bare = margin, True
        if bare and piece.isspace() and not (keep and not lines):
            continue
        line += piece
        bare = bare and piece.isspace()
    return [*lines, line.rstrip()]
