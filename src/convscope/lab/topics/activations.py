"""Values and derivatives of activation functions, and softmax of a row of scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers import activation as _rules  # noqa: F401 - registers the answers
from ..engines.reference.layers.rules import Array, Context, backward, forward
from ..layers.activation import (
    ELU,
    GELU,
    Activation,
    Hardswish,
    LeakyReLU,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from ..text.notebook import Preformatted
from .blocks import matrix, number, table, titled

POINTS = (-1e4, -2.5, -1.0, 0.0, 1.0, 2.5, 1e4)
FUNCTIONS: tuple[Activation, ...] = (
    Sigmoid(),
    Tanh(),
    ReLU(),
    LeakyReLU(),
    PReLU(),
    ELU(),
    ReLU6(),
    Softplus(),
    GELU(),
    SiLU(),
    Hardswish(),
)


@dataclass(frozen=True)
class ActivationRow:
    """One function at the points of its table; `slope_gradient` is that of PReLU's learned slope, else None."""

    layer: Activation
    values: Array
    derivatives: Array
    slope_gradient: Array | None


@dataclass(frozen=True)
class ActivationTable(Preformatted):
    """Values and derivatives of several functions at the same points."""

    points: Array
    rows: tuple[ActivationRow, ...]

    def __getitem__(self, kind: str) -> ActivationRow:
        """Return the row of a function by its kind, as "Sigmoid"."""
        return {row.layer.kind: row for row in self.rows}[kind]

    def __str__(self) -> str:
        head = ["x", *(number(x) for x in self.points)]
        values = [[row.layer.kind, *map(number, row.values)] for row in self.rows]
        slopes = [[f"{row.layer.kind}′", *map(number, row.derivatives)] for row in self.rows]
        facts = [_facts(row.layer) for row in self.rows]
        parts = [
            titled("Values", table(head, values)),
            titled("Derivatives", table(head, slopes)),
            titled("Properties", table(["", "range", "zero-centered", "saturates", "dies"], facts)),
        ]
        for row in self.rows:
            if row.slope_gradient is not None:
                terms = f"∂{row.layer.kind}/∂slope"
                parts.append(titled(terms, table(head, [[terms, *map(number, row.slope_gradient)]])))
        return "\n\n".join(parts)


def _facts(layer: Activation) -> list[str]:
    known = layer.properties
    return [
        layer.kind,
        known.range_text,
        "yes" if known.zero_centered else "no",
        " and ".join(known.saturates) or "nowhere",
        "yes" if known.dies else "no",
    ]


def activation_table(points: ArrayLike = POINTS, functions: Sequence[Activation] = FUNCTIONS) -> ActivationTable:
    """Compute functions and their derivatives at these points, element by element.

    Shapes:   points (n)

    >>> activation_table([-2.5, 3.0])["ReLU"].values
    array([0., 3.])
    """
    x = np.asarray(points, np.float64).reshape(-1)
    return ActivationTable(x, tuple(_row(layer, x) for layer in functions))


def _row(layer: Activation, x: Array) -> ActivationRow:
    # One point per image, so that the slope's gradient can be told apart point by point.
    slope = {"weight": np.array([layer.init])} if isinstance(layer, PReLU) else {}
    values, derivatives, slopes = [], [], []
    for point in x:
        inputs = (np.array([[point]]),)
        context = Context()
        values.append(forward(layer, inputs, slope, context)[0, 0])
        gradients = backward(layer, np.ones((1, 1)), inputs, slope, context)
        derivatives.append(np.ravel(gradients.inputs[0])[0])  # type: ignore[arg-type]  # never None here
        slopes += [gradients.parameters["weight"][0]] if slope else []
    return ActivationRow(layer, np.array(values), np.array(derivatives), np.array(slopes) if slope else None)


@dataclass(frozen=True)
class SoftmaxTable(Preformatted):
    """Scores, the probabilities they become, and how each probability moves with each score."""

    scores: Array
    probabilities: Array
    jacobian: Array

    def __str__(self) -> str:
        return "\n\n".join(
            [
                titled("Scores", matrix(self.scores)),
                titled(f"Probabilities, together {number(self.probabilities.sum())}", matrix(self.probabilities)),
                titled("Row i, column j: ∂p_i/∂score_j", matrix(self.jacobian)),
            ]
        )


def softmax_table(scores: ArrayLike = (2.0, 1.0, -1.0)) -> SoftmaxTable:
    """Compute softmax of one row of scores, and its derivative, a matrix: every output depends on every score.

    Shapes:   scores (k) → probabilities (k), jacobian (k, k)

    >>> softmax_table([1000.0, 1000.0]).probabilities
    array([0.5, 0.5])
    """
    row = np.asarray(scores, np.float64).reshape(1, -1)
    context = Context()
    layer = Softmax()
    probabilities = forward(layer, (row,), {}, context)
    rows = [backward(layer, one[None], (row,), {}, context).inputs[0] for one in np.eye(row.size)]
    jacobian = np.concatenate([gradient for gradient in rows if gradient is not None])
    return SoftmaxTable(row[0], probabilities[0], jacobian)
