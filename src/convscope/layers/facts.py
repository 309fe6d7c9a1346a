"""Integer facts of a layer on given inputs, cached."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import NamedTuple

from ..errors import BadShape
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
        raise _wrong_arity(layer, len(inputs))
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


def _wrong_arity(layer: Layer, got: int) -> BadShape:
    fewest, most = layer.arity
    values = {"layer": layer.kind, "got": got}
    if most == fewest:
        return BadShape(
            "{layer} needs {count} input(s) (got {got}). Name the layers that it takes as inputs. [arity]",
            count=fewest,
            **values,
        )
    if most is None:
        return BadShape(
            "{layer} needs at least {count} input(s) (got {got}). Name the layers that it takes as inputs. "
            "[arity]",
            count=fewest,
            **values,
        )
    return BadShape(
        "{layer} needs {fewest} to {most} inputs (got {got}). Name the layers that it takes as inputs. [arity]",
        fewest=fewest,
        most=most,
        **values,
    )
