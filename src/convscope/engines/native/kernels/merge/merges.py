"""Sums and products of arrays of one shape, and of images with one factor for each channel.

Arrays of one shape are walked from end to end, whatever they mean: `floats` is the size of a whole array, a number
of whole vectors. Zeros in empty lanes give zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from ...ir import Code, Pointer, Vector, fma
from ..common.loops import PIECES, ChannelKernel, FlatKernel, Position, flat_sweep, sweep, sweep_sums


@dataclass(frozen=True)
class _Flat(FlatKernel):
    """A kernel over arrays of one shape."""

    def sweep(self, code: Code, step: Callable[[Position], None]) -> None:
        """Write `step(offset)` for every vector of the pieces asked for: they follow each other in memory."""
        vectors = code.number("floats") // code.target.width
        flat_sweep(code, vectors * code.first // PIECES, vectors * code.last // PIECES, step)


@dataclass(frozen=True)
class SumKernel(_Flat):
    """Add arrays, from the first to the last; with `relu`, cut at zero."""

    count: int
    relu: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        return (*_numbered("x", self.count), "y")

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        return tuple(("y", name) for name in _numbered("x", self.count))

    def write(self, code: Code) -> None:
        *terms, y = (code.pointer(name) for name in self.pointers)

        def step(at: Position) -> None:
            total = reduce(Vector.__add__, [term.load(at) for term in terms])
            y.store(total.maximum(0) if self.relu else total, at)

        self.sweep(code, step)


@dataclass(frozen=True)
class ReluGradient(_Flat):
    """Let a gradient through where the ReLU's output is above zero, or NaN."""

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("y", "dy", "dx")

    @property
    def in_place(self) -> tuple[tuple[str, str], ...]:
        return (("dx", "dy"),)

    def write(self, code: Code) -> None:
        y, dy, dx = (code.pointer(name) for name in self.pointers)

        def step(at: Position) -> None:
            dx.store((y.load(at) <= 0).select(code.constant(0), dy.load(at)), at)

        self.sweep(code, step)


@dataclass(frozen=True)
class MultiplyKernel(_Flat):
    """Multiply arrays element by element."""

    count: int = 2

    @property
    def pointers(self) -> tuple[str, ...]:
        return (*_numbered("x", self.count), "y")

    def write(self, code: Code) -> None:
        *factors, y = (code.pointer(name) for name in self.pointers)
        self.sweep(code, lambda at: y.store(_product([factor.load(at) for factor in factors]), at))


@dataclass(frozen=True)
class MultiplyGradient(_Flat):
    """Give each factor the gradient times all others; a quotient would fail at 0."""

    count: int = 2

    @property
    def pointers(self) -> tuple[str, ...]:
        return (*_numbered("x", self.count), "dy", *_numbered("dx", self.count))

    def write(self, code: Code) -> None:
        factors, results = (
            [code.pointer(name) for name in _numbered(letter, self.count)] for letter in ("x", "dx")
        )
        dy = code.pointer("dy")

        def step(at: Position) -> None:
            above, numbers = dy.load(at), [factor.load(at) for factor in factors]
            for own, result in enumerate(results):
                result.store(_product([above, *numbers[:own], *numbers[own + 1 :]]), at)

        self.sweep(code, step)


def _product(factors: Sequence[Vector]) -> Vector:
    return reduce(Vector.__mul__, factors)


def _numbered(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in range(count))


@dataclass(frozen=True)
class ScaleKernel(ChannelKernel):
    """Multiply each channel of an image by a factor of its own, as squeeze-and-excitation does.

    Shapes:   x (n, blocks, h, w, lanes), gate (n, blocks · lanes) → y as x
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "gate", "y")

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            gate = code.pointer("gate").load(item.index * self.lanes)
            x, y = (code.pointer(name) + item.index * self.block_floats for name in ("x", "y"))

            def step(at: Position, gate: Vector = gate, x: Pointer = x, y: Pointer = y) -> None:
                y.store(x.load(at) * gate, at)

            sweep(code, self.positions, self.lanes, step)


@dataclass(frozen=True)
class ScaleGradient(ChannelKernel):
    """Write the gradients of the image and of its factors, in one pass.

    Formula:  dx = dy · gate, dgate = Σ over positions of dy · x
    """

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("x", "gate", "dy", "dx", "dgate")

    def write(self, code: Code) -> None:
        with code.loop(code.first, code.last) as item:
            own = item.index * self.lanes
            gate = code.pointer("gate").load(own)
            x, dy, dx = (code.pointer(name) + item.index * self.block_floats for name in ("x", "dy", "dx"))

            def adding(at: Position, sums: Sequence[Vector]) -> Sequence[Vector]:
                above = dy.load(at)
                dx.store(above * gate, at)
                return (fma(above, x.load(at), sums[0]),)

            code.pointer("dgate").store(sweep_sums(code, self.positions, self.lanes, 1, adding)[0], own)
