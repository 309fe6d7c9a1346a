"""Linear, embedding and scale layers."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ..errors import BadShape
from ..settings import count, flag, known_or_inferred
from .base import Layer, ParamShapes, show_shape, size_of
from .connection import Connection, Shape, straight
from .operations import Operations

__all__ = [
    "Embedding",
    "Linear",
    "Scale",
]


@dataclass(frozen=True)
class Linear(Layer):
    """Multiply the last axis by a matrix: y = W·x + b.

    Shapes:   (…, in) → (…, out_features); weight (out_features, in), bias (out_features)
              a pooled image (in, 1, 1) counts as the vector (in)
    Errors:   BadShape [linear-features]
    Source:   PyTorch Linear
    """

    out_features: int = count()
    bias: bool = flag(True)
    in_features: int | None = known_or_inferred()
    keyword: ClassVar[str] = "dense"
    positional: ClassVar[tuple[str, ...]] = ("out_features",)
    sequence: ClassVar[bool] = True

    def vector(self, shape: Shape) -> Shape:
        """Return the shape as the matrix sees it, features last."""
        pooled = len(shape) > 1 and prod(shape[1:]) == 1
        read = shape[:1] if pooled and self.in_features in (None, shape[0]) else shape
        if self.in_features not in (None, read[-1]):
            raise BadShape(
                "{layer}.in_features must be {features} for this input (got in_features={got}). Set "
                "in_features={features} or leave it out. [linear-features]",
                layer=self.kind,
                features=read[-1],
                got=self.in_features,
            )
        return read

    def output_shape(self, *inputs: Shape) -> Shape:
        return (*self.vector(inputs[0])[:-1], self.out_features)

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        """Return weight (out, in) and bias (out)."""
        shapes: ParamShapes = {"weight": (self.out_features, self.vector(inputs[0])[-1])}
        if self.bias:
            shapes["bias"] = (self.out_features,)
        return shapes

    def operations(self, *inputs: Shape) -> Operations:
        return Operations.matrix(prod(self.output_shape(*inputs)), self.vector(inputs[0])[-1], self.bias)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Return the axes before the last, unmoved."""
        return (Connection(links=straight(range(len(self.vector(inputs[0])) - 1))),)


@dataclass(frozen=True)
class Embedding(Layer):
    """Look up a row of a table for every integer of the input.

    Shapes:   (length) → (length, embedding_dim); weight (num_embeddings, embedding_dim)
    Source:   PyTorch Embedding
    """

    num_embeddings: int = count()
    embedding_dim: int = count()
    keyword: ClassVar[str] = "embedding"
    positional: ClassVar[tuple[str, ...]] = ("num_embeddings", "embedding_dim")

    def output_shape(self, *inputs: Shape) -> Shape:
        return (*inputs[0], self.embedding_dim)

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        return {"weight": (self.num_embeddings, self.embedding_dim)}

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        return (Connection(links=straight(range(len(inputs[0])))),)


@dataclass(frozen=True)
class Scale(Layer):
    """Multiply each index of one axis by a learned factor (ConvNeXt's layer scale).

    Shapes:   x → x; weight broadcasts: (c, 1, 1) for axis 0 of (c, h, w)
    Source:   Touvron et al. 2021, "Going deeper with image transformers"
    """

    axis: int = count(0, least=0)
    keyword: ClassVar[str] = "scale"

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        (shape,) = inputs
        if self.axis >= len(shape):
            raise BadShape(
                "{layer}.axis must be below {rank} for input {shape} (got axis={axis}). Count axes from 0 "
                "(channels), without the batch axis. [axis-range]",
                layer=self.kind,
                rank=len(shape),
                shape=show_shape(shape),
                axis=self.axis,
            )
        return {"weight": (shape[self.axis], *(1 for _ in shape[self.axis + 1 :]))}

    def output_shape(self, *inputs: Shape) -> Shape:
        self.param_shapes(*inputs)
        return inputs[0]

    def operations(self, *inputs: Shape) -> Operations:
        return Operations(multiplications=size_of(inputs[0]))
