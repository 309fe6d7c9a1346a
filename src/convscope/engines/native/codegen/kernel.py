"""What a kernel is: a value that says which code it needs, and how its work divides."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir import Code, Pointer
from .target import Target


@dataclass(frozen=True)
class Kernel:
    """One generated function. Equal kernels are generated once; their fields are all that decides the code.

    Subclasses are frozen dataclasses with fields of plain values. A kernel's work is cut into `items(batch)`
    independent pieces: any thread may do any of them, in any order, and the result must not depend on which. So a
    sum over the batch is made of a number of parts that the kernel's fields decide, never the number of threads.
    The batch size is an argument where the code needs it; it never decides the code.
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        """Return the names of the arrays among the arguments, in order."""
        return ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the names of the whole numbers among the arguments; "batch" is filled in by whoever runs it."""
        return ()

    @property
    def reals(self) -> tuple[str, ...]:
        """Return the names of the floats among the arguments."""
        return ()

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        """Return pairs (written, read) of arrays that may be one, best first.

        Each number must be read before the same place is written, by the same piece of work, and not again.
        """
        return ()

    def items(self, batch: int) -> int:
        """Return the number of pieces of work for a batch."""
        raise NotImplementedError(f"{type(self).__name__}.items")

    def write(self, code: Code) -> None:
        """Write the code for the work items from `code.first` up to `code.last`."""
        raise NotImplementedError(f"{type(self).__name__}.write")

    def scratch_floats(self, target: Target) -> int:
        """Return how many floats of scratch memory each thread needs."""
        return 0

    def macs(self, batch: int) -> int:
        """Return the multiply-adds of the plain algorithm, for figures of speed."""
        return 0


def argument_names(kernel: Kernel, target: Target) -> tuple[str, ...]:
    """Return the slots of the kernel's argument table, in order; "scratch" is the memory of all threads."""
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
