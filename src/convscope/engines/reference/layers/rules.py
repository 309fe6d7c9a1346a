"""Forward and backward rules of the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ....errors import BadSetting, NoRule
from ....layers.base import Layer

Array = NDArray[Any]
"""Numbers with the batch as first axis: (n, c, …). float32 and float64 stay what they are."""

Inputs = tuple[Array, ...]
Parameters = Mapping[str, Array]

Twin = Literal["matrix", "loops"]
"""Which of the two ways a convolution or pooling is computed."""


@dataclass
class Context:
    """How one layer is run, and what its forward pass leaves for its backward pass.

    `buffers` are read and never written; what a training pass makes of them stands in `new_buffers`. `generator`
    draws dropout masks and stochastic pooling. `saved` belongs to the layer's own two functions.

    Errors:   BadSetting [twin]
    """

    training: bool = False
    twin: Twin = "matrix"
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    buffers: Mapping[str, Array] = field(default_factory=dict)
    new_buffers: dict[str, Array] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.twin not in get_args(Twin):
            raise BadSetting(
                "Context.twin must be one of {twin}; got twin={twin2!r}; matrix is the fast one, loops "
                "the one to read. [twin]",
                twin=", ".join(get_args(Twin)),
                twin2=self.twin,
            )


class Gradients(NamedTuple):
    """The loss's gradient with respect to each input (None for integers) and each parameter by name."""

    inputs: tuple[Array | None, ...]
    parameters: dict[str, Array] = {}  # noqa: RUF012 - a tuple's default, never written


@singledispatch
def forward(layer: Layer, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    """Compute the layer's output. Inputs and parameters are never written to.

    Shapes:   inputs (n, …) each, as the layer documents them with the batch in front → (n, …)
    Errors:   NoRule [no-forward] for an unsupported layer

    >>> from convscope.layers import ReLU
    >>> forward(ReLU(), (np.array([[-2.5, 1.0]]),), {}, Context())
    array([[0., 1.]])
    """
    raise _no_rule(layer, "forward")


@singledispatch
def backward(
    layer: Layer, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context
) -> Gradients:
    """Compute the gradients of inputs and parameters from that of the output.

    `inputs`, `parameters` and `context` are those of the preceding forward pass.

    Shapes:   grad_output as the output; each gradient as the array it belongs to
    Errors:   NoRule [no-backward] for an unsupported layer
    """
    raise _no_rule(layer, "backward")


def _no_rule(layer: Layer, question: str) -> NoRule:
    return NoRule(
        "the reference engine has no {question} rule for {kind}. Replace it by layers that can "
        "be computed. [no-{question}]",
        question=question,
        kind=layer.kind,
    )
