"""Read generated code, of processors that need not be here: its loops, and what it moves to and from the stack.

Only what loops move costs time, and there only what they write: what they read from the stack and nobody writes in
the loop are constants, which would be read from memory in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from convscope.engines.native.codegen.compiler import assembled
from convscope.engines.native.codegen.kernel import Kernel
from convscope.engines.native.codegen.target import named

TARGETS = ("skylake-avx512", "sapphirerapids", "znver4", "znver5", "haswell", "x86-64", "neoverse-n1")
"""Processors whose code every kernel's test reads; `test_targets.py` reads a few kernels' code for all others."""
X86_64, ARM = "x86-64", "neoverse-n1"
WIDE = tuple(name for name in TARGETS if named(name).registers == 32)

LABEL = re.compile(r"(\.L\w+):")
JUMP = re.compile(r"\s+(?:j\w+|b\.?\w*|cbn?z|tbn?z)\s+(?:.*,\s*)?(\.L\w+)\s*$")


def inner_loops(kernel: Kernel, name: str) -> list[list[str]]:
    """Return the instructions of each loop without a label inside."""
    lines = _text(kernel, name).splitlines()
    places = {label[1]: number for number, line in enumerate(lines) if (label := LABEL.match(line))}
    found = []
    for number, line in enumerate(lines):
        jump = JUMP.match(line)
        if jump and places.get(jump[1], number) < number:
            body = lines[places[jump[1]] + 1 : number]
            if not any(LABEL.match(inner) for inner in body):
                found.append(body)
    return found


def spills(kernel: Kernel, name: str) -> int:
    """Return how many instructions move vectors between registers and the stack."""
    text = _text(kernel, name)
    return len(_moves(text.splitlines(), text))


def moves_in_loops(kernel: Kernel, name: str) -> int:
    """Return how many instructions of inner loops move vectors between registers and the stack."""
    return sum(len(_moves(loop, _text(kernel, name))) for loop in _some(kernel, name))


def spills_in_loops(kernel: Kernel, name: str) -> int:
    """Return how many instructions of inner loops move vectors to the stack.

    Errors:   AssertionError where no inner loop is found: then nothing would be looked at
    """
    text, loops = _text(kernel, name), _some(kernel, name)
    return sum(
        bool(re.search(r"mm\d+, -?\d*\(%r[sb]p|\bst(?:r|p|ur)\s", line))
        for loop in loops
        for line in _moves(loop, text)
    )


@lru_cache(maxsize=4)
def _text(kernel: Kernel, name: str) -> str:
    return assembled(kernel, named(name))


def _some(kernel: Kernel, name: str) -> list[list[str]]:
    loops = inner_loops(kernel, name)
    assert loops, f"{kernel} has no inner loop on {name}"
    return loops


def _moves(lines: Iterable[str], text: str) -> list[str]:
    """Return the moves of vectors among the lines; a frame pointer counts where the text sets one up."""
    x86 = r"\(%rsp|\(%rbp" if "%rsp, %rbp" in text else r"\(%rsp"
    arm = r"sp|x29" if "x29, sp" in text else "sp"
    move = re.compile(rf"[xyz]mm.*(?:{x86})|(?:{x86}).*[xyz]mm|\s(?:ld|st)u?[rp]\s+q\d+,.*\[(?:{arm})\b")
    return [line for line in lines if move.search(line)]
