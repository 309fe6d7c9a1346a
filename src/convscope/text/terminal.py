"""What the terminal can show."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

from .ansi import Paint

PIPE_WIDTH = 120
"""Cells of a line when nobody says how many there are."""


def terminal_width() -> int:
    """Return the cells of a line: COLUMNS, else the terminal's, else 120."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def paint_for(stream: TextIO | None = None) -> Paint:
    """Return color for a terminal; none for a pipe, a file, TERM=dumb, or when NO_COLOR is set."""
    to = sys.stdout if stream is None else stream
    return Paint(to.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")
