"""Derivations as data: known quantities, steps and notes, independent of the output format."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from ..layers.connection import Shape
from .expression import Value

LANGUAGES = ("en", "zh")


class Text(NamedTuple):
    """A text in English and Chinese; `$…$` encloses a formula, `{name}` is a placeholder."""

    en: str
    zh: str

    def fill(self, **values: object) -> Text:
        """Return the text with its placeholders filled, from a Text in each language."""
        return Text(
            *(
                words.format(
                    **{key: value[place] if isinstance(value, Text) else value for key, value in values.items()}
                )
                for place, words in enumerate(self)
            )
        )

    def to(self, lang: str) -> str:
        """Return the words in one language."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True)
class Known:
    """A known quantity: `symbol` may be a chain such as `h = w`."""

    symbol: str
    value: Value
    meaning: Text


@dataclass(frozen=True)
class DerivationStep:
    """One line: symbol = formula = substitution = value, formulas in the notation of `expression`."""

    symbol: str
    formula: str
    substitution: str
    value: Value
    source: str = ""
    label: Text | None = None


@dataclass(frozen=True)
class Derivation:
    """The derivation of one quantity; the last step's value is the quantity.

    `quantity` is the field's name in `inspect --json` where there is one. Without a step
    the result is unknown, and the notes say why.
    """

    quantity: str
    title: Text
    steps: tuple[DerivationStep, ...]
    notes: tuple[Text, ...] = ()
    given: tuple[Known, ...] = ()

    @property
    def result(self) -> Value | None:
        """Return the last step's value; None when the quantity is unknown."""
        return self.steps[-1].value if self.steps else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "quantity": self.quantity,
            "title": self.title._asdict(),
            "given": [
                {"symbol": g.symbol, "value": _plain(g.value), "meaning": g.meaning._asdict()} for g in self.given
            ],
            "steps": [
                {
                    "symbol": s.symbol,
                    "formula": s.formula,
                    "substitution": s.substitution,
                    "value": _plain(s.value),
                    "source": s.source or None,
                    "label": s.label._asdict() if s.label else None,
                }
                for s in self.steps
            ],
            "notes": [note._asdict() for note in self.notes],
        }


def _plain(value: Value) -> int | float | list[int]:
    if isinstance(value, tuple):
        return list(value)
    return float(value) if isinstance(value, Fraction) else value


@dataclass(frozen=True)
class Section:
    """The derivations of one layer of a network."""

    name: str
    kind: str
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    derivations: tuple[Derivation, ...]
