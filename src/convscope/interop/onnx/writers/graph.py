"""The nodes and tensors of the graph that is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..values import Array


class Graph:
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
