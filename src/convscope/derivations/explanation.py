"""Explanations: the derivations of a network's layers, with methods to write them in several formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..errors import BadSetting, suggest
from .derivation import LANGUAGES, Derivation, Section
from .render import html, latex, markdown, text


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
                    "{got!r} is not derived here. {hint} [quantity]",
                    got=quantity,
                    hint=suggest(quantity, known, 5),
                )
        kept = (
            replace(s, derivations=tuple(d for d in s.derivations if d.quantity in quantities))
            for s in self.sections
        )
        return replace(self, sections=tuple(section for section in kept if section.derivations))

    def text(self, lang: str = "en", width: int = 100) -> str:
        """Write the derivations for a terminal, on lines of at most `width` columns where words allow it."""
        return text.render(self.sections, checked_language(lang), width)

    def markdown(self, lang: str = "en") -> str:
        """Write the derivations as Markdown with formulas between dollar signs."""
        return markdown.render(self.sections, checked_language(lang))

    def latex(self, lang: str = "en", fragment: bool = False) -> str:
        """Write the derivations as a LaTeX document, or the part of one that has its own preamble."""
        if fragment:
            return latex.fragment(self.sections, checked_language(lang))
        return latex.render(self.network, self.sections, checked_language(lang))

    def html(self, lang: str = "en", fragment: bool = False) -> str:
        """Write the derivations as one self-contained HTML page, or as sections for a page of its own style."""
        if fragment:
            return html.fragment(self.sections, checked_language(lang))
        return html.render(self.network, self.sections, checked_language(lang))

    def _repr_html_(self) -> str:
        return self.html(fragment=True)

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


def checked_language(lang: str) -> str:
    """Return the language, or raise BadSetting when it is not supported."""
    if lang not in LANGUAGES:
        raise BadSetting('lang must be "en" or "zh" (got lang={got!r}). [language]', got=lang)
    return lang
