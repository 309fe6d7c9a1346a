"""Run a whole network: every intermediate value and every gradient by layer name."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ....errors import BadShape, UnknownLayer, suggest
from ....layers.base import ParamShapes, show_shape
from ....layers.normalization import BatchNorm
from ....network import Network, Node
from ....parameters import buffer_shapes as buffer_shapes
from ....parameters import parameter_shapes as parameter_shapes
from ....parameters import trained_shapes as trained_shapes
from ....text.language import Message
from ....text.lists import listed, shortened
from .rules import Algorithm, Array, Context, Parameters, backward, forward


class Derivatives(NamedTuple):
    """Gradients of whatever was differentiated: by layer (of its output) and by parameter, "conv1.weight"."""

    values: dict[str, Array]
    parameters: dict[str, Array]


@dataclass(frozen=True)
class Run:
    """One forward pass, with everything its backward pass needs.

    `values` has every layer's output by name, inputs included. `new_buffers` has the running statistics after a
    training pass; the caller's buffers stay as they were.
    """

    network: Network
    parameters: Parameters
    values: dict[str, Array]
    contexts: dict[str, Context] = field(repr=False)
    new_buffers: dict[str, Array] = field(default_factory=dict, repr=False)

    @property
    def output(self) -> Array:
        """Return the (last) output of the network."""
        return self.values[self.network.outputs[-1].name]

    def backward(self, gradient: Array | Mapping[str, Array]) -> Derivatives:
        """Backpropagate the gradient of the output, or of layers by name, to every layer and parameter.

        Where a value is used several times its gradients are summed; shared parameters have theirs summed under
        the owner's name. A layer that the gradient does not reach is not in the result; parameters always are,
        frozen ones never.

        Shapes:   each gradient (n, …) as the value it belongs to
        Errors:   UnknownLayer; BadShape [gradient-shape]
        """
        grads = self._seeds(gradient)
        totals = {name: np.zeros_like(self.parameters[name]) for name in trained_shapes(self.network)}
        for node in reversed(self.network.layers):
            if node.name not in grads:
                continue
            inputs = tuple(self.values[name] for name in node.inputs)
            own = _own(node, node.facts.param_shapes, self.parameters)
            result = backward(node.layer, grads[node.name], inputs, own, self.contexts[node.name])
            for name, grad in zip(node.inputs, result.inputs, strict=True):
                if grad is not None:
                    grads[name] = grads[name] + grad if name in grads else grad
            for name in node.trained:
                totals[f"{node.parameters_of}.{name}"] += result.parameters[name]
        return Derivatives(grads, totals)

    def _seeds(self, gradient: Array | Mapping[str, Array]) -> dict[str, Array]:
        seeds = dict(gradient) if isinstance(gradient, Mapping) else {self.network.outputs[-1].name: gradient}
        for name, grad in seeds.items():
            if name not in self.values:
                raise UnknownLayer(
                    "{network} has no layer {name!r}. {hint} [layer-name]",
                    network=self.network.name,
                    name=name,
                    hint=suggest(name, self.values),
                )
            expected = self.values[name].shape
            if grad.shape != expected:
                raise BadShape(
                    "The gradient of {name!r} must be {expected}, as its value (got {shape}). Reshape it. "
                    "[gradient-shape]",
                    name=name,
                    expected=show_shape(expected),
                    shape=show_shape(grad.shape),
                )
        return seeds


def run(
    network: Network,
    x: Array | Mapping[str, Array],
    parameters: Parameters,
    buffers: Mapping[str, Array] | None = None,
    *,
    training: bool = False,
    algorithm: Algorithm = "matrix",
    generator: np.random.Generator | None = None,
) -> Run:
    """Run a network forward on a batch.

    Shapes:   x (n, …) for the first input, or one array per input by name; parameters and buffers by
              "layer.name", as `parameter_shapes` and `buffer_shapes` list them
    Units:    `generator` draws dropout masks and stochastic pooling; the same seed draws the same
    Errors:   BadShape [input-names], [input-shape], [parameters-missing], [parameters-shape], [buffers-missing],
              [buffers-shape]; NoRule [no-forward]
    """
    buffers = dict(buffers or {})
    values = _inputs(network, x)
    _check(parameter_shapes(network), parameters, "parameters")
    if not training:
        _check(buffer_shapes(network), buffers, "buffers")
    generator = generator if generator is not None else np.random.default_rng(0)
    contexts: dict[str, Context] = {}
    new_buffers: dict[str, Array] = {}
    for node in network.layers:
        # Layers that share statistics update them one after another.
        statistics = ChainMap(new_buffers, buffers)
        moves = training and not keeps_statistics(node)
        context = Context(moves, algorithm, generator, _own(node, node.facts.buffer_shapes, statistics))
        inputs = tuple(values[name] for name in node.inputs)
        own = _own(node, node.facts.param_shapes, parameters)
        values[node.name] = forward(node.layer, inputs, own, context)
        contexts[node.name] = context
        new_buffers.update({f"{node.parameters_of}.{name}": a for name, a in context.new_buffers.items()})
    return Run(network, parameters, values, contexts, new_buffers)


def keeps_statistics(node: Node) -> bool:
    """Return whether a layer uses its running statistics in training too, as frozen ones do."""
    return node.is_frozen and isinstance(node.layer, BatchNorm)


def _own(node: Node, shapes: ParamShapes, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the node's arrays by the names its layer uses."""
    named = ((name, f"{node.parameters_of}.{name}") for name in shapes)
    return {name: arrays[full] for name, full in named if full in arrays}


def _inputs(network: Network, x: Array | Mapping[str, Array]) -> dict[str, Array]:
    given = dict(x) if isinstance(x, Mapping) else {network.inputs[0].name: x}
    wanted = {node.name: node.output_shape for node in network.inputs}
    if set(given) != set(wanted):
        raise BadShape(
            "x must have an array for each of {inputs} (got {names}). Give a dict of arrays by input name. "
            "[input-names]",
            inputs=listed(wanted),
            names=listed(given) or Message("none"),
        )
    for name, array in given.items():
        if array.shape[1:] != wanted[name]:
            raise BadShape(
                "Input {name!r} must be n×{expected} (got {shape}). Reshape it, or use network.with_input. "
                "[input-shape]",
                name=name,
                expected=show_shape(wanted[name]),
                shape=show_shape(array.shape),
            )
    return given


def _check(shapes: ParamShapes, arrays: Mapping[str, Array], what: str) -> None:
    missing = [name for name in shapes if name not in arrays]
    if missing:
        raise BadShape(
            "{what} must contain every array of the network (got none for {names}). Create them in the shapes "
            "of the network. [{what}-missing]",
            what=what,
            names=shortened(missing, 5),
        )
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise BadShape(
                "{what}[{name!r}] must be {expected} (got {shape}). Use arrays of this network. [{what}-shape]",
                what=what,
                name=name,
                expected=show_shape(shape),
                shape=show_shape(arrays[name].shape),
            )
