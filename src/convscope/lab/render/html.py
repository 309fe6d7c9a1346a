"""Lessons as one self-contained HTML page; formulas are MathML."""

from __future__ import annotations

from html import escape

from ...derivations.derivation import Text
from ...derivations.typeset import mathml
from ...engines.reference.layers.rules import Array
from ..lesson import Drawing, Formulas, Lesson, Row, Table, Value, Words
from . import parts

_TAGS = {"en": "en", "zh": "zh-Hans"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 2px solid; padding-bottom: .2rem; margin-top: 2.5rem; }
.row { display: flex; flex-wrap: wrap; gap: .8rem 1.6rem; align-items: center; margin: .8rem 0; }
figure { margin: 0; }
figcaption { opacity: .8; }
table { border-collapse: collapse; }
td, th { padding: .1rem .6rem; text-align: right; }
table.data td:first-child, table.data th:first-child { text-align: left; }
th { border-bottom: 1px solid; }
table.matrix { border: solid; border-width: 0 2px; border-radius: 4px; }
.equation { padding-left: 1.5rem; }
"""


def render(lesson: Lesson, lang: str) -> str:
    """Write a lesson as a whole page."""
    title = escape(lesson.title.to(lang))
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{_TAGS[lang]}">',
        f'<head><meta charset="utf-8"/><meta name="viewport" content="width=device-width"/><title>{title}</title>',
        f"<style>{_STYLE}</style></head>",
        f"<body><h1>{title}</h1>",
    ]
    for section in lesson.sections:
        lines.append(f"<section><h2>{escape(section.title.to(lang))}</h2>")
        lines += [written for block in parts.printed(section.blocks) if (written := _block(block, lang))]
        lines.append("</section>")
    return "\n".join([*lines, "</body></html>"]) + "\n"


def words(text: str) -> str:
    """Write words, and the formulas between their dollar signs as MathML."""
    return parts.sentence(text, escape, lambda formula: f"<math>{mathml(formula)}</math>")


def equation(line: str | Text, lang: str) -> str:
    """Write a line of formulas: an equation, or words between equations."""
    if isinstance(line, Text):
        return f"<div>{words(line.to(lang))}</div>"
    sides = parts.equation(line, lambda side: f"<mtext>{escape(side)}</mtext>", mathml)
    return f'<div class="equation"><math>{"<mo>=</mo>".join(sides)}</math></div>'


def _block(block: parts.Printed, lang: str) -> str:
    match block:
        case Words(text):
            return f"<p>{words(text.to(lang))}</p>"
        case Formulas(lines):
            return "\n".join(equation(line, lang) for line in lines)
        case Row(items):
            return f'<div class="row">{"".join(_part(part, lang) for part in items)}</div>'
        case Drawing(lines):
            return f"<pre>{escape(lines.to(lang))}</pre>"
        case Table():
            head = "".join(f"<th>{words(one.to(lang))}</th>" for one in block.columns.values())
            rows = [[escape(parts.cell(cell, lang)) for cell in row] for row in block.rows[: block.shown]]
            return f'<table class="data"><tr>{head}</tr>{_cells(rows)}</table>'
        case _:
            return ""


def _part(part: Value | str, lang: str) -> str:
    if isinstance(part, str):
        return f"<span>{escape(part)}</span>"
    return "".join(
        f"<figure><figcaption>{words(title.to(lang))}</figcaption>{_matrix(matrix, lang)}</figure>"
        for title, matrix in part.maps()
    )


def _matrix(matrix: Array, lang: str) -> str:
    if short := parts.summary(matrix, lang):
        return f"<p>{escape(short)}</p>"
    return f'<table class="matrix">{_cells(parts.rows_of(matrix))}</table>'


def _cells(rows: list[list[str]]) -> str:
    return "".join(f"<tr>{''.join(f'<td>{one}</td>' for one in row)}</tr>" for row in rows)
