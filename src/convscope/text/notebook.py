"""HTML representations of results for notebooks."""

from __future__ import annotations

from html import escape


def preformatted(text: str) -> str:
    """Return text as preformatted HTML."""
    return f"<pre>{escape(text)}</pre>"


class Preformatted:
    """Mixin for results that notebooks show as the text of str()."""

    def _repr_html_(self) -> str:
        return preformatted(str(self))
