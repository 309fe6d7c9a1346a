"""The ONNX graph under construction, and the writer of one layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch
from typing import Any

import numpy as np

from ....errors import NoRule
from ....layers.base import Layer
from ....layers.connection import Shape
from ....network import Node
from ..values import Array

END = 2**63 - 1
"""The end of a slice up to the end of an axis, as ONNX recommends."""


class OnnxGraph:
    """Nodes in order, and initializers by name.

    A model's arrays are stored when a layer uses them.

    `integer_inputs` names the inputs of type int64.
    """

    def __init__(self, arrays: Mapping[str, Array], integer_inputs: frozenset[str] = frozenset()) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.integer_inputs = integer_inputs
        self._arrays = arrays
        self._stored: set[str] = set()

    def add(self, operator: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Any) -> str:
        """Append a node with one output, which also is the node's default name."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name or output, **attributes))
        return output

    def tensor(self, name: str, array: Array) -> str:
        """Store a tensor once under a name; float64 becomes float32."""
        from onnx import numpy_helper

        if name not in self._stored:
            self._stored.add(name)
            array = array.astype(np.float32) if array.dtype == np.float64 else array
            self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def parameter(self, name: str, change: Callable[[Array], Array] | None = None, suffix: str = "") -> str:
        """Store one of the model's arrays, or a function of it under the name with a suffix."""
        array = self._arrays[name]
        if change is None:
            return self.tensor(name, array)
        return self.tensor(f"{name}.{suffix}", change(array))

    def fixed(self, name: str, change: Callable[[Array], Array], suffix: str) -> str:
        """Store a function of an array that is not learned, as a Constant node: initializers count as weights."""
        from onnx import numpy_helper

        output = f"{name}.{suffix}"
        if output not in self._stored:
            self._stored.add(output)
            array = np.asarray(change(self._arrays[name]), np.float32, order="C")
            self.add("Constant", [], output, value=numpy_helper.from_array(array))
        return output

    def array(self, name: str) -> Array:
        """Return one of the model's arrays."""
        return self._arrays[name]


class LayerWriter:
    """Writes the nodes of one layer to a graph.

    Nodes and values are named after the layer. Its output has the layer's name, others have a suffix.
    """

    def __init__(self, node: Node, graph: OnnxGraph) -> None:
        self.node = node
        self.graph = graph

    @property
    def name(self) -> str:
        """The layer's name, and its output's."""
        return self.node.name

    @property
    def x(self) -> str:
        """The name of the first input."""
        return self.node.inputs[0]

    @property
    def shape(self) -> Shape:
        """The shape of the first input without the batch."""
        return self.node.input_shapes[0]

    def add(self, operator: str, inputs: Sequence[str], part: str = "", name: str = "", **attributes: Any) -> str:
        """Append a node. Without a part, its output is the layer's."""
        output = f"{self.name}/{part}" if part else self.name
        return self.graph.add(operator, inputs, output, name, **attributes)

    def integers(self, part: str, values: Sequence[int]) -> str:
        """Store integers that an operator takes as an input."""
        return self.graph.tensor(f"{self.name}/{part}", np.array(values, np.int64))

    def scalar(self, part: str, value: float) -> str:
        """Store a scalar."""
        return self.graph.tensor(f"{self.name}/{part}", np.array(value, np.float32))

    def tensor(self, part: str, array: Array) -> str:
        """Store an array."""
        return self.graph.tensor(f"{self.name}/{part}", array)

    def parameter(self, part: str, change: Callable[[Array], Array] | None = None, suffix: str = "") -> str:
        """Store one of the layer's arrays; shared ones have their owner's name."""
        return self.graph.parameter(f"{self.node.parameters_of}.{part}", change, suffix)

    def fixed(self, part: str, change: Callable[[Array], Array], suffix: str) -> str:
        """Store one of the layer's arrays that is not learned."""
        return self.graph.fixed(f"{self.node.parameters_of}.{part}", change, suffix)

    def array(self, part: str) -> Array:
        """Return one of the layer's arrays."""
        return self.graph.array(f"{self.node.parameters_of}.{part}")

    def reshape(self, x: str, shape: Sequence[int], part: str = "", name: str = "") -> str:
        """Append a Reshape; the batch is inferred."""
        return self.add("Reshape", [x, self.integers(f"{part or 'new'}.shape", (-1, *shape))], part, name)

    def transpose(self, x: str, order: Sequence[int], part: str = "", name: str = "") -> str:
        """Append a Transpose of the axes other than the batch."""
        return self.add("Transpose", [x], part, name, perm=[0, *(axis + 1 for axis in order)])

    def transpose_all(self, x: str, order: Sequence[int], part: str = "") -> str:
        """Append a Transpose of all axes, the batch included."""
        return self.add("Transpose", [x], part, perm=list(order))

    def slice(self, x: str, axis: int, start: int, stop: int, step: int = 1, part: str = "") -> str:
        """Append a Slice of one axis, not counting the batch."""
        bounds = (("start", start), ("stop", stop), ("axis", axis + 1), ("step", step))
        label = part or "cut"
        return self.add("Slice", [x, *(self.integers(f"{label}.{word}", [value]) for word, value in bounds)], part)


@singledispatch
def write(layer: Layer, writer: LayerWriter) -> None:
    """Append the nodes that compute a layer.

    Errors:   NoRule [no-onnx] for a layer that cannot be expressed in ONNX operators
    """
    raise NoRule(
        "{kind} cannot be expressed in ONNX operators (layer {name!r}). Save the model with "
        "Model.save instead. [no-onnx]",
        kind=layer.kind,
        name=writer.name,
    )


def write_node(node: Node, graph: OnnxGraph) -> None:
    """Append one layer of the network."""
    write(node.layer, LayerWriter(node, graph))
