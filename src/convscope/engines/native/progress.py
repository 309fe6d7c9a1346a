"""Progress of compilation."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...progress import StatusLine
from ...text.language import localize
from .codegen.compiler import Progress

TERMINAL_DELAY_SECONDS = 0.5
"""Delay before a terminal shows progress."""
LOG_DELAY_SECONDS = 10.0
"""Delay before a log gets a message."""


@contextmanager
def compile_progress() -> Iterator[Progress]:
    """Yield a callback that shows progress: a line on a terminal, one message elsewhere."""
    start, line, shown = time.monotonic(), StatusLine(), False

    def report(done: int, count: int, name: str) -> None:
        nonlocal shown
        if time.monotonic() - start < (TERMINAL_DELAY_SECONDS if line.is_live else LOG_DELAY_SECONDS):
            return
        if line.is_live:
            line.show(
                localize(
                    "Compiling for this processor: {done} of {kernels} kernels  {name}",
                    done=done,
                    kernels=count,
                    name=name,
                )
            )
        elif not shown:
            print(localize("Compiling {count} kernel(s) for this processor, once …", count=count), file=sys.stderr)
        shown = True

    yield report
    if shown and line.is_live:
        line.clear()
