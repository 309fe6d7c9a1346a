"""Layers with several inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..axis import Everything, Stretch
from ..errors import BadShape
from ..settings import Count, count, flag, setting
from ..text.language import Message
from ..text.lists import join_and
from .base import Arity, Layer, ParamShapes, show_shape, size_of
from .connection import UNMOVED, AxisDependency, Connection, Shape, straight
from .operations import Operations

__all__ = [
    "Add",
    "Concat",
    "Divide",
    "Extreme",
    "MatMul",
    "Maximum",
    "Minimum",
    "MultiheadAttention",
    "Multiply",
    "Subtract",
]


@dataclass(frozen=True)
class Elementwise(Layer):
    """Combine inputs element by element; axes of size 1 are repeated, as NumPy does.

    Shapes:   (c, h, w), (c, h, w) or (c, 1, 1), … → (c, h, w)
    Errors:   BadShape [merge-shapes]
    """

    arity: ClassVar[Arity] = (2, None)

    def output_shape(self, *inputs: Shape) -> Shape:
        rank = max(map(len, inputs))
        sizes = []
        for axis in range(-rank, 0):
            here = {shape[axis] for shape in inputs if len(shape) >= -axis} - {1}
            if len(here) > 1:
                shapes = join_and(dict.fromkeys(map(show_shape, inputs)))
                raise BadShape(
                    "Inputs of {layer} must have the same shape, or size 1 where they differ (got {shapes}, "
                    "which differ in {axis}). Match strides and padding of the branches, or crop the larger. "
                    "[merge-shapes]",
                    layer=self.kind,
                    shapes=shapes,
                    axis=_axis_name(rank, rank + axis),
                )
            sizes.append(here.pop() if here else 1)
        return tuple(sizes)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Element-wise; repeated axes stay at their one position."""
        output = self.output_shape(*inputs)
        connections = []
        for source, shape in enumerate(inputs):
            if shape == output:
                connections.append(Connection(source))
                continue
            offset = len(output) - len(shape)
            links = tuple(
                AxisDependency(axis + offset, axis, UNMOVED)
                for axis, size in enumerate(shape)
                if size == output[axis + offset]
            )
            connections.append(Connection(source, links))
        return tuple(connections)


def _axis_name(rank: int, axis: int) -> str:
    names = {
        3: (Message("channels"), Message("height"), Message("width")),
        2: (Message("channels"), Message("length")),
        1: (Message("features"),),
    }.get(rank)
    return names[axis] if names else Message("axis {axis}", axis=axis)


@dataclass(frozen=True)
class Add(Elementwise):
    """The sum of the inputs."""

    keyword: ClassVar[str] = "add"
    retains: ClassVar[frozenset[str]] = frozenset()

    def operations(self, *inputs: Shape) -> Operations:
        return Operations(additions=(len(inputs) - 1) * size_of(self.output_shape(*inputs)))


@dataclass(frozen=True)
class Multiply(Elementwise):
    """The product of the inputs."""

    keyword: ClassVar[str] = "mul"

    def operations(self, *inputs: Shape) -> Operations:
        return Operations(multiplications=(len(inputs) - 1) * size_of(self.output_shape(*inputs)))


@dataclass(frozen=True)
class Subtract(Elementwise):
    """The first input minus the second."""

    arity: ClassVar[Arity] = (2, 2)
    keyword: ClassVar[str] = "sub"
    retains: ClassVar[frozenset[str]] = frozenset()

    def operations(self, *inputs: Shape) -> Operations:
        return Operations(additions=size_of(self.output_shape(*inputs)))


@dataclass(frozen=True)
class Divide(Elementwise):
    """The first input over the second."""

    arity: ClassVar[Arity] = (2, 2)
    keyword: ClassVar[str] = "div"

    def operations(self, *inputs: Shape) -> Operations:
        return Operations(divisions=size_of(self.output_shape(*inputs)))


@dataclass(frozen=True)
class Extreme(Elementwise):
    """Base of elementwise maximum and minimum."""

    def operations(self, *inputs: Shape) -> Operations:
        return Operations(comparisons=(len(inputs) - 1) * size_of(self.output_shape(*inputs)))


@dataclass(frozen=True)
class Maximum(Extreme):
    """The largest of the inputs."""

    keyword: ClassVar[str] = "maximum"


@dataclass(frozen=True)
class Minimum(Extreme):
    """The smallest of the inputs."""

    keyword: ClassVar[str] = "minimum"


