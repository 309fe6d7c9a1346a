"""A small vector language over LLVM IR.

A kernel is ordinary Python that runs once, when the kernel is generated. Python numbers, `for` and `if` select the
instructions. The instructions compute with four kinds of values:

| value | is | made by |
|---|---|---|
| `Index` | an integer known at run time | arguments, `loop`, arithmetic |
| `Pointer` | the address of a float (or of a 32-bit integer) | arguments, `pointer + offset` |
| `Vector` | a register of floats (or of 32-bit integers) | `load`, arithmetic |
| `Mask` | a boolean, of an index or of each lane | comparisons |

An index known at generation is a Python int; both can be mixed. Every vector has the target's width:
the same source gives AVX-512, AVX2, SSE and NEON code.

    with code.loop(first, last) as row:                  # for row in range(first, last)
        with code.loop(0, 512, carry=[total]) as step:   # values carried between iterations
            total = fma(x.load(row.index * 512 + step.index), y, step.values[0])
            step.next([total])
        (total,) = step.results
"""

from __future__ import annotations

from .code import Code, Loop
from .pointers import Pointer
from .values import Index, Mask, Vector, fma, maximum, minimum

__all__ = ["Code", "Index", "Loop", "Mask", "Pointer", "Vector", "fma", "maximum", "minimum"]
