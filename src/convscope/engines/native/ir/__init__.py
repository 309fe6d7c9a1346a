"""A small vector language over LLVM IR.

A kernel is ordinary Python that runs once, when the kernel is generated. Python's own numbers, `for` and `if`
choose which instructions are written. What remains is made of four kinds of values:

| value | is | made by |
|---|---|---|
| `Index` | a whole number known when the kernel runs | arguments, `loop`, arithmetic |
| `Pointer` | the address of a float (or of a whole number of 32 bits) | arguments, `pointer + offset` |
| `Vector` | as many floats (or whole numbers of 32 bits) as the processor's registers hold | `load`, arithmetic |
| `Mask` | yes or no, for an index or for each lane | comparisons |

An index that is known at generation is a Python int; the two mix freely. Every vector has the target's width:
the same kernel text gives AVX-512, AVX2, SSE and NEON code.

    with code.loop(first, last) as row:                  # for row in range(first, last)
        with code.loop(0, 512, carry=[total]) as step:   # values carried from trip to trip
            total = fma(x.load(row.index * 512 + step.index), y, step.values[0])
            step.next([total])
        (total,) = step.results
"""

from __future__ import annotations

from .code import Code, Loop
from .pointers import Pointer
from .values import Index, Mask, Vector, fma, maximum, minimum

__all__ = ["Code", "Index", "Loop", "Mask", "Pointer", "Vector", "fma", "maximum", "minimum"]
