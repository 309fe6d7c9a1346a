"""Formulas as data: parsing, substitution and exact evaluation.

The notation is what a person would write on one line: `⌊(h + 2·P − k) / s⌋ + 1`, `c × p × q` for a shape,
`r_1` or `P_{h1}` for a subscript, `max(a, b)`, `e^(−x)`. A formula that has been read can be filled with
numbers and computed, so that formula, numbers and result of a step cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

Rational = int | Fraction
Value = int | Fraction | tuple[int, ...]
"""A number, or a shape."""


@dataclass(frozen=True)
class Number:
    """A number, not negative."""

    value: Rational


@dataclass(frozen=True)
class Name:
    """A symbol with an optional subscript."""

    base: str
    subscript: str = ""

    @property
    def key(self) -> str:
        """Return the name as it is written: r_1, P_{h1}."""
        if not self.subscript:
            return self.base
        return f"{self.base}_{self.subscript}" if len(self.subscript) == 1 else f"{self.base}_{{{self.subscript}}}"


@dataclass(frozen=True)
class Sum:
    """Terms with their signs, + or −."""

    terms: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class Product:
    """Factors."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Quotient:
    """One expression over another."""

    over: Expression
    under: Expression


@dataclass(frozen=True)
class Exponentiation:
    """A base with an exponent."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True)
class Bracket:
    """An expression between ( ), ⌊ ⌋ or ⌈ ⌉."""

    left: str
    inner: Expression


@dataclass(frozen=True)
class FunctionCall:
    """A function of arguments: max, min, or a name that is only written, such as tanh."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Sizes:
    """A shape: c × h × w."""

    items: tuple[Expression, ...]


Expression = Number | Name | Sum | Product | Quotient | Exponentiation | Bracket | FunctionCall | Sizes

RIGHT = {"(": ")", "⌊": "⌋", "⌈": "⌉"}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)"
    r"|(?P<name>[^\W\d_]+′?(?:_(?:\{[^}]*\}|\w))?)"
    r"|(?P<sign>[-+−·/×^()⌊⌋⌈⌉,∞|]))"
)


@lru_cache(maxsize=1 << 12)
def read(text: str) -> Expression:
    """Read a formula.

    Errors:   ValueError when the text is not in the notation

    >>> read("a_1 + 2·b").terms[0][1]
    Name(base='a', subscript='1')
    """
    reader = _Reader(text)
    expression = reader.sizes()
    if reader.tokens:
        raise ValueError(f"{text!r} continues after {expression}: {reader.tokens}")
    return expression


class _Reader:
    """A recursive-descent reader, one method per level of precedence."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                raise ValueError(f"{text!r} has something unreadable at {text[place:]!r}")
            kind = found.lastgroup or ""
            self.tokens.append((kind, found[kind].replace("-", "−")))
            place = found.end()

    def next_is(self, *signs: str) -> bool:
        return bool(self.tokens) and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs

    def take(self) -> str:
        return self.tokens.pop(0)[1]

    def sizes(self) -> Expression:
        items = [self.sum()]
        while self.next_is("×"):
            self.take()
            items.append(self.sum())
        return items[0] if len(items) == 1 else Sizes(tuple(items))

    def sum(self) -> Expression:
        sign = self.take() if self.next_is("−") else "+"
        terms = [(sign, self.product())]
        while self.next_is("+", "−"):
            sign = self.take()
            terms.append((sign, self.product()))
        return terms[0][1] if len(terms) == 1 and terms[0][0] == "+" else Sum(tuple(terms))

    def product(self) -> Expression:
        whole = self.power()
        while self.next_is("·", "/"):
            if self.take() == "/":
                whole = Quotient(whole, self.power())
            else:
                factors = whole.factors if isinstance(whole, Product) else (whole,)
                whole = Product((*factors, self.power()))
        return whole

    def power(self) -> Expression:
        base = self.atom()
        if self.next_is("^"):
            self.take()
            return Exponentiation(base, self.atom())
        return base

    def atom(self) -> Expression:
        if not self.tokens:
            raise ValueError("a formula ends too early")
        kind, word = self.tokens.pop(0)
        if kind == "number":
            return Number(_whole(Fraction(word.replace(",", ""))))
        if kind == "name":
            if self.next_is("("):
                return FunctionCall(word, self.arguments())
            base, _, subscript = word.partition("_")
            return Name(base, subscript.strip("{}"))
        if word in RIGHT:
            inner = self.sizes()
            if not self.next_is(RIGHT[word]):
                raise ValueError(f"{word} is not closed")
            self.take()
            return Bracket(word, inner)
        if word == "∞":
            return Name(word)
        raise ValueError(f"a formula cannot have {word} here")

    def arguments(self) -> tuple[Expression, ...]:
        self.take()
        listed = [self.sizes()]
        while self.next_is(","):
            self.take()
            listed.append(self.sizes())
        if not self.next_is(")"):
            raise ValueError("( is not closed")
        self.take()
        return tuple(listed)


def _rebuilt(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return the same expression with `change` applied to its parts."""
    match expression:
        case Sum(terms):
            return Sum(tuple((sign, change(term)) for sign, term in terms))
        case Product(factors):
            return Product(tuple(map(change, factors)))
        case Quotient(over, under):
            return Quotient(change(over), change(under))
        case Exponentiation(base, exponent):
            return Exponentiation(change(base), change(exponent))
        case Bracket(left, inner):
            return Bracket(left, change(inner))
        case FunctionCall(function, arguments):
            return FunctionCall(function, tuple(map(change, arguments)))
        case Sizes(items):
            return Sizes(tuple(map(change, items)))
    return expression


