"""What kernels share that go over flat arrays of one size."""

from __future__ import annotations

from dataclasses import dataclass

from ...codegen.kernel import Kernel
from .pieces import PIECES


@dataclass(frozen=True)
class FlatKernel(Kernel):
    """A kernel over arrays of `floats` floats, a whole number of vectors, in a fixed number of pieces."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the size of the arrays."""
        return ("floats",)

    def items(self, batch: int) -> int:
        """Return the number of pieces."""
        return PIECES
