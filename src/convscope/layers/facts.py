"""Integer facts of a layer on given inputs, cached."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from .base import Layer, ParamShapes
from .connection import POINTWISE, Connection, Shape
from .operations import Operations, Status


class Facts(NamedTuple):
    """Facts of a layer on inputs of given shapes, whatever its weights.

    `connections` is None for the most common case, an element-wise layer with one input.
    """

    kind: str
    output_shape: Shape
    elements: int
    params: int
    param_shapes: ParamShapes
    buffer_shapes: ParamShapes
    operations: Operations
    status: Status
    connections: tuple[Connection, ...] | None
    training_bytes: int
    keeps_input: bool
    keeps_output: bool
    view: bool


@lru_cache(maxsize=1 << 16)
def facts(layer: Layer, inputs: tuple[Shape, ...]) -> Facts:
    """Return all facts of a layer. Equal layers share one result.

    Errors:   BadShape when the layer cannot take the inputs
    """
    fewest, most = layer.arity
    if len(inputs) < fewest or (most is not None and len(inputs) > most):
        wanted = str(fewest) if most == fewest else f"{fewest} or more" if most is None else f"{fewest} to {most}"
        raise layer.refuse(
            "inputs",
            f"have {wanted} {'entry' if wanted == '1' else 'entries'}",
            str(len(inputs)),
            "name the layers that it takes as inputs",
            "arity",
        )
    shape = layer.output_shape(*inputs)
    params = layer.param_shapes(*inputs)
    connections = layer.connections(*inputs)
    return Facts(
        kind=layer.kind,
        output_shape=shape,
        elements=prod(shape),
        params=sum(map(prod, params.values())),
        param_shapes=params,
        buffer_shapes=layer.buffer_shapes(*inputs),
        operations=layer.operations(*inputs),
        status=layer.status,
        connections=None if connections == POINTWISE else connections,
        training_bytes=layer.training_bytes(*inputs),
        keeps_input="input" in layer.retains,
        keeps_output="output" in layer.retains,
        view=layer.view,
    )
