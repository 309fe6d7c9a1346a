"""Construction of a network whose weights are constants of an ONNX file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from ...layers.base import Layer
from ...layers.facts import facts
from ..graph_builder import GraphBuilder, reshape_layer
from .values import Constant, Flow, with_axis


class Builder(GraphBuilder[Constant]):
    """Graph builder whose layers share parameters if they use the same initializers."""

    def sharing_key(self, parameters: Mapping[str, Constant]) -> Hashable | None:
        keys = tuple([constant.key for constant in parameters.values()])
        return None if None in keys else (*parameters, *keys)

    def add(
        self,
        layer: Layer,
        inputs: Sequence[Flow],
        name: str,
        origin: str | None,
        parameters: Mapping[str, Constant] | None = None,
    ) -> Flow:
        """Append a layer, and return its output, whose batch axis is that of the first input.

        Raises:
            ConvscopeError: Where the layer cannot take its inputs.
        """
        flows = [self.settle(flow) for flow in inputs]
        output = facts(layer, tuple(flow.image for flow in flows)).output_shape
        name = self.append(layer, tuple([flow.layer for flow in flows]), name, origin, parameters or {})
        if not flows:
            return Flow(name, output, None, output, 0)
        first = flows[0]
        if output == first.image:
            return Flow(name, first.shape, first.batch, output, first.dtype)
        size = 1 if first.batch is None else first.shape[first.batch]
        batch = first.batch if first.batch is None else min(first.batch, len(output))
        return Flow(name, with_axis(output, batch, size), batch, output, first.dtype)

    def settle(self, flow: Flow) -> Flow:
        """Return the flow reshaped, if its layer's output has another shape."""
        if flow.matches_layer:
            return flow
        layer = reshape_layer(flow.image)
        facts(layer, (flow.layer_shape,))
        name = self.append(layer, (flow.layer,), f"{flow.layer}.shape", None, {})
        return Flow(name, flow.shape, flow.batch, flow.image, flow.dtype)
