"""Explanations as one HTML page: MathML, inline style, self-contained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape

from ..derivation import Derivation, DerivationStep, Section
from ..expression import Expression, Value
from ..typeset import mathml
from .prose import TITLE, UNKNOWN, heading, known, members, sentence, symbols

_TAGS = {"en": "en", "zh": "zh-CN"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 2px solid; padding-bottom: .2rem; margin-top: 2.5rem; }
h3 { margin: 1.6rem 0 .4rem; }
.shapes { opacity: .75; }
table { border-collapse: collapse; margin: .4rem 0; }
td { padding: .1rem 1.2rem .1rem 0; }
.step { margin: .5rem 0; }
.label { opacity: .8; }
.equation { padding-left: 1.5rem; }
.equation math { font-size: 1.1em; }
.source { opacity: .6; font-size: .85em; }
.notes { opacity: .85; }
"""


def render(network: str, sections: Sequence[Section], lang: str) -> str:
    """Write an explanation as a whole page."""
    title = escape(TITLE.fill(network=network).to(lang))
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{_TAGS[lang]}">',
        f'<head><meta charset="utf-8"/><meta name="viewport" content="width=device-width"/><title>{title}</title>',
        f"<style>{_STYLE}</style></head>",
        f"<body><h1>{title}</h1>",
        fragment(sections, lang),
    ]
    return "\n".join([*lines, "</body></html>"]) + "\n"


def fragment(sections: Sequence[Section], lang: str) -> str:
    """Write only the sections, for a page that has its own head and style."""
    lines = []
    for section in sections:
        name, about = heading(section)
        lines.append(f'<section><h2>{escape(name)}</h2><p class="shapes">{escape(about)}</p>')
        lines += [_derivation(derivation, lang) for derivation in section.derivations]
        lines.append("</section>")
    return "\n".join(lines)


@lru_cache(maxsize=1 << 12)
def _words(words: str) -> str:
    return sentence(words, escape, lambda formula: f"<math>{mathml(formula)}</math>")


def _derivation(derivation: Derivation, lang: str) -> str:
    lines = [f'<section class="derivation"><h3>{_words(derivation.title.to(lang))}</h3>']
    if derivation.given:
        rows = [
            f"<tr><td>{_math([*symbols(one.symbol), known(one)])}</td><td>{_words(one.meaning.to(lang))}</td></tr>"
            for one in derivation.given
        ]
        lines.append(f'<table class="given">{"".join(rows)}</table>')
    if not derivation.steps:
        lines.append(f"<p>{escape(UNKNOWN.to(lang))}</p>")
    lines += [_step(step, lang) for step in derivation.steps]
    if derivation.notes:
        items = "".join(f"<li>{_words(note.to(lang))}</li>" for note in derivation.notes)
        lines.append(f'<ul class="notes">{items}</ul>')
    return "\n".join([*lines, "</section>"])


def _math(sides: list[Expression]) -> str:
    return f"<math>{'<mo>=</mo>'.join(map(mathml, sides))}</math>"


def _step(step: DerivationStep, lang: str) -> str:
    """Write a step; every member is a formula of its own, so that a long line can break before =."""
    label = f'<div class="label">{_words(step.label.to(lang))}</div>' if step.label else ""
    equation = _equation(step.symbol, step.formula, step.substitution, step.value)
    source = f' <span class="source">{escape(step.source)}</span>' if step.source else ""
    return f'<div class="step">{label}<div class="equation">{equation}{source}</div></div>'


@lru_cache(maxsize=1 << 14, typed=True)
def _equation(symbol: str, formula: str, substitution: str, value: Value) -> str:
    parts = [_math(symbols(symbol))]
    step = DerivationStep(symbol, formula, substitution, value)
    parts += [f"<math><mo>=</mo>{mathml(member)}</math>" for member in members(step)]
    return " ".join(parts)
