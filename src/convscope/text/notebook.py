"""HTML forms of results, as notebooks show them."""

from __future__ import annotations

from html import escape


def preformatted(text: str) -> str:
    """Return text as HTML that keeps its columns."""
    return f"<pre>{escape(text)}</pre>"


class Preformatted:
    """A result that a notebook shows as the text of its str()."""

    def _repr_html_(self) -> str:
        return preformatted(str(self))
