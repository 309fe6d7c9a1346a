"""Explanations as Markdown: headings, tables, formulas between dollar signs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..derivation import Derivation, DerivationStep, Section
from ..expression import Expression
from ..typeset import latex
from .prose import KNOWN, MEANING, NUMBER, STEP, UNKNOWN, WORKED, heading, known, members, sentence, symbols

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|$~])")


def render(sections: Sequence[Section], lang: str) -> str:
    """Write an explanation as GitHub-flavored Markdown."""
    blocks = []
    for section in sections:
        name, about = heading(section)
        blocks.append(f"## {escaped(name)}\n\n{escaped(about)}")
        blocks += [_derivation(derivation, lang) for derivation in section.derivations]
    return "\n\n".join(blocks) + "\n"


def escaped(words: str) -> str:
    """Escape text for Markdown."""
    return _SPECIAL.sub(r"\\\1", words)


def _words(words: str) -> str:
    return sentence(words, escaped, lambda formula: f"${latex(formula)}$")


def _derivation(derivation: Derivation, lang: str) -> str:
    blocks = [f"### {_words(derivation.title.to(lang))}"]
    if derivation.given:
        rows = [
            (_math([*symbols(one.symbol), known(one)]), _words(one.meaning.to(lang))) for one in derivation.given
        ]
        blocks.append(_table((f"{KNOWN.to(lang)}: {NUMBER.to(lang)}", MEANING.to(lang)), rows))
    if derivation.steps:
        rows = [(_words(step.label.to(lang)) if step.label else "", _equation(step)) for step in derivation.steps]
        blocks.append(_table((STEP.to(lang), WORKED.to(lang)), rows))
    else:
        blocks.append(UNKNOWN.to(lang))
    if derivation.notes:
        blocks.append("\n".join(f"- {_words(note.to(lang))}" for note in derivation.notes))
    return "\n\n".join(blocks)


def _table(header: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"| {left} | {right} |" for left, right in (header, ("---", "---"), *rows))


def _math(sides: list[Expression]) -> str:
    return f"${' = '.join(map(latex, sides))}$"


def _equation(step: DerivationStep) -> str:
    source = f" ({escaped(step.source)})" if step.source else ""
    return _math([*symbols(step.symbol), *members(step)]) + source
