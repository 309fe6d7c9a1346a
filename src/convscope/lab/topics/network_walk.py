"""A whole small network, layer by layer, with every number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..engines.reference.layers.graph import parameter_shapes, run
from ..engines.reference.layers.rules import Array
from ..errors import BadShape
from ..layers.base import show_shape
from ..loading import load
from ..network import Network
from ..text.notebook import Preformatted
from .blocks import beside, matrix, numbers, titled

MOST_NUMBERS = 4096
"""A layer of more numbers is beyond what anyone reads."""


@dataclass(frozen=True)
class Walk(Preformatted):
    """A network's forward pass on one image: every layer's output, the parameters that made it."""

    network: Network
    x: Array
    parameters: dict[str, Array]
    values: dict[str, Array]

    @property
    def output(self) -> Array:
        """Return what the network gives."""
        return self.values[self.network.outputs[-1].name]

    def __str__(self) -> str:
        parts = []
        for node in self.network:
            value = self.values[node.name]
            own = {name: self.parameters[f"{node.parameters_of}.{name}"] for name in node.facts.param_shapes}
            head = f"── {node.name} ({node.kind}): {show_shape(value.shape)}"
            shown = [titled(name, _maps(array)) for name, array in own.items()]
            parts.append("\n".join([head, *shown, titled("output", _maps(value)) if shown else _maps(value)]))
        return "\n\n".join(parts)


def _maps(array: Array) -> str:
    """Write maps side by side, a vector or a matrix as it is."""
    if array.ndim <= 2:
        return matrix(array)
    return beside(*(matrix(one) for one in array.reshape(-1, *array.shape[-2:])))


def walk(
    model: Network | str, x: ArrayLike | None = None, parameters: dict[str, Array] | None = None, seed: int = 0
) -> Walk:
    """Run a small network forward on one image and keep every number.

    `model` is a Network, or whatever `convscope.load` reads. Left out, pixels are quarters from 0 to 1 and
    parameters quarters from −1 to 1, drawn by `seed`: short to write, exact in a computer, and nothing learned.

    Shapes:   x (c, h, w) as the network's input
    Errors:   BadShape [lab-network], and those of `reference.run`
    """
    network = load(model)
    largest = max(int(np.prod(node.output_shape)) for node in network)
    if largest > MOST_NUMBERS or len(network.inputs) > 1:
        raise BadShape(
            "The network must have one input and layers of at most {most:,} values (got {count} input(s) and a "
            "layer of {largest:,}). Use a smaller one. [lab-network]",
            most=MOST_NUMBERS,
            count=len(network.inputs),
            largest=largest,
        )
    generator = np.random.default_rng(seed)
    shape = network.inputs[0].output_shape
    image = generator.integers(0, 5, shape) / 4 if x is None else numbers("x", x)
    if parameters is None:
        parameters = {
            name: generator.integers(-4, 5, size) / 4 for name, size in parameter_shapes(network).items()
        }
    passed = run(network, image[None], parameters)
    return Walk(network, image, dict(parameters), {name: value[0] for name, value in passed.values.items()})
