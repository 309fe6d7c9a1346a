"""Activation functions and their properties."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from ..axis import Everything
from ..errors import BadShape
from ..settings import Count, choice, count, real, setting
from ..text.numbers import number
from .base import Layer, ParamShapes, show_shape, size_of
from .connection import AxisDependency, Connection, Shape, straight
from .operations import Operations

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Hardsigmoid",
    "Hardswish",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class Properties(NamedTuple):
    """Analytic properties of an activation function.

    `low`, `high` bound its values and `reaches` says which bound is attained ("", "low", "high", "both").
    `saturates` names the sides on which the derivative tends to 0 ("left", "right", both or neither); `dies`
    says that it is exactly 0 on a whole half-line, so that a unit can stop learning. `max_slope` bounds the
    derivative: below 1, gradients shrink in every layer.
    """

    low: float
    high: float
    reaches: str
    zero_centered: bool
    saturates: tuple[str, ...]
    dies: bool
    monotone: bool
    max_slope: float
    cost: Operations

    @property
    def range_text(self) -> str:
        """Write the range as mathematicians do: (0, 1), [0, ∞)."""
        left = "[" if self.reaches in ("low", "both") else "("
        right = "]" if self.reaches in ("high", "both") else ")"
        return f"{left}{number(self.low, 4)}, {number(self.high, 4)}{right}"


_SIGMOID = Operations(additions=1, divisions=1, exponentials=1)


@dataclass(frozen=True)
class Activation(Layer):
    """An elementwise function of one value: x → x."""

    retains: ClassVar[frozenset[str]] = frozenset({"output"})

    @property
    def properties(self) -> Properties:
        """Return what is known of the function, for these settings."""
        raise TypeError(f"{self.kind} has no properties")

    def operations(self, *inputs: Shape) -> Operations:
        return self.properties.cost.times(size_of(inputs[0]))


@dataclass(frozen=True)
class Sigmoid(Activation):
    """σ(x) = 1 / (1 + e^−x); σ′ = σ·(1 − σ), at most ¼."""

    keyword: ClassVar[str] = "sigmoid"

    @property
    def properties(self) -> Properties:
        """Saturates at both ends, not zero-centered."""
        return Properties(0, 1, "", False, ("left", "right"), False, True, 0.25, _SIGMOID)


@dataclass(frozen=True)
class Tanh(Activation):
    """tanh(x) = 2σ(2x) − 1; tanh′ = 1 − tanh²."""

    keyword: ClassVar[str] = "tanh"

    @property
    def properties(self) -> Properties:
        """Saturates at both ends, zero-centered."""
        cost = Operations(multiplications=1, additions=2, divisions=1, exponentials=1)
        return Properties(-1, 1, "", True, ("left", "right"), False, True, 1.0, cost)


@dataclass(frozen=True)
class ReLU(Activation):
    """max(0, x); the derivative at 0 is taken as 0, as the frameworks do."""

    keyword: ClassVar[str] = "relu"

    @property
    def properties(self) -> Properties:
        """Dies on the left, open on the right."""
        return Properties(0, inf, "low", False, ("left",), True, True, 1.0, Operations(comparisons=1))


@dataclass(frozen=True)
class ReLU6(Activation):
    """min(max(0, x), 6)."""

    keyword: ClassVar[str] = "relu6"

    @property
    def properties(self) -> Properties:
        cost = Operations(comparisons=2)
        return Properties(0, 6, "both", False, ("left", "right"), True, True, 1.0, cost)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """x for x > 0, else negative_slope·x."""

    negative_slope: float = real(0.01)
    keyword: ClassVar[str] = "leakyrelu"
    positional: ClassVar[tuple[str, ...]] = ("negative_slope",)

    @property
    def properties(self) -> Properties:
        slope = self.negative_slope
        low = -inf if slope > 0 else 0.0
        cost = Operations(multiplications=1, comparisons=1)
        reaches = "" if slope > 0 else "low"
        flat = slope == 0
        saturates = ("left",) if flat else ()
        return Properties(low, inf, reaches, False, saturates, flat, slope >= 0, max(1.0, abs(slope)), cost)


@dataclass(frozen=True)
class PReLU(Activation):
    """max(0, x) + a·min(0, x) with a learned slope: one for the layer, or one per channel.

    Shapes:   x → x; weight (num_parameters)
    Errors:   BadShape [prelu-slopes]
    Source:   He et al. 2015, "Delving deep into rectifiers"
    """

    num_parameters: int = count(1)
    init: float = real(0.25)
    keyword: ClassVar[str] = "prelu"
    positional: ClassVar[tuple[str, ...]] = ("num_parameters",)
    retains: ClassVar[frozenset[str]] = frozenset({"input"})

    @property
    def properties(self) -> Properties:
        return LeakyReLU(self.init).properties

    def output_shape(self, *inputs: Shape) -> Shape:
        if self.num_parameters not in (1, inputs[0][0]):
            raise BadShape(
                "{layer}.num_parameters must be 1 or the {channels} channels of the input {shape} (got {got}). "
                "Use 1 for one slope in the whole layer. [prelu-slopes]",
                layer=self.kind,
                channels=inputs[0][0],
                shape=show_shape(inputs[0]),
                got=self.num_parameters,
            )
        return inputs[0]

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        return {"weight": (self.num_parameters,)}


@dataclass(frozen=True)
class ELU(Activation):
    """x for x > 0, else alpha·(e^x − 1)."""

    alpha: float = real(1.0)
    keyword: ClassVar[str] = "elu"
    positional: ClassVar[tuple[str, ...]] = ("alpha",)

    @property
    def properties(self) -> Properties:
        cost = Operations(multiplications=1, additions=1, comparisons=1, exponentials=1)
        return Properties(
            -self.alpha, inf, "", False, ("left",), False, self.alpha >= 0, max(1.0, abs(self.alpha)), cost
        )


@dataclass(frozen=True)
class SELU(Activation):
    """scale·ELU with the two constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""

    keyword: ClassVar[str] = "selu"
    ALPHA: ClassVar[float] = 1.6732632423543772
    SCALE: ClassVar[float] = 1.0507009873554805

    @property
    def properties(self) -> Properties:
        cost = Operations(multiplications=2, additions=1, comparisons=1, exponentials=1)
        low = -self.ALPHA * self.SCALE
        return Properties(low, inf, "", False, ("left",), False, True, self.ALPHA * self.SCALE, cost)


