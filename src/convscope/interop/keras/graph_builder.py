"""Graph builder whose weights are Keras' variables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from ...errors import BadShape
from ...layers.base import Layer, show_shape, size_of
from ...layers.connection import Shape
from ...layers.facts import Facts, facts
from ..errors import UnsupportedOperator
from ..graph_builder import ShapedGraphBuilder
from .weights import WeightSource, frozen_parameters


class KerasGraphBuilder(ShapedGraphBuilder[WeightSource]):
    """Layers in the order in which they were found; those with the same variables share their parameters."""

    def sharing_key(self, parameters: Mapping[str, WeightSource]) -> Hashable | None:
        return tuple(sorted((name, source.key) for name, source in parameters.items()))

    def add(
        self,
        name: str,
        layer: Layer,
        inputs: Sequence[str],
        parameters: Mapping[str, WeightSource] | None = None,
        buffers: Mapping[str, WeightSource] | None = None,
        origin: str | None = None,
        frozen: Sequence[str] = (),
    ) -> str:
        frozen = (*frozen_parameters(parameters or {}), *frozen)
        return super().add(name, layer, inputs, parameters, buffers, origin, frozen)

    def check_parameters(self, inferred: Facts, parameters: Mapping[str, WeightSource]) -> None:
        """Refuse variables of another size, and those that another layer uses in another form.

        Raises:
            BadShape: [keras-weights]
            UnsupportedOperator: Where parameters would be shared and cannot be.
        """
        shapes = inferred.param_shapes
        for name, source in parameters.items():
            _check_size(f"{inferred.kind}.{name}", source, shapes[name])
        owner = self._owners.get(self.sharing_key(parameters)) if parameters else None
        if owner is None:
            return
        entry = next(one for one in self.entries if one.name == owner)
        theirs = facts(entry.layer, tuple(self.shapes[one] for one in entry.inputs)).param_shapes
        for name, source in parameters.items():
            other = self.parameters[owner][name].form
            if theirs.get(name) != shapes[name] or (None not in (other, source.form) and other != source.form):
                raise UnsupportedOperator("a weight used in two forms")


def _check_size(what: str, source: WeightSource, shape: Shape) -> None:
    """Compare a parameter with the variables that it is made from, without reading them."""
    if source.size != size_of(shape):
        raise BadShape(
            "{parameter} has {size:,} elements in the model (got {shape} for this input shape). Pass the shape "
            "that the model was built for, channels first. [keras-weights]",
            parameter=what,
            size=source.size,
            shape=show_shape(shape),
        )
