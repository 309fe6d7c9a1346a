"""Lessons as a LaTeX document."""

from __future__ import annotations

from ...derivations.derivation import Text
from ...derivations.render.latex import escaped
from ...derivations.typeset import latex
from ...engines.reference.layers.rules import Array
from ..lesson import Formulas, Lesson, Row, Table, Value, Words
from . import parts

_CLASS = {"en": "article", "zh": "ctexart"}
_SIGNS = {"∗": r"\ast", "→": r"\to", "·": r"\cdot", "⊙": r"\odot", "×": r"\times", "−": "-"}


def render(lesson: Lesson, lang: str) -> str:
    """Write a lesson as one document; Chinese needs the ctex class and a Unicode engine. Drawings are left out."""
    lines = [
        rf"\documentclass{{{_CLASS[lang]}}}",
        r"\usepackage{amsmath}",
        r"\setcounter{MaxMatrixCols}{24}",
        rf"\title{{{_plain(lesson.title.to(lang))}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
    ]
    for section in lesson.sections:
        lines += ["", rf"\section*{{{_plain(section.title.to(lang))}}}"]
        lines += [written for block in parts.printed(section.blocks) if (written := _block(block, lang))]
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def _plain(words: str) -> str:
    text = escaped(words)
    for sign, command in (("∂", r"\partial"), ("′", "'"), ("∞", r"\infty"), ("·", r"\cdot"), ("∗", r"\ast")):
        text = text.replace(sign, rf"\ensuremath{{{command}}}")
    return text


def _words(words: str) -> str:
    return parts.sentence(words, _plain, lambda formula: f"${latex(formula)}$")


def _line(line: str | Text, lang: str) -> str:
    if isinstance(line, Text):
        return rf"& \text{{{_words(line.to(lang))}}}"
    first, *rest = parts.equation(line, lambda side: rf"\text{{{_plain(side)}}}", latex)
    return f"{first} &= {' = '.join(rest)}" if rest else f"& {first}"


def _block(block: parts.Printed, lang: str) -> str:
    match block:
        case Words(text):
            return f"\n{_words(text.to(lang))}"
        case Formulas(lines):
            rows = [_line(line, lang) for line in lines]
            return "\n".join([r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"])
        case Row(items):
            return "\n".join([r"\[", *(_part(part, lang) for part in items), r"\]"])
        case Table():
            head = [_words(one.to(lang)) for one in block.columns.values()]
            cells = [[_plain(parts.cell(cell, lang)) for cell in row] for row in block.rows[: block.shown]]
            first, *others = [" & ".join(row) + r" \\" for row in (head, *cells)]
            begin = rf"\par\noindent\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}"
            return "\n".join([begin, first, r"\hline", *others, r"\end{tabular}"])
        case _:
            return ""


def _part(part: Value | str, lang: str) -> str:
    if isinstance(part, str):
        return " ".join(_SIGNS.get(one, one) for one in part.split())
    return "\n".join(
        rf"\overset{{\text{{{_words(title.to(lang))}}}}}{{{_matrix(matrix, lang)}}}"
        for title, matrix in part.maps()
    )


def _matrix(matrix: Array, lang: str) -> str:
    if short := parts.summary(matrix, lang):
        return rf"\text{{{_plain(short)}}}"
    dots = {"…": r"\dots"}
    rows = [" & ".join(dots.get(one, one.replace("−", "-")) for one in row) for row in parts.rows_of(matrix)]
    return r"\begin{bmatrix}" + r" \\ ".join(rows) + r"\end{bmatrix}"