@dataclass(frozen=True)
class GELU(Activation):
    """x·Φ(x), exact by erf or approximated by tanh (Hendrycks & Gimpel 2016)."""

    approximate: str = choice("none", "tanh")
    keyword: ClassVar[str] = "gelu"
    retains: ClassVar[frozenset[str]] = frozenset({"input"})

    @property
    def properties(self) -> Properties:
        """Not monotone: a shallow valley left of 0."""
        if self.approximate == "tanh":
            cost = Operations(multiplications=6, additions=4, divisions=1, exponentials=1)
        else:
            cost = Operations(multiplications=3, additions=1, exponentials=1)
        low, slope = (-0.1700407506, 1.128994) if self.approximate == "tanh" else (-0.1699712075, 1.128905)
        return Properties(low, inf, "low", False, ("left",), False, False, slope, cost)


@dataclass(frozen=True)
class SiLU(Activation):
    """x·σ(x), also called swish."""

    keyword: ClassVar[str] = "silu"
    retains: ClassVar[frozenset[str]] = frozenset({"input"})

    @property
    def properties(self) -> Properties:
        """Not monotone: a shallow valley left of 0."""
        cost = _SIGMOID.plus(Operations(multiplications=1))
        return Properties(-0.2784645428, inf, "low", False, ("left",), False, False, 1.09984, cost)


