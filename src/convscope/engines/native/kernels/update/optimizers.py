"""Updates of all parameters at once, as one flat array, and the norm of their gradient."""

from __future__ import annotations

from dataclasses import dataclass

from ...ir import Code, Index, Pointer, Vector, fma
from ..common.loops import PIECES, FlatKernel, added, for_vectors

UNROLL = 4
"""Vectors of a trip."""

Carried = tuple[Vector, ...]


@dataclass(frozen=True)
class _Update(FlatKernel):
    """Base of kernels that update "weight" by "gradient" · scale.

    Shapes:   all arrays (floats), a whole number of vectors
    """

    def write(self, code: Code) -> None:
        arrays = {name: code.pointer(name) for name in self.pointers}
        reals = {name: code.real(name) for name in self.reals}

        def change(at: Index, carried: Carried) -> Carried:
            gradient = arrays["gradient"].load(at) * reals["scale"]
            self.change({name: array + at for name, array in arrays.items()}, gradient, reals)
            return carried

        with code.loop(code.first, code.last) as item:
            for_vectors(code, item.index, PIECES, change, UNROLL)

    def change(self, arrays: dict[str, Pointer], gradient: Vector, reals: dict[str, Vector]) -> None:
        """Write the change of one vector of each array."""
        raise NotImplementedError(f"{type(self).__name__}.change")


@dataclass(frozen=True)
class SgdUpdate(_Update):
    """SGD, with or without momentum.

    Formula:  g ← scale·g + weight_decay·w; v ← momentum·v + g; w ← w − lr·v, or with nesterov
              w − lr·(g + momentum·v)
    """

    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("weight", "gradient", "momentum") if self.momentum else ("weight", "gradient")

    @property
    def reals(self) -> tuple[str, ...]:
        return ("lr", "scale")

    def change(self, arrays: dict[str, Pointer], gradient: Vector, reals: dict[str, Vector]) -> None:
        """Write the change of one vector of each array."""
        weight = arrays["weight"].load()
        direction = gradient + weight * self.weight_decay if self.weight_decay else gradient
        if self.momentum:
            velocity = arrays["momentum"].load() * self.momentum + direction
            arrays["momentum"].store(velocity)
            direction = direction + velocity * self.momentum if self.nesterov else velocity
        arrays["weight"].store(weight - reals["lr"] * direction)


@dataclass(frozen=True)
class AdamUpdate(_Update):
    """Move against the mean gradient over the root of its mean square; `decoupled` decay is AdamW's.

    "first_correction" is 1 / (1 − β₁ᵗ), "second_correction" is 1 / √(1 − β₂ᵗ).

    Formula:  g ← scale·g (+ weight_decay·w, or w ← w·(1 − lr·weight_decay) where decoupled);
              m ← m + (1 − β₁)(g − m); v ← β₂v + (1 − β₂)g²;
              w ← w − lr·first_correction·m / (√v·second_correction + eps)
    Source:   Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled: bool = False

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("weight", "gradient", "first_moment", "second_moment")

    @property
    def reals(self) -> tuple[str, ...]:
        return ("lr", "scale", "first_correction", "second_correction")

    def change(self, arrays: dict[str, Pointer], gradient: Vector, reals: dict[str, Vector]) -> None:
        """Write the change of one vector of each array."""
        weight, lr = arrays["weight"].load(), reals["lr"]
        if self.weight_decay and self.decoupled:
            weight = weight - weight * (lr * self.weight_decay)
        elif self.weight_decay:
            gradient = gradient + weight * self.weight_decay
        first, second = arrays["first_moment"].load(), arrays["second_moment"].load()
        first = first + (gradient - first) * (1 - self.beta1)
        second = second * self.beta2 + gradient * gradient * (1 - self.beta2)
        root = second.sqrt() * reals["second_correction"] + self.eps
        arrays["first_moment"].store(first)
        arrays["second_moment"].store(second)
        arrays["weight"].store(weight - lr * reals["first_correction"] * (first / root))


@dataclass(frozen=True)
class SquaredNorm(FlatKernel):
    """Sum the squares of a flat array in a fixed number of parts.

    Shapes:   gradient (floats), a whole number of vectors → parts (parts)
    """

    parts: int

    @property
    def pointers(self) -> tuple[str, ...]:
        return ("gradient", "parts")

    def items(self, batch: int) -> int:
        return self.parts

    def write(self, code: Code) -> None:
        gradient, parts = (code.pointer(name) for name in self.pointers)

        def add(at: Index, carried: Carried) -> Carried:
            value = gradient.load(at)
            return (fma(value, value, carried[0]),)

        with code.loop(code.first, code.last) as item:
            sums = for_vectors(code, item.index, self.parts, add, 8, (code.constant(0),))
            parts.store_lane(added([total for (total,) in sums]).reduce_sum(), item.index)
