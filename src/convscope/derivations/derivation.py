"""Derivations as data: known quantities, steps and notes, independent of the output format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from ..errors import BadSetting, nearest, sentence
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


def check_language(lang: str) -> str:
    """Return the language, or raise BadSetting when it is not supported."""
    if lang not in LANGUAGES:
        raise BadSetting(
            'Explanation.lang must be a language with translations (got lang={lang!r}). Use "en" or '
            '"zh". [language]',
            lang=lang,
        )
    return lang


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


@dataclass(frozen=True)
class Explanation:
    """Worked derivations of one layer, or of a whole network, ready to be written in any form.

    Errors:   BadSetting [language] for a language other than "en" and "zh"
    """

    network: str
    sections: tuple[Section, ...]

    def __iter__(self) -> Iterator[Derivation]:
        return (derivation for section in self.sections for derivation in section.derivations)

    def of(self, quantity: str) -> tuple[Derivation, ...]:
        """Return the derivations of one quantity, in the order of the layers."""
        return tuple(derivation for derivation in self if derivation.quantity == quantity)

    def only(self, *quantities: str) -> Explanation:
        """Return the same layers with these quantities alone.

        Errors:   BadSetting [quantity] for one that is not derived here
        """
        known = {derivation.quantity for derivation in self}
        for quantity in quantities:
            if quantity not in known:
                raise BadSetting(
                    "the quantity must be one that is derived (got {quantity!r}). {quantity2} [quantity]",
                    quantity=quantity,
                    quantity2=sentence(nearest(quantity, known, 5)),
                )
        kept = (
            replace(s, derivations=tuple(d for d in s.derivations if d.quantity in quantities))
            for s in self.sections
        )
        return replace(self, sections=tuple(section for section in kept if section.derivations))

    def text(self, lang: str = "en", width: int = 100) -> str:
        """Write the derivations for a terminal, on lines of at most `width` columns where words allow it."""
        from .render.text import render

        return render(self, check_language(lang), width)

    def markdown(self, lang: str = "en") -> str:
        """Write the derivations as Markdown with formulas between dollar signs."""
        from .render.markdown import render

        return render(self, check_language(lang))

    def latex(self, lang: str = "en") -> str:
        """Write the derivations as a LaTeX document."""
        from .render.latex import render

        return render(self, check_language(lang))

    def html(self, lang: str = "en") -> str:
        """Write the derivations as one self-contained HTML page."""
        from .render.html import render

        return render(self, check_language(lang))

    def _repr_html_(self) -> str:
        from .render.html import fragment

        return fragment(self, "en")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, in both languages."""
        return {
            "schema": 1,
            "network": self.network,
            "layers": [
                {
                    "name": section.name,
                    "kind": section.kind,
                    "input_shapes": [list(shape) for shape in section.input_shapes],
                    "output_shape": list(section.output_shape),
                    "derivations": [derivation.to_dict() for derivation in section.derivations],
                }
                for section in self.sections
            ],
        }