def filled(expression: Expression, known: Mapping[str, Rational]) -> Expression:
    """Return the expression with known symbols replaced by their values."""
    if isinstance(expression, Name) and expression.key in known:
        return as_expression(known[expression.key])
    return _rebuilt(expression, lambda part: filled(part, known))


def names(expression: Expression) -> tuple[str, ...]:
    """Return the symbols of an expression as they are written, each once, in their order.

    >>> names(read("r_1 + (k_2 - 1)·r_1"))
    ('r_1', 'k_2')
    """
    listed: dict[str, None] = {}

    def collect(part: Expression) -> Expression:
        if isinstance(part, Name):
            listed[part.key] = None
        return _rebuilt(part, collect)

    collect(expression)
    return tuple(listed)


def as_expression(value: Value) -> Expression:
    """Write a number or a shape as an expression; negative numbers and fractions are bracketed."""
    if isinstance(value, tuple):
        return Sizes(tuple(map(Number, value))) if len(value) > 1 else Number(*value)
    if value < 0:
        return Bracket("(", Sum((("−", Number(-value)),)))
    return Number(value) if is_decimal(value) else Bracket("(", _fraction(value))


def _fraction(value: Rational) -> Expression:
    return Quotient(Number(value.numerator), Number(value.denominator))


def is_decimal(value: Rational) -> bool:
    """Return whether the number ends when written with a decimal point."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def computed(expression: Expression) -> Value:
    """Return the exact value of an expression without symbols.

    Errors:   ValueError when a symbol is left
    """
    if isinstance(expression, Sizes):
        return tuple(int(_number(item)) for item in expression.items)
    return _number(expression)


def _number(expression: Expression) -> Rational:
    match expression:
        case Number(value):
            return value
        case Sum(terms):
            return _whole(Fraction(sum(_number(t) if sign == "+" else -_number(t) for sign, t in terms)))
        case Product(factors):
            result = Fraction(1)
            for factor in factors:
                result *= _number(factor)
            return _whole(result)
        case Quotient(over, under):
            return _whole(Fraction(_number(over)) / _number(under))
        case Exponentiation(base, exponent):
            return _whole(Fraction(_number(base)) ** int(_number(exponent)))
        case Bracket(left, inner):
            value = _number(inner)
            return {"(": value, "⌊": floor(value), "⌈": ceil(value)}[left]
        case FunctionCall("max", arguments):
            return max(map(_number, arguments))
        case FunctionCall("min", arguments):
            return min(map(_number, arguments))
    raise ValueError(f"{expression} has no value")


def _whole(value: Fraction) -> Rational:
    return int(value) if value.denominator == 1 else value
