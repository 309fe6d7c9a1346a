"""Progress of compilation."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .codegen.compiler import Progress

QUIET_SECONDS = 0.5
"""Delay before a terminal shows progress."""
PATIENT_SECONDS = 10.0
"""Delay before a log gets a message."""


@contextmanager
def compile_progress() -> Iterator[Progress]:
    """Yield a callback that shows progress: a line on a terminal, one message elsewhere."""
    start, terminal = time.monotonic(), sys.stderr.isatty()
    shown = False

    def report(done: int, count: int, name: str) -> None:
        nonlocal shown
        if time.monotonic() - start < (QUIET_SECONDS if terminal else PATIENT_SECONDS):
            return
        if terminal:
            text = f"\rcompiling for this processor: {done} of {count} kernels {name:<32}"
            print(text, end="", file=sys.stderr, flush=True)
        elif not shown:
            print(f"compiling {count} kernels for this processor, once …", file=sys.stderr)
        shown = True

    yield report
    if shown and terminal:
        print("\r" + " " * 90 + "\r", end="", file=sys.stderr, flush=True)
