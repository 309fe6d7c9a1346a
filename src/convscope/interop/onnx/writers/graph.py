"""The graph that is written, and one layer of the network in it."""

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


class OnnxGraph:
    """Nodes in order and tensors by name; a model's arrays become tensors when a layer asks for them.

    `whole` names the inputs that are whole numbers.
    """

    def __init__(self, arrays: Mapping[str, Array], whole: frozenset[str] = frozenset()) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.whole = whole
        self._arrays = arrays
        self._known: set[str] = set()

    def add(self, operator: str, inputs: Sequence[str], output: str, name: str = "", **attributes: Any) -> str:
        """Append a node with one output; it has the output's name unless another is given."""
        return self.add_several(operator, inputs, [output], name, **attributes)[0]

    def add_several(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "", **attributes: Any
    ) -> Sequence[str]:
        """Append a node with several outputs."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, name or outputs[0], **attributes))
        return outputs

    def tensor(self, name: str, array: Array) -> str:
        """Store a tensor under a name, once; real numbers are float32."""
        from onnx import numpy_helper

        if name not in self._known:
            self._known.add(name)
            array = array.astype(np.float32) if array.dtype == np.float64 else array
            self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def parameter(self, name: str, change: Callable[[Array], Array] | None = None, word: str = "") -> str:
        """Store one of the model's arrays, or what a function makes of it under the name with a word after it."""
        array = self._arrays[name]
        if change is None:
            return self.tensor(name, array)
        return self.tensor(f"{name}.{word}", change(array))

    def fixed(self, name: str, change: Callable[[Array], Array], word: str) -> str:
        """Store what a function makes of an array that is not learned: a node, since initializers are weights."""
        from onnx import numpy_helper

        output = f"{name}.{word}"
        if output not in self._known:
            self._known.add(output)
            array = np.asarray(change(self._arrays[name]), np.float32, order="C")
            self.add("Constant", [], output, value=numpy_helper.from_array(array))
        return output

    def array(self, name: str) -> Array:
        """Return one of the model's arrays."""
        return self._arrays[name]


END = 2**63 - 1
"""Where a slice stops that goes to the end, as ONNX advises."""


class LayerWriter:
    """A layer's node of the network, and the graph it is written to.

    Nodes are named after the layer: the one that makes its output has its name, the others name their part.
    """

    def __init__(self, node: Node, graph: OnnxGraph) -> None:
        self.node = node
        self.graph = graph

    @property
    def name(self) -> str:
        """Return the layer's name, which is its output's too."""
        return self.node.name

    @property
    def x(self) -> str:
        """Return the first input's name."""
        return self.node.inputs[0]

    @property
    def shape(self) -> Shape:
        """Return the first input's shape, batch left out."""
        return self.node.input_shapes[0]

    def add(self, operator: str, inputs: Sequence[str], part: str = "", name: str = "", **attributes: Any) -> str:
        """Append a node; without a part its output is the layer's."""
        output = f"{self.name}/{part}" if part else self.name
        return self.graph.add(operator, inputs, output, name, **attributes)

    def numbers(self, part: str, values: Sequence[int]) -> str:
        """Store whole numbers that an operator takes as an input."""
        return self.graph.tensor(f"{self.name}/{part}", np.array(values, np.int64))

    def number(self, part: str, value: float) -> str:
        """Store one real number."""
        return self.graph.tensor(f"{self.name}/{part}", np.array(value, np.float32))

    def tensor(self, part: str, array: Array) -> str:
        """Store an array."""
        return self.graph.tensor(f"{self.name}/{part}", array)

    def parameter(self, part: str, change: Callable[[Array], Array] | None = None, word: str = "") -> str:
        """Store one of the layer's arrays, shared ones under their owner's name."""
        return self.graph.parameter(f"{self.node.parameters_of}.{part}", change, word)

    def fixed(self, part: str, change: Callable[[Array], Array], word: str) -> str:
        """Store one of the layer's arrays that is not learned, as a constant that no reader takes for a weight."""
        return self.graph.fixed(f"{self.node.parameters_of}.{part}", change, word)

    def array(self, part: str) -> Array:
        """Return one of the layer's arrays."""
        return self.graph.array(f"{self.node.parameters_of}.{part}")

    def reshape(self, x: str, shape: Sequence[int], part: str = "", name: str = "") -> str:
        """Append a change of shape; the batch is found from the rest."""
        return self.add("Reshape", [x, self.numbers(f"{part or 'new'}.shape", (-1, *shape))], part, name)

    def transpose(self, x: str, order: Sequence[int], part: str = "", name: str = "") -> str:
        """Append a change of order, batch left out."""
        return self.add("Transpose", [x], part, name, perm=[0, *(axis + 1 for axis in order)])

    def transpose_all(self, x: str, order: Sequence[int], part: str = "") -> str:
        """Append a change of order in which the batch is an axis like any other."""
        return self.add("Transpose", [x], part, perm=list(order))

    def cut(self, x: str, axis: int, start: int, stop: int, step: int = 1, part: str = "") -> str:
        """Append a slice of one axis, batch left out."""
        ends = (("start", start), ("stop", stop), ("axis", axis + 1), ("step", step))
        label = part or "cut"
        return self.add("Slice", [x, *(self.numbers(f"{label}.{word}", [value]) for word, value in ends)], part)


@singledispatch
def write(layer: Layer, task: LayerWriter) -> None:
    """Append the nodes that compute a layer.

    Errors:   NoRule [no-onnx] for a layer that ONNX cannot say
    """
    raise NoRule(
        f"{layer.kind} must have an ONNX operator to be written; got none for layer {task.name!r}; "
        "save the model with Model.save instead. [no-onnx]"
    )


def write_node(node: Node, graph: OnnxGraph) -> None:
    """Append one layer of the network."""
    write(node.layer, LayerWriter(node, graph))
