"""Explanations as a LaTeX document."""

from __future__ import annotations

from collections.abc import Sequence

from ..derivation import Derivation, DerivationStep, Known, Section
from ..typeset import latex
from .prose import KNOWN, TITLE, UNKNOWN, heading, known, members, sentence, symbols

_CLASS = {"en": "article", "zh": "ctexart"}
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "×": r"\ensuremath{\times}",
        "→": r"\ensuremath{\to}",
        "−": r"\ensuremath{-}",
    }
)


def render(network: str, sections: Sequence[Section], lang: str) -> str:
    """Write an explanation as one document; Chinese needs the ctex class and a Unicode engine."""
    title = TITLE.fill(network=network).to(lang)
    lines = [
        rf"\documentclass{{{_CLASS[lang]}}}",
        r"\usepackage{amsmath}",
        rf"\title{{{escaped(title)}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
        "",
    ]
    return "\n".join(lines) + fragment(sections, lang) + "\\end{document}\n"


def fragment(sections: Sequence[Section], lang: str) -> str:
    """Write only the sections, for a document that has its own preamble with amsmath."""
    lines = []
    for section in sections:
        name, about = heading(section)
        lines += ["", rf"\section*{{{escaped(name)}}}", escaped(about)]
        for derivation in section.derivations:
            lines += _derivation(derivation, lang)
    return "\n".join([*lines, ""])


def escaped(words: str) -> str:
    """Escape text for LaTeX."""
    return words.translate(_ESCAPES)


def _words(words: str) -> str:
    return sentence(words, escaped, lambda formula: f"${latex(formula)}$")


def _derivation(derivation: Derivation, lang: str) -> list[str]:
    lines = ["", rf"\subsection*{{{_words(derivation.title.to(lang))}}}"]
    if derivation.given:
        lines += [f"{escaped(KNOWN.to(lang))}:", *_given(derivation.given, lang)]
    if not derivation.steps:
        lines.append(escaped(UNKNOWN.to(lang)))
    block: list[str] = []
    for step in derivation.steps:
        if step.label:
            lines += [*_aligned(block), "", rf"\noindent {_words(step.label.to(lang))}:"]
            block = []
        block += _rows(step)
    lines += _aligned(block)
    if derivation.notes:
        items = [rf"\item {_words(note.to(lang))}" for note in derivation.notes]
        lines += [r"\begin{itemize}", *items, r"\end{itemize}"]
    return lines


def _given(given: Sequence[Known], lang: str) -> list[str]:
    rows = []
    for one in given:
        equation = " = ".join(map(latex, [*symbols(one.symbol), known(one)]))
        rows.append(rf"\item ${equation}$: {_words(one.meaning.to(lang))}")
    return [r"\begin{itemize}", *rows, r"\end{itemize}"]


def _rows(step: DerivationStep) -> list[str]:
    """Write one step as rows of an alignment."""
    first, *others = map(latex, members(step))
    symbol = " = ".join(map(latex, symbols(step.symbol)))
    source = rf" && \text{{({escaped(step.source)})}}" if step.source else ""
    return [f"{symbol} &= {first}{source}", *(f"&= {other}" for other in others)]


def _aligned(rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    return [r"\begin{align*}", *(rf"{row} \\" for row in rows[:-1]), rows[-1], r"\end{align*}"]
