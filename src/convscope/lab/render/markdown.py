"""Lessons as Markdown: headings, tables, formulas between dollar signs, matrices as plain text."""

from __future__ import annotations

from ...derivations.derivation import Text
from ...derivations.render.markdown import escaped
from ...derivations.typeset import latex
from ..lesson import WIDTH, Curves, Drawing, Formulas, Lesson, Row, Table, Words
from . import parts, text


def render(lesson: Lesson, lang: str) -> str:
    """Write a lesson as GitHub-flavored Markdown."""
    blocks = [f"# {escaped(lesson.title.to(lang))}"]
    for section in lesson.sections:
        blocks.append(f"## {escaped(section.title.to(lang))}")
        blocks += [written for block in parts.printed(section.blocks) if (written := _block(block, lang))]
    return "\n\n".join(blocks) + "\n"


def _line(line: str | Text, lang: str) -> str:
    if isinstance(line, Text):
        return _words(line, lang)
    sides = parts.equation(line, lambda side: rf"\text{{{side}}}", latex)
    return f"${' = '.join(sides)}$"


def _words(text: Text, lang: str) -> str:
    return parts.prose(text, lang, escaped, lambda formula: f"${latex(formula)}$")


def _block(block: parts.Printed, lang: str) -> str:
    match block:
        case Words(words):
            return _words(words, lang)
        case Formulas(lines):
            return "  \n".join(_line(line, lang) for line in lines)
        case Row():
            return "```text\n" + "\n".join(text.row(block, lang, WIDTH)) + "\n```"
        case Drawing(lines):
            return f"```text\n{lines.to(lang)}\n```"
        case Table():
            head = [_words(one, lang) for one in block.columns.values()]
            rows = [[escaped(parts.cell(cell, lang)) for cell in row] for row in block.rows[: block.shown]]
            every = [head, ["---", *(["--:"] * (len(head) - 1))], *rows]
            return "\n".join(f"| {' | '.join(row)} |" for row in every)
        case Curves():
            return ""