@dataclass(frozen=True)
class Mish(Activation):
    """x·tanh(softplus(x)) (Misra 2019)."""

    keyword: ClassVar[str] = "mish"
    retains: ClassVar[frozenset[str]] = frozenset({"input"})

    @property
    def properties(self) -> Properties:
        """Not monotone: a shallow valley left of 0."""
        cost = Operations(multiplications=2, additions=3, divisions=1, exponentials=3)
        return Properties(-0.3088434130, inf, "low", False, ("left",), False, False, 1.0885, cost)


@dataclass(frozen=True)
class Softplus(Activation):
    """ln(1 + e^x): a smooth ReLU."""

    keyword: ClassVar[str] = "softplus"

    @property
    def properties(self) -> Properties:
        cost = Operations(additions=1, exponentials=2)
        return Properties(0, inf, "", False, ("left",), False, True, 1.0, cost)


@dataclass(frozen=True)
class Hardsigmoid(Activation):
    """min(max(0, x + 3), 6) / 6."""

    keyword: ClassVar[str] = "hardsigmoid"
    retains: ClassVar[frozenset[str]] = frozenset({"input"})

    @property
    def properties(self) -> Properties:
        cost = Operations(multiplications=1, additions=1, comparisons=2)
        return Properties(0, 1, "both", False, ("left", "right"), True, True, 1 / 6, cost)


@dataclass(frozen=True)
class Hardswish(Activation):
    """x·min(max(0, x + 3), 6) / 6."""

    keyword: ClassVar[str] = "hardswish"
    retains: ClassVar[frozenset[str]] = frozenset({"input"})

    @property
    def properties(self) -> Properties:
        """Not monotone; exactly 0 left of −3."""
        cost = Operations(multiplications=2, additions=1, comparisons=2)
        return Properties(-0.375, inf, "low", False, ("left",), True, False, 1.5, cost)


@dataclass(frozen=True)
class Softmax(Layer):
    """e^x / Σ e^x along one axis, computed with the maximum subtracted.

    Shapes:   x → x; the axis is the channels unless given
    Errors:   BadShape [axis-range]
    """

    axis: int = setting(Count(-64, 64), 0)
    keyword: ClassVar[str] = "softmax"
    positional: ClassVar[tuple[str, ...]] = ("axis",)
    retains: ClassVar[frozenset[str]] = frozenset({"output"})

    def along(self, shape: Shape) -> int:
        """Return the axis counted from 0."""
        if not -len(shape) <= self.axis < len(shape):
            raise BadShape(
                "{layer}.axis must be from {low} to {high} for input {shape} (got axis={axis}). Count axes from "
                "0 (channels), without the batch axis. [axis-range]",
                layer=self.kind,
                low=-len(shape),
                high=len(shape) - 1,
                shape=show_shape(shape),
                axis=self.axis,
            )
        return self.axis % len(shape)

    def output_shape(self, *inputs: Shape) -> Shape:
        self.along(inputs[0])
        return inputs[0]

    def operations(self, *inputs: Shape) -> Operations:
        """Return the maximum, its subtraction, the exponentials, their sum, the division."""
        elements = size_of(inputs[0])
        sets = elements // inputs[0][self.along(inputs[0])]
        return Operations(
            additions=2 * elements - sets,
            comparisons=elements - sets,
            divisions=elements,
            exponentials=elements,
        )

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """All of the axis, at the same place along the others."""
        (shape,) = inputs
        along = self.along(shape)
        kept = straight(axis for axis in range(len(shape)) if axis != along)
        return (Connection(links=(*kept, AxisDependency(along, along, Everything(shape[along], shape[along])))),)


@dataclass(frozen=True)
class LogSoftmax(Softmax):
    """x − max − ln Σ e^(x − max) along one axis."""

    keyword: ClassVar[str] = "logsoftmax"

    def operations(self, *inputs: Shape) -> Operations:
        """Return the maximum, two subtractions, the exponentials, their sum and its logarithm."""
        elements = size_of(inputs[0])
        sets = elements // inputs[0][self.along(inputs[0])]
        return Operations(additions=3 * elements - sets, comparisons=elements - sets, exponentials=elements + sets)
