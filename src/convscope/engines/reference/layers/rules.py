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
from ....text.lists import listed

Array = NDArray[Any]
"""A batch, (n, c, …), of float32 or float64."""

Inputs = tuple[Array, ...]
Parameters = Mapping[str, Array]

Algorithm = Literal["matrix", "loops"]
"""How a convolution or pooling is computed: as a matrix product, or by explicit loops."""


@dataclass
class Context:
    """Settings of one layer's forward pass, and the state that its backward pass needs.

    `buffers` are read and never written: a training pass stores the updated ones in `new_buffers`. `generator`
    draws dropout masks and stochastic pooling. `saved` is private to the layer's forward and backward rules.

    Errors:   BadSetting [algorithm]
    """

    training: bool = False
    algorithm: Algorithm = "matrix"
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    buffers: Mapping[str, Array] = field(default_factory=dict)
    new_buffers: dict[str, Array] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.algorithm not in get_args(Algorithm):
            raise BadSetting(
                "Context.algorithm must be one of {algorithms} (got algorithm={algorithm!r}). Use matrix for "
                "speed, loops to read along. [algorithm]",
                algorithms=listed(get_args(Algorithm)),
                algorithm=self.algorithm,
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
        "The reference engine has no {question} rule for {kind}. Replace it by layers that can "
        "be computed. [no-{question}]",
        question=question,
        kind=layer.kind,
    )
