"""Elementwise functions other than activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import BadSetting
from ..settings import Choice, Optional, Real, real, setting
from .base import Layer, size_of
from .connection import Shape
from .operations import Operations

__all__ = [
    "Affine",
    "Clamp",
    "Function",
    "Pointwise",
    "Power",
]


@dataclass(frozen=True)
class Pointwise(Layer):
    """An elementwise function of one value: x → x."""

    @property
    def cost(self) -> Operations:
        raise TypeError(f"{self.kind} has no cost")

    def operations(self, *inputs: Shape) -> Operations:
        return self.cost.times(size_of(inputs[0]))


@dataclass(frozen=True)
class Affine(Pointwise):
    """scale·x + shift with two constant numbers; a factor 1 and a term 0 cost nothing."""

    scale: float = real(1.0)
    shift: float = real(0.0)
    keyword: ClassVar[str] = "affine"
    positional: ClassVar[tuple[str, ...]] = ("scale", "shift")
    retains: ClassVar[frozenset[str]] = frozenset()

    @property
    def cost(self) -> Operations:
        """One multiplication, one addition."""
        return Operations(multiplications=int(self.scale != 1), additions=int(self.shift != 0))


@dataclass(frozen=True)
class Clamp(Pointwise):
    """max(low, min(x, high)); a bound that is None does not bind.

    Errors:   BadSetting [clamp-bounds] where low is above high or both are missing
    Source:   PyTorch `clamp`, Hardtanh
    """

    low: float | None = setting(Optional(Real()), None)
    high: float | None = setting(Optional(Real()), None)
    keyword: ClassVar[str] = "clamp"
    positional: ClassVar[tuple[str, ...]] = ("low", "high")

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.low, self.high
        if (low is None and high is None) or (low is not None and high is not None and low > high):
            raise BadSetting(
                "{layer}.low must be at most high, and one of the two must be set (got low={low}, high={high}). "
                "Use low=0 for what ReLU does. [clamp-bounds]",
                layer=self.kind,
                low=self.low,
                high=self.high,
            )

    @property
    def cost(self) -> Operations:
        return Operations(comparisons=(self.low is not None) + (self.high is not None))


@dataclass(frozen=True)
class Power(Pointwise):
    """x^exponent with a constant exponent; the square is one multiplication."""

    exponent: float = real()
    keyword: ClassVar[str] = "power"
    positional: ClassVar[tuple[str, ...]] = ("exponent",)

    @property
    def cost(self) -> Operations:
        """One product for a square, else a power, counted as an exponential."""
        return Operations(multiplications=1) if self.exponent == 2 else Operations(exponentials=1)


_COSTS = {
    "abs": Operations(comparisons=1),
    "ceil": Operations(comparisons=1),
    "cos": Operations(exponentials=1),
    "erf": Operations(exponentials=1),
    "exp": Operations(exponentials=1),
    "floor": Operations(comparisons=1),
    "log": Operations(exponentials=1),
    "neg": Operations(additions=1),
    "reciprocal": Operations(divisions=1),
    "round": Operations(comparisons=1),
    "rsqrt": Operations(divisions=2),
    "sign": Operations(comparisons=2),
    "sin": Operations(exponentials=1),
    "sqrt": Operations(divisions=1),
}


@dataclass(frozen=True)
class Function(Pointwise):
    """An elementary function by its name.

    Units:    square roots count as divisions; logarithms, erf, sine and cosine as exponentials; abs, sign and
              rounding as comparisons; a change of sign as an addition
    """

    function: str = setting(Choice(tuple(_COSTS)))
    keyword: ClassVar[str] = "function"
    positional: ClassVar[tuple[str, ...]] = ("function",)

    @property
    def cost(self) -> Operations:
        return _COSTS[self.function]
