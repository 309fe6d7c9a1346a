"""The engine that generates vector code for the network at hand.

| file | holds |
|---|---|
| `vector/` | a small vector language over LLVM IR |
| `target.py` | the processor that code is for |
| `kernel.py`, `kernels/` | what a kernel is, and all of them |
| `layout.py` | how pictures and weights lie in memory |
| `plan.py` | what will be done for a network, as a value that can be printed |
| `lower/` | from a network to a plan |
| `select.py` | which algorithm for which sizes |
| `memory.py` | which buffers share a place |
| `objects.py` | object code |
| `cache.py` | files kept on disk |
| `locks.py` | locks that a fork waits for |
| `threads.py`, `pool_code.py` | the threads that walk lists of kernels, and their code |
| `choices.py` | measured choices of an algorithm, kept on disk |
| `bound.py` | a plan with addresses, for one batch size |
| `bindings.py` | the bound plans in use, and the memory they share |
| `arrays.py`, `parameters.py` | parameters, statistics and optimizer state |
| `program.py` | all of it behind the engines' seam |
"""

from __future__ import annotations

from .engine import ENGINE

__all__ = ["ENGINE"]
