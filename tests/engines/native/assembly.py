"""What to look for in a kernel's assembly text."""

from __future__ import annotations

import re

from convscope.engines.native.kernel import Kernel
from convscope.engines.native.objects import assembled

from .harness import target_named

_LABEL = re.compile(r"^(\.?\w+):")
_JUMP = re.compile(r"^\s+j\w+\s+(\.?\w+)")
_STORED = re.compile(r"^\s+v?mov\w+\s+%[xyz]mm\d+, -?\d*\(%rsp[,)]")


def stores_in_inner_loops(kernel: Kernel, kind: str = "host") -> int:
    """Return how many instructions inside innermost loops put a vector on the stack.

    A constant that was put there before the loop, to be read as an operand, costs what any constant costs.
    """
    lines = assembled(kernel, target_named(kind)).splitlines()
    labels = {found[1]: at for at, line in enumerate(lines) if (found := _LABEL.match(line))}
    loops = {
        (labels[found[1]], at)
        for at, line in enumerate(lines)
        if (found := _JUMP.match(line)) and labels.get(found[1], at) < at
    }
    inner = [
        one
        for one in loops
        if not any(other != one and one[0] <= other[0] and other[1] <= one[1] for other in loops)
    ]
    return sum(bool(_STORED.match(line)) for first, last in inner for line in lines[first:last])
