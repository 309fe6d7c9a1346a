"""Progress on stderr."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from .text.table import leading, pad


class StatusLine:
    """A line that each call of `show` overwrites.

    It is meant for terminals and notebooks. For other streams `is_live` is False: write whole lines there instead.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.is_live = self._stream.isatty() or type(self._stream).__module__.startswith("ipykernel.")

    def show(self, text: str) -> None:
        """Replace the line, cut at the width of the terminal."""
        width = max(20, shutil.get_terminal_size((80, 24)).columns) - 1
        self.write("\r" + pad(leading(text, width), width))

    def clear(self) -> None:
        """Erase the line."""
        self.show("")
        self.write("\r")

    def write(self, text: str) -> None:
        """Write text as it is. Characters that the stream cannot encode are replaced."""
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()
