"""The base class of all layers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import ClassVar, TypeVar

from ..errors import BadShape
from ..settings import FieldType, Owner
from .connection import POINTWISE, Connection, Shape
from .operations import NO_OPERATIONS, Operations, Status

__all__ = [
    "Layer",
    "show_shape",
]

ParamShapes = dict[str, Shape]
Arity = tuple[int, int | None]
L = TypeVar("L", bound="Layer")

_FORMS: dict[type, tuple[tuple[str, FieldType], ...]] = {}


@dataclass(frozen=True)
class Layer:
    """Hyper-parameters of a layer, and the integer facts that follow from them. No arrays, no state.

    A subclass is a frozen dataclass whose fields are made by `convscope.settings`, so that construction brings
    every setting into one canonical form. Shapes are tuples without the batch, channels first. A method gets
    one shape per input and may raise BadShape.
    """

    rank: ClassVar[int | None] = None
    """Number of spatial axes the layer slides over; None: any."""

    arity: ClassVar[Arity] = (1, 1)
    """Fewest and most inputs; None: no limit."""

    keyword: ClassVar[str] = ""
    """The layer's word in the notation."""

    positional: ClassVar[tuple[str, ...]] = ()
    """Settings that the notation gives by position."""

    retains: ClassVar[frozenset[str]] = frozenset({"input"})
    """What the backward pass needs again: any of "input", "output"."""

    view: ClassVar[bool] = False
    """Whether the output is the input's memory under another shape."""

    sequence: ClassVar[bool] = False
    """Whether inputs are (length, features): positions on the first axis, not on the last."""

    status: ClassVar[Status] = Status.COMPLETE
    """How far the layer's own numbers can be trusted."""

    def __post_init__(self) -> None:
        owner = Owner(self.kind, self.rank)
        for name, form in self.forms():
            object.__setattr__(self, name, form.canonical(getattr(self, name), owner, name))

    @property
    def kind(self) -> str:
        """Return the name of the layer's type, PyTorch's where it has one."""
        return type(self).__name__

    @classmethod
    def forms(cls) -> tuple[tuple[str, FieldType], ...]:
        """Return the layer's settings with their forms, in order."""
        known = _FORMS.get(cls)
        if known is None:
            known = _FORMS[cls] = tuple((item.name, item.metadata["form"]) for item in fields(cls))
        return known

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return the output's shape."""
        return inputs[0]

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        """Return the learned parameters by PyTorch's names."""
        return {}

    def buffer_shapes(self, *inputs: Shape) -> ParamShapes:
        """Return the arrays that are kept with the parameters and not learned."""
        return {}

    def operations(self, *inputs: Shape) -> Operations:
        """Return the arithmetic of one forward pass at inference, per image."""
        return NO_OPERATIONS

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Return the positions of each input that an output position depends on."""
        return POINTWISE

    def training_bytes(self, *inputs: Shape) -> int:
        """Return the bytes that the backward pass keeps in addition to inputs and outputs."""
        return 0

    def spatial(self, shape: Shape) -> Shape:
        """Return the axes the layer slides over, after a check of the input's rank."""
        if self.rank is not None and len(shape) != self.rank + 1:
            axes = ("C×L", "C×H×W", "C×D×H×W")[self.rank - 1]
            values = {"layer": self.kind, "axes": axes, "shape": show_shape(shape)}
            if 2 <= len(shape) <= 4:
                raise BadShape(
                    "{layer} needs an input of {count} axes, {axes} (got {shape}). Use {other} for this input. "
                    "[input-rank]",
                    count=self.rank + 1,
                    other=f"{self.kind[:-2]}{len(shape) - 1}d",
                    **values,
                )
            raise BadShape(
                "{layer} needs an input of {count} axes, {axes} (got {shape}). "
                "Place it before the layers that flatten. [input-rank]",
                count=self.rank + 1,
                **values,
            )
        return shape[1:]


def by_rank(family: type[L]) -> tuple[type[L], type[L], type[L]]:
    """Return the family's layers over one, two and three spatial axes, named as PyTorch names them."""

    def over(rank: int, axes: str) -> type[L]:
        name = f"{family.__name__}{rank}d"
        about = f"{family.__name__} over {axes}."
        return type(name, (family,), {"rank": rank, "__doc__": about, "__module__": family.__module__})

    return over(1, "(c, l)"), over(2, "(c, h, w)"), over(3, "(c, d, h, w)")


def show_shape(shape: Shape) -> str:
    """Return a shape as text: 3×224×224."""
    return "×".join(map(str, shape)) if shape else "scalar"


def size_of(shape: Shape) -> int:
    """Return the number of elements."""
    return prod(shape)
