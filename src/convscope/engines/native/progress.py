"""Telling people that code is being generated, where it takes long enough to wonder."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .codegen.compiler import Progress

QUIET_SECONDS = 0.5
"""How long a compilation may go on before a terminal shows how far it is."""
PATIENT_SECONDS = 10.0
"""How long before a log is told."""


@contextmanager
def compile_progress() -> Iterator[Progress]:
    """Give a function that shows a line on a terminal, or says one sentence elsewhere, where it takes long."""
    start, terminal = time.monotonic(), sys.stderr.isatty()
    shown = False

    def tell(done: int, count: int, name: str) -> None:
        nonlocal shown
        if time.monotonic() - start < (QUIET_SECONDS if terminal else PATIENT_SECONDS):
            return
        if terminal:
            text = f"\rcompiling for this processor: {done} of {count} kernels {name:<32}"
            print(text, end="", file=sys.stderr, flush=True)
        elif not shown:
            print(f"compiling {count} kernels for this processor, once …", file=sys.stderr)
        shown = True

    yield tell
    if shown and terminal:
        print("\r" + " " * 90 + "\r", end="", file=sys.stderr, flush=True)