@dataclass(frozen=True)
class Concat(Layer):
    """Concatenate the inputs along one axis, by default the channels.

    Shapes:   (c₁, h, w), (c₂, h, w) → (c₁ + c₂, h, w)
    Errors:   BadShape [concat-shapes], [axis-range]
    """

    axis: int = count(0, least=0, most=64)
    arity: ClassVar[Arity] = (2, None)
    keyword: ClassVar[str] = "concat"
    retains: ClassVar[frozenset[str]] = frozenset()

    def output_shape(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        if self.axis >= len(first):
            raise BadShape(
                "{layer}.axis must be below {rank} for input {shape} (got axis={axis}). Count axes from 0 "
                "(channels), without the batch axis. [axis-range]",
                layer=self.kind,
                rank=len(first),
                shape=show_shape(first),
                axis=self.axis,
            )
        for shape in inputs[1:]:
            one = first[: self.axis] + first[self.axis + 1 :]
            two = shape[: self.axis] + shape[self.axis + 1 :]
            if len(shape) != len(first) or one != two:
                raise BadShape(
                    "Inputs of {layer} must have equal sizes in all axes but one, {axis} (got {one} and "
                    "{other}). Match strides and padding of the branches, or crop the larger. [concat-shapes]",
                    layer=self.kind,
                    axis=_axis_name(len(first), self.axis),
                    one=show_shape(first),
                    other=show_shape(shape),
                )
        joined = sum(shape[self.axis] for shape in inputs)
        return (*first[: self.axis], joined, *first[self.axis + 1 :])

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """The other axes go straight through; along the joined one each input fills its stretch."""
        joined = self.output_shape(*inputs)[self.axis]
        connections = []
        start = 0
        for source, shape in enumerate(inputs):
            stretch = Stretch(shape[self.axis], start, joined)
            links = tuple(
                AxisDependency(axis, axis, UNMOVED if axis != self.axis else stretch) for axis in range(len(shape))
            )
            connections.append(Connection(source, links))
            start += shape[self.axis]
        return tuple(connections)


@dataclass(frozen=True)
class MatMul(Layer):
    """The matrix product of two inputs over their last two axes.

    Shapes:   (…, n, k), (…, k, m) → (…, n, m)
    Errors:   BadShape [matmul-shapes]
    """

    arity: ClassVar[Arity] = (2, 2)
    keyword: ClassVar[str] = "matmul"

    def output_shape(self, *inputs: Shape) -> Shape:
        one, two = inputs
        if len(one) < 2 or len(two) < 2 or one[-1] != two[-2] or one[:-2] != two[:-2]:
            raise BadShape(
                "Inputs of {layer} must be (…, n, k) and (…, k, m) (got {one} and {two}). Permute one of them. "
                "[matmul-shapes]",
                layer=self.kind,
                one=show_shape(one),
                two=show_shape(two),
            )
        return (*one[:-1], two[-1])

    def operations(self, *inputs: Shape) -> Operations:
        return Operations.matrix(size_of(self.output_shape(*inputs)), inputs[0][-1])

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """A row sees its own row of the first input and all of the second; axes in front go straight through."""
        stacked = straight(range(len(inputs[0]) - 2))
        row = len(inputs[0]) - 2
        return (Connection(0, (*stacked, AxisDependency(row, row, UNMOVED))), Connection(1, stacked))


@dataclass(frozen=True)
class MultiheadAttention(Layer):
    """Scaled dot-product attention of a sequence with itself (one input) or of query, key, value (three).

    Shapes:   (length, width) → (length, width); in_proj_weight (3·width, width), out_proj.weight (width, width)
    Formula:  macs = 4·L·W² + 2·L²·W for self-attention
    Errors:   BadShape [attention-heads], [attention-rank]
    Source:   Vaswani et al. 2017; PyTorch MultiheadAttention
    """

    num_heads: int = setting(Count(1), 1)
    bias: bool = flag(True)
    arity: ClassVar[Arity] = (1, 3)
    keyword: ClassVar[str] = "attention"
    positional: ClassVar[tuple[str, ...]] = ("num_heads",)
    sequence: ClassVar[bool] = True

    def _lengths(self, inputs: tuple[Shape, ...]) -> tuple[int, int, int]:
        """Return query length, key length and width, checked."""
        query, key = inputs[0], inputs[-1]
        if len(inputs) not in (1, 3) or any(len(s) != 2 or s[1] != query[-1] for s in inputs):
            raise BadShape(
                "Input of {layer} must be one sequence (length × width), or query, key and value of one width "
                "(got {shapes}). Reshape and permute to it. [attention-rank]",
                layer=self.kind,
                shapes=join_and(map(show_shape, inputs)),
            )
        if query[1] % self.num_heads:
            raise BadShape(
                "{layer}.num_heads must divide the width (got num_heads={heads}, width={width}). Use a divisor "
                "of {width}. [attention-heads]",
                layer=self.kind,
                heads=self.num_heads,
                width=query[1],
            )
        return query[0], key[0], query[1]

    def output_shape(self, *inputs: Shape) -> Shape:
        self._lengths(inputs)
        return inputs[0]

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        width = self._lengths(inputs)[2]
        shapes: ParamShapes = {"in_proj_weight": (3 * width, width), "out_proj.weight": (width, width)}
        if self.bias:
            shapes |= {"in_proj_bias": (3 * width,), "out_proj.bias": (width,)}
        return shapes

    def operations(self, *inputs: Shape) -> Operations:
        """Return projections, scores, softmax and weighted sum."""
        queries, keys, width = self._lengths(inputs)
        projections = Operations.matrix((2 * queries + 2 * keys) * width, width, self.bias)
        head = width // self.num_heads
        scores = Operations.matrix(self.num_heads * queries * keys, head)
        sums = Operations.matrix(queries * width, keys)
        elements, rows = self.num_heads * queries * keys, self.num_heads * queries
        softmax = Operations(0, elements, 2 * elements - rows, elements - rows, elements, elements)
        return projections.plus(scores).plus(sums).plus(softmax)

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """Every position sees all keys and values; of the query, if apart, only its own row."""
        queries, keys, _ = self._lengths(inputs)
        everything = (AxisDependency(0, 0, Everything(keys, queries)),)
        query = straight((0,)) if len(inputs) > 1 else everything
        return tuple(Connection(source, everything if source else query) for source in range(len(inputs)))

    def training_bytes(self, *inputs: Shape) -> int:
        """Return the projections and the attention weights, in float32."""
        queries, keys, width = self._lengths(inputs)
        return 4 * ((2 * queries + 2 * keys) * width + self.num_heads * queries * keys)
