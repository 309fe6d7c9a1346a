"""Kernels: values that determine generated code and how its work is divided."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir import Code, Pointer
from .target import Target


@dataclass(frozen=True)
class Kernel:
    """One generated function. The code depends on the fields only, and equal kernels are generated once.

    Subclasses are frozen dataclasses of plain values. The work is divided into `items(batch)` independent items,
    which any thread may run in any order without changing the result. So the number of parts of a sum over the
    batch depends on the kernel's fields, never on the number of threads. The batch size is an argument; the code
    does not depend on it.
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        """The names of the array arguments, in order."""
        return ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of the integer arguments. "batch" is filled in by the caller."""
        return ()

    @property
    def reals(self) -> tuple[str, ...]:
        """The names of the float arguments."""
        return ()

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        """Pairs (written, read) of arrays that may share memory, best first.

        Each element must be read, by the same work item, before it is overwritten, and not after.
        """
        return ()

    def items(self, batch: int) -> int:
        """Return the number of work items for a batch."""
        raise NotImplementedError(f"{type(self).__name__}.items")

    def write(self, code: Code) -> None:
        """Write the code for the work items from `code.first` up to `code.last`."""
        raise NotImplementedError(f"{type(self).__name__}.write")

    def scratch_floats(self, target: Target) -> int:
        """Return how many floats of scratch memory each thread needs."""
        return 0

    def macs(self, batch: int) -> int:
        """Return the multiply-adds of the direct algorithm, to report FLOP/s."""
        return 0


def argument_names(kernel: Kernel, target: Target) -> tuple[str, ...]:
    """Return the slots of the argument table, in order. "scratch" is the memory of all threads."""
    scratch = ("scratch",) if kernel.scratch_floats(target) else ()
    return (*kernel.pointers, *scratch, *kernel.numbers, *kernel.reals)


def generate(kernel: Kernel, target: Target, name: str) -> str:
    """Return the kernel's LLVM IR under a function name."""
    scratch = ("scratch",) if kernel.scratch_floats(target) else ()
    shared = {array for pair in kernel.in_place for array in pair}
    code = Code(target, name, (*kernel.pointers, *scratch), kernel.numbers, kernel.reals, shared)
    kernel.write(code)
    return code.finish()


def own_scratch(kernel: Kernel, code: Code) -> Pointer:
    """Return the start of the calling thread's scratch memory."""
    return code.pointer("scratch") + code.thread * kernel.scratch_floats(code.target)
