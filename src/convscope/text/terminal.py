"""Terminal width, and colors for four roles, which color-blind readers can tell apart."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import TextIO

_CODES = {"strong": "1", "faint": "2", "good": "34", "alarm": "33;1"}


@dataclass(frozen=True)
class Paint:
    """Colors for texts, if enabled. Color never carries a meaning alone."""

    enabled: bool = False

    def strong(self, text: str) -> str:
        """Mark headings and totals."""
        return self._put(text, "strong")

    def faint(self, text: str) -> str:
        """Mark rules and explanations."""
        return self._put(text, "faint")

    def good(self, text: str) -> str:
        """Mark success."""
        return self._put(text, "good")

    def alarm(self, text: str) -> str:
        """Mark failure."""
        return self._put(text, "alarm")

    def _put(self, text: str, role: str) -> str:
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if self.enabled and text else text


PLAIN = Paint()
"""No color: files, pipes, notebooks."""

PIPE_WIDTH = 120
"""Line width when the terminal's is unknown."""


def terminal_width() -> int:
    """Return the line width: COLUMNS, else the terminal's, else 120."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def paint_for(stream: TextIO | None = None) -> Paint:
    """Return colors for terminals; none for pipes, files, TERM=dumb, or with NO_COLOR set."""
    to = sys.stdout if stream is None else stream
    return Paint(to.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")
