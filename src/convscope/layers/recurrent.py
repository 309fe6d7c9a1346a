"""Recurrent layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..axis import Everything, Prefix
from ..errors import BadShape
from ..settings import choice, count, flag
from .base import Layer, ParamShapes, show_shape
from .connection import AxisDependency, Connection, Shape
from .operations import Operations

__all__ = [
    "LSTM",
]


@dataclass(frozen=True)
class LSTM(Layer):
    """Long short-term memory over a sequence, optionally stacked, bidirectional and projected.

    Shapes:   (length, in) → (length, directions·h), where h is proj_size or else hidden_size
    Formula:  parameters per direction 4·((in + h)·hidden + hidden) with one bias (biases "one", Keras and
              TensorFlow), 4·((in + h)·hidden + 2·hidden) with PyTorch's two, + h·hidden for a projection
    Errors:   BadShape [lstm-rank], [lstm-projection]
    Source:   PyTorch LSTM; Sak et al. 2014 for the projection
    """

    hidden_size: int = count()
    proj_size: int = count(0, least=0)
    num_layers: int = count(1, most=1000)
    bidirectional: bool = flag(False)
    biases: str = choice("two", "one", "none")
    keyword: ClassVar[str] = "lstm"
    positional: ClassVar[tuple[str, ...]] = ("hidden_size",)
    sequence: ClassVar[bool] = True
    retains: ClassVar[frozenset[str]] = frozenset({"input", "output"})

    @property
    def width(self) -> int:
        """Return the features of one direction's output."""
        return self.proj_size or self.hidden_size

    @property
    def directions(self) -> int:
        """Return 2 for a bidirectional layer."""
        return 2 if self.bidirectional else 1

    def output_shape(self, *inputs: Shape) -> Shape:
        """Return (length, directions·width)."""
        (shape,) = inputs
        if len(shape) != 2:
            raise BadShape(
                "{layer} needs a sequence (length × features) as input (got {shape}). Reshape or permute to it. "
                "[lstm-rank]",
                layer=self.kind,
                shape=show_shape(shape),
            )
        if self.proj_size >= self.hidden_size:
            raise BadShape(
                "{layer}.proj_size must be smaller than hidden_size (got proj_size={size}, "
                "hidden_size={hidden}). Use 0 for no projection. [lstm-projection]",
                layer=self.kind,
                size=self.proj_size,
                hidden=self.hidden_size,
            )
        return (shape[0], self.directions * self.width)

    def _in_features(self, shape: Shape) -> list[int]:
        return [shape[1]] + [self.directions * self.width] * (self.num_layers - 1)

    def param_shapes(self, *inputs: Shape) -> ParamShapes:
        """Return the gates' matrices by PyTorch's names; rows are the gates i, f, g, o."""
        rows = 4 * self.hidden_size
        shapes: ParamShapes = {}
        for level, features in enumerate(self._in_features(inputs[0])):
            for way in ("", "_reverse")[: self.directions]:
                end = f"_l{level}{way}"
                shapes[f"weight_ih{end}"] = (rows, features)
                shapes[f"weight_hh{end}"] = (rows, self.width)
                if self.biases != "none":
                    shapes[f"bias_ih{end}"] = (rows,)
                if self.biases == "two":
                    shapes[f"bias_hh{end}"] = (rows,)
                if self.proj_size:
                    shapes[f"weight_hr{end}"] = (self.proj_size, self.hidden_size)
        return shapes

    def operations(self, *inputs: Shape) -> Operations:
        """Return all time steps: two matrix products for the gates, then the cell's arithmetic."""
        (shape,) = inputs
        h = self.hidden_size
        biases = {"two": 2, "one": 1, "none": 0}[self.biases]
        total = Operations()
        for features in self._in_features(shape):
            gates = Operations.matrix(4 * h, features + self.width)
            # Per cell: 3 sigmoids and 2 tanh (one exponential, one division, one addition each); c = f·c + i·g;
            # h = o·tanh(c).
            cell = Operations(0, 3 * h, h + 5 * h + 4 * h * biases, 0, 5 * h, 5 * h)
            step = gates.plus(cell)
            if self.proj_size:
                step = step.plus(Operations.matrix(self.proj_size, h))
            total = total.plus(step.times(shape[0] * self.directions))
        return total

    def connections(self, *inputs: Shape) -> tuple[Connection, ...]:
        """A step sees the steps up to its own, in a two-way layer all; features are mixed."""
        (length, _) = inputs[0]
        steps = Everything(length, length) if self.bidirectional else Prefix()
        return (Connection(links=(AxisDependency(0, 0, steps),)),)

    def training_bytes(self, *inputs: Shape) -> int:
        """Return the gates and cell states of every step, in float32."""
        return 4 * 5 * self.hidden_size * inputs[0][0] * self.directions * self.num_layers
