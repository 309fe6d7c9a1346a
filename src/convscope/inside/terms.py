"""The terms behind the value of one unit, and behind its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import BadShape
from ..layers.base import show_shape
from ..network import Node
from .arithmetic import Arithmetic, Form, Index, Operand, arithmetic
from .readers import Reader, readers_of
from .targets import Target, check_unit, node_named
from .trace import Trace, trace

if TYPE_CHECKING:
    from ..model import Model


@dataclass(frozen=True, slots=True)
class Term:
    """One input of a unit, its weight, and their product."""

    source: str
    index: Index
    input: float
    weight: float
    product: float


@dataclass(frozen=True)
class UnitTerms:
    """How the value of one unit follows from its inputs, and its gradient from the units that read it.

    `value` is what the engine computed, `sum` the same in float64 from the engine's inputs: Σ terms + bias for
    the forms "sum" and "winner". `facts` has intermediate results by name. `gradient`, `readers` and `remainder`
    are there with a target: `gradient` = Σ products of the readers + remainder, where the remainder is of readers
    that are not listed because there are too many.
    """

    layer: str
    kind: str
    at: Index
    form: Form
    value: float
    arithmetic: Arithmetic = field(repr=False)
    source_names: tuple[str, ...]
    gradient: float | None = None
    readers: tuple[Reader, ...] = field(default=(), repr=False)
    remainder: float = 0.0

    @property
    def sum(self) -> float:
        """Return the value in float64."""
        return self.arithmetic.total

    @property
    def bias(self) -> float:
        """Return what is added to the terms."""
        return self.arithmetic.bias

    @property
    def padding(self) -> int:
        """Return how many positions of the window are zero padding."""
        return self.arithmetic.padding

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return intermediate results by name, such as the mean of a normalization."""
        return self.arithmetic.facts

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Return the terms, in the order of the input's elements."""
        own = self.arithmetic
        columns = (own.inputs.tolist(), own.weights.tolist(), own.products.tolist())
        names = [self.source_names[source] for source in own.sources]
        return tuple(Term(*row) for row in zip(names, own.indices, *columns, strict=True))

    @cached_property
    def by_channel(self) -> dict[int, float]:
        """Return the sum of the products of each input channel."""
        channels = np.array([index[0] for index in self.arithmetic.indices], np.int64)
        products = self.arithmetic.products
        return {int(one): float(products[channels == one].sum()) for one in np.unique(channels)}

    @property
    def weight_gradients(self) -> Iterator[tuple[Term, float]]:
        """Yield each term with what this unit adds to the gradient of its weight: gradient × input."""
        if self.gradient is not None:
            for term in self.terms:
                yield term, self.gradient * term.input

    def to_dict(self) -> dict[str, Any]:
        """Return the terms as JSON values."""
        return {
            "layer": self.layer,
            "kind": self.kind,
            "at": list(self.at),
            "form": self.form,
            "value": self.value,
            "sum": self.sum,
            "bias": self.bias,
            "padding": self.padding,
            "terms": [{**asdict(term), "index": list(term.index)} for term in self.terms],
            "facts": {
                name: fact.tolist() if isinstance(fact, np.ndarray) else fact for name, fact in self.facts.items()
            },
            "gradient": self.gradient,
            "readers": [{**reader._asdict(), "at": list(reader.at)} for reader in self.readers],
            "remainder": self.remainder,
        }


def unit_terms(
    model: Model, image: Array, layer: str, at: Sequence[int], target: Target | None = None
) -> UnitTerms:
    """Return the arithmetic behind one unit of a layer, for one image.

    Args:
        image: One image (c, h, w), or a batch of one.
        layer: Name of the layer.
        at: The unit's index in the layer's output: (channel, row, column), or (feature,).
        target: As in `trace`. Adds the gradient of the target with respect to the unit, and the units that read
            it.

    Raises:
        UnknownLayer: [layer-name]
        BadUnit: [unit-range], [target-class]
        BadShape: [one-image]
        BadData: If the image does not fit the network.
    """
    node = node_named(model, layer)
    index = check_unit(node, at)
    consumers = model.network.consumers(layer) if target is not None else ()
    names = {layer, *node.inputs, *(one.name for one in consumers), *(i for one in consumers for i in one.inputs)}
    return terms_in(model, trace(model, one_image(model, image), target, sorted(names)), layer, index)


def terms_in(model: Model, found: Trace, layer: str, at: Index) -> UnitTerms:
    """Return the arithmetic behind one unit from a trace, of its first image.

    The trace must have the layer and its inputs. If it has gradients, it must also have the layers that read this
    one, and their inputs.
    """
    node = node_named(model, layer)
    operand = operand_of(model, node, found)
    own = (
        arithmetic(node.layer, operand, at)
        if node.inputs
        else Arithmetic("inputs", result=float(found[layer].value[(0, *at)]))
    )
    value = float(found[layer].value[(0, *at)])
    common = (layer, node.kind, at, own.form, value, own, node.inputs)
    gradients = found[layer].gradient
    if gradients is None:
        return UnitTerms(*common)
    gradient = float(gradients[(0, *at)])
    readers: list[Reader] = []
    for consumer in model.network.consumers(layer):
        readers += readers_of(model.network, consumer, operand_of(model, consumer, found), found, layer, at)
    remainder = gradient - sum(reader.product for reader in readers)
    return UnitTerms(*common, gradient, tuple(readers), remainder)


def one_image(model: Model, image: Array) -> Array:
    """Return one image as a batch.

    Raises:
        BadShape: [one-image]
    """
    x = np.asarray(image)
    if x.shape == model.network.input_shape:
        return x[None]
    if x.shape == (1, *model.network.input_shape):
        return x
    raise BadShape(
        "the image must be {expected} (got {got}). Resize it, or use network.with_input. [one-image]",
        expected=show_shape(model.network.input_shape),
        got=show_shape(x.shape),
    )


def operand_of(model: Model, node: Node, found: Trace) -> Operand:
    """Return a layer with its inputs for the first image, and its own arrays, in float64."""
    inputs = tuple(found[name].value[0].astype(np.float64) for name in node.inputs)
    arrays = {
        kind: {
            name: np.asarray(store[f"{node.parameters_of}.{name}"], np.float64)
            for name in shapes
            if f"{node.parameters_of}.{name}" in store
        }
        for kind, store, shapes in (
            ("parameters", model.parameters, node.facts.param_shapes),
            ("buffers", model.buffers, node.facts.buffer_shapes),
        )
    }
    return Operand(node.layer, inputs, arrays["parameters"], arrays["buffers"])
