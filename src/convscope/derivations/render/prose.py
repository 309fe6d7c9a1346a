"""Parts that all output formats share: sentences with formulas, equations, headings."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from ...layers.base import show_shape
from ..derivation import DerivationStep, Known, Section, Text
from ..expression import Bracket, Expression, Value, as_expression, read
from ..typeset import text

KNOWN = Text("Known", "已知")
STEP = Text("Step", "步骤")
WORKED = Text("Derivation", "推导")
NUMBER = Text("Symbol", "符号")
MEANING = Text("Meaning", "含义")
TITLE = Text("Derivations of {network}", "{network} 的推导")
UNKNOWN = Text("unknown", "未知")

_FORMULA = re.compile(r"\$([^$]+)\$")


def sentence(words: str, plain: Callable[[str], str], formula: Callable[[Expression], str]) -> str:
    """Write a sentence: its formulas between dollar signs in one way, the rest in another."""
    written = []
    for place, piece in enumerate(_FORMULA.split(words)):
        if place % 2 == 0:
            written.append(plain(piece))
            continue
        sides = [read(side) for side in piece.split(" = ")]
        written.append(" = ".join(map(formula, sides)))
    return "".join(written)


def symbols(symbol: str) -> list[Expression]:
    """Return the symbols of a chain such as `h = w`."""
    return [read(one) for one in symbol.split(" = ")]


def members(step: DerivationStep) -> tuple[Expression, ...]:
    """Return the right-hand sides of a step: formula, substitution, value, without repetition."""
    return _members(step.formula, step.substitution, step.value)


@lru_cache(maxsize=1 << 14, typed=True)
def _members(formula: str, substitution: str, value: Value) -> tuple[Expression, ...]:
    result = as_expression(value)
    if isinstance(result, Bracket):
        result = result.inner
    listed = [read(formula), read(substitution), result]
    return tuple(one for place, one in enumerate(listed) if place == 0 or not _look_alike(one, listed[place - 1]))


def _look_alike(one: Expression, two: Expression) -> bool:
    return one == two or (type(one) is not type(two) and text(one) == text(two))


def known(given: Known) -> Expression:
    """Return a known quantity as an expression."""
    value = as_expression(given.value)
    return value.inner if isinstance(value, Bracket) else value


def heading(section: Section) -> tuple[str, str]:
    """Return a layer's name, and its kind with its shapes."""
    shapes = list(map(show_shape, section.input_shapes))
    listed = shapes if len(shapes) <= 3 else [shapes[0], "…", shapes[-1]]
    arrow = f"{', '.join(listed)} → " if shapes else ""
    return section.name, f"{section.kind}: {arrow}{show_shape(section.output_shape)}"
