"""Input, identity, dropout, arrays that belong to the network, and unsupported operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..settings import Axes, Integers, PlainText, flag, real, setting
from .base import Arity, Layer, ParamShapes, size_of
from .connection import Connection, Shape
from .operations import Status

__all__ = [
    "Dropout",
    "Identity",
    "Input",
    "Opaque",
    "Parameter",
]


@dataclass(frozen=True)
class Input(Layer):
    """Network input, channels first, without the batch axis."""

    shape: Axes = setting(Integers(least=1, longest=8))
    arity: ClassVar[Arity] = (0, 0)
    keyword: ClassVar[str] = "input"
    positional: ClassVar[tuple[str, ...]] = ("shape",)
    retains: ClassVar[frozenset[str]] = frozenset()

    def output_shape(self, *inputs: Shape) -> Shape:
        return self.shape

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return ()


@dataclass(frozen=True)
class Identity(Layer):
    """The input itself."""

    keyword: ClassVar[str] = "identity"
    retains: ClassVar[frozenset[str]] = frozenset()
    view: ClassVar[bool] = True


@dataclass(frozen=True)
class Dropout(Layer):
    """Set each element to 0 with probability p in training, and scale the rest by 1/(1 − p).

    Source:   Srivastava et al. 2014, in the inverted form
    """

    p: float = real(0.5, least=0.0, most=1.0)
    keyword: ClassVar[str] = "dropout"
    positional: ClassVar[tuple[str, ...]] = ("p",)
    retains: ClassVar[frozenset[str]] = frozenset()
    view: ClassVar[bool] = True

    def training_bytes(self, *inputs: Shape) -> int:
        """Return the mask, one byte per element."""
        return size_of(inputs[0])


@dataclass(frozen=True)
class Parameter(Layer):
    """An array that belongs to the network: a class token, a position embedding, a mask.

    It is the same for every image. A learned array is a parameter, a constant one a buffer.

    Shapes:   any → shape; weight (shape), or buffer value (shape)
    """

    shape: Axes = setting(Integers(least=1))
    learned: bool = flag(True)
    keyword: ClassVar[str] = "parameter"
    positional: ClassVar[tuple[str, ...]] = ("shape",)
    retains: ClassVar[frozenset[str]] = frozenset()

    def output_shape(self, *inputs: Shape) -> Shape:
        return self.shape

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        return {"weight": self.shape} if self.learned else {}

    def buffer_shapes(self, *inputs: Shape) -> ParamShapes:
        return {} if self.learned else {"value": self.shape}

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return ()


@dataclass(frozen=True)
class Opaque(Layer):
    """An unsupported operator: only its output shape is known."""

    operator: str = setting(PlainText())
    shape: Axes = setting(Integers(least=1, longest=8))
    arity: ClassVar[Arity] = (1, None)
    keyword: ClassVar[str] = "opaque"
    positional: ClassVar[tuple[str, ...]] = ("operator", "shape")
    status: ClassVar[Status] = Status.UNKNOWN

    @property
    def kind(self) -> str:
        """Return the operator's name, marked as unknown."""
        return f"Opaque({self.operator})" if hasattr(self, "operator") else "Opaque"

    def output_shape(self, *inputs: Shape) -> Shape:
        return self.shape

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return tuple(Connection(source, (), opaque=True) for source in range(len(inputs)))
