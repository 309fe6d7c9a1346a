"""Integer arithmetic in braces: `{width*4}`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from ..errors import nearest, sentence
from ..settings import LARGEST
from .grammar import Word, check_length, mistake

LONGEST = 100
"""Characters of one expression; it keeps the tree shallow."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def filled(word: Word, values: Mapping[str, str]) -> Word:
    """Return the word with every expression in braces replaced by its value."""
    if "{" not in word.text and "}" not in word.text:
        return word

    def value(found: re.Match[str]) -> str:
        expression = found[1].strip()
        return values[expression] if expression in values else str(_value(expression, word, values))

    text = _BRACES.sub(value, word.text)
    if "{" in text or "}" in text:
        raise mistake(word.place, f"braces must come in pairs (got {word.text!r}). Close them", "braces")
    check_length(text, word.place)
    return Word(text, word.place)


def _value(expression: str, word: Word, values: Mapping[str, str]) -> int:
    try:
        return _reckon(_parsed(expression), values)
    except KeyError as error:
        name = str(error.args[0])
        hint = nearest(name, values) if values else "braces can only be used in blocks and repeats"
        raise mistake(
            word.place,
            f"braces must contain parameters of the block (got {name!r}). {sentence(hint)}",
            "unknown-parameter",
        ) from None
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        raise mistake(
            word.place,
            f"braces must contain integer arithmetic with + - * // % up to {LARGEST:,} (got {{{expression}}}). "
            "For example {width*4}",
            "arithmetic",
        ) from None


@lru_cache(maxsize=1024)
def _parsed(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise ValueError(expression)
    return ast.parse(expression, mode="eval").body


def _reckon(tree: ast.expr, values: Mapping[str, str]) -> int:
    match tree:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            pass
        case ast.Name(id=name):
            number = int(values[name])
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            number = _OPERATORS[type(sign)](_reckon(left, values), _reckon(right, values))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = -_reckon(operand, values)
        case _:
            raise ValueError("not arithmetic")
    if abs(number) > LARGEST:
        raise ValueError("too large")
    return number
