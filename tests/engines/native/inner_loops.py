"""Look into the loops of generated code: only what they move to and from the stack costs time."""

from __future__ import annotations

import re

from convscope.engines.native.kernel import Kernel
from convscope.engines.native.objects import assembled

from .harness import target_named


def inner_loops(kernel: Kernel, kind: str = "host") -> list[list[str]]:
    """Return the instructions of each loop that holds no jump but the one back to its start."""
    found: list[list[str]] = []
    label, lines = "", []
    for line in assembled(kernel, target_named(kind)).splitlines():
        if start := re.match(r"(\.LBB\w+):", line):
            label, lines = start[1], []
            continue
        lines.append(line.strip())
        if re.match(r"\s+j\w+\s", line):
            if line.split()[-1] == label:
                found.append(lines)
            label, lines = "", []
    return found


def spills_in_loops(kernel: Kernel, kind: str = "host") -> int:
    """Return how many vectors the inner loops move to the stack.

    What they only read from there are constants, which would be read from memory in any case.

    Errors:   AssertionError where no inner loop is found: then nothing would be looked at
    """
    loops = inner_loops(kernel, kind)
    assert loops, f"{kernel} has no inner loop"
    return sum(bool(re.search(r"mm\d+, -?\d*\(%rsp\)", line)) for loop in loops for line in loop)
