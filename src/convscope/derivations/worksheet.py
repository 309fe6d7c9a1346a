"""A sheet on which a derivation is built, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from .derivation import Derivation, DerivationStep, Known, Text
from .expression import Rational, Value, as_expression, computed, filled, names, read
from .typeset import notation


class Worksheet:
    """Collect what is known, then steps that use it; every step's result is known to the next.

    >>> sheet = Worksheet({"h": 227, "k": 11, "s": 4})
    >>> sheet.step("p", "⌊(h - k) / s⌋ + 1")
    55
    """

    def __init__(self, known: Mapping[str, Rational] | None = None) -> None:
        self._known: dict[str, Rational] = dict(known or {})
        self._given: list[Known] = []
        self._steps: list[DerivationStep] = []
        self._notes: list[Text] = []
        self._label: Text | None = None

    def __getitem__(self, symbol: str) -> Rational:
        return self._known[symbol]

    def know(self, symbol: str, value: Value, meaning: Text) -> None:
        """State a known number; `h = w` names it twice."""
        self._given.append(Known(symbol, value, meaning))
        self._bind(symbol, value)

    def bind(self, symbol: str, value: Rational) -> None:
        """Make a number known without stating it: formulas that use it show it."""
        self._known[symbol] = value

    def label(self, words: Text) -> None:
        """Say what the next step is about, where the step itself does not."""
        self._label = words

    def value(self, formula: str) -> Value:
        """Compute a formula without keeping a line."""
        return self._worked(formula)[1]

    def step(self, symbol: str, formula: str, label: Text | None = None, source: str = "") -> Value:
        """Fill the formula with what is known, compute it, and keep the line."""
        substitution, value = self._worked(formula)
        words, self._label = label or self._label, None
        self._steps.append(DerivationStep(symbol, _canonical(formula), substitution, value, source, words))
        self._bind(symbol, value)
        return value

    def shape(self, formula: str, label: Text | None = None) -> None:
        """Keep the line whose result is the output's shape, of one axis or more."""
        substitution, value = self._worked(formula)
        sizes = value if isinstance(value, tuple) else (int(value),)
        self._steps.append(DerivationStep("shape", _canonical(formula), substitution, sizes, "", label))

    def note(self, remark: Text, **values: object) -> None:
        """Add a remark."""
        self._notes.append(remark.fill(**values) if values else remark)

    def finish(self, quantity: str, title: Text) -> Derivation:
        """Return the derivation."""
        return Derivation(quantity, title, tuple(self._steps), tuple(self._notes), tuple(self._given))

    def _worked(self, formula: str) -> tuple[str, Value]:
        return _worked(formula, *map(self._known.get, _symbols(formula)))

    def _bind(self, symbol: str, value: Value) -> None:
        if not isinstance(value, tuple):
            for name in symbol.split(" = "):
                self._known[name] = value


@lru_cache(maxsize=1 << 14, typed=True)
def _worked(formula: str, *values: Rational | None) -> tuple[str, Value]:
    """Return the formula with its symbols' values, and its result (cached: chains share their beginnings)."""
    known = {key: value for key, value in zip(_symbols(formula), values, strict=True) if value is not None}
    numbers = filled(read(formula), known)
    return notation(numbers), computed(numbers)


@lru_cache(maxsize=1 << 12)
def _symbols(formula: str) -> tuple[str, ...]:
    return names(read(formula))


@lru_cache(maxsize=1 << 12)
def _canonical(formula: str) -> str:
    return notation(read(formula))


def written(value: Value) -> str:
    """Write a number as formulas hold it."""
    return notation(as_expression(value))
