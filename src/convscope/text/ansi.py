"""Color on terminals: four roles, told apart by weight or by blue and orange, which all eyes can."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = {"strong": "1", "faint": "2", "good": "34", "alarm": "33;1"}


@dataclass(frozen=True)
class Paint:
    """Put color around texts, or leave them as they are. Never the only bearer of a meaning."""

    enabled: bool = False

    def strong(self, text: str) -> str:
        """Mark headings and sums."""
        return self._put(text, "strong")

    def faint(self, text: str) -> str:
        """Mark rules and explanations."""
        return self._put(text, "faint")

    def good(self, text: str) -> str:
        """Mark what holds."""
        return self._put(text, "good")

    def alarm(self, text: str) -> str:
        """Mark what does not hold."""
        return self._put(text, "alarm")

    def _put(self, text: str, role: str) -> str:
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if self.enabled and text else text


PLAIN = Paint()
"""No color: files, pipes, notebooks."""
