"""Recorded calls as converters see them, and the registry of converters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors import ConvscopeError
from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.merge import Add, Concat
from ...layers.rearrange import Permute, Reshape, Slice
from ...network import Network
from ..errors import UnsupportedOperator
from ..graph_builder import ShapedGraphBuilder
from ..registry import OperatorRegistry
from .batch import Batch

if TYPE_CHECKING:
    from torch import Tensor

    from .recorder import Recorder

MAX_FOLDED = 64
"""Largest number of elements folded into the batch that are processed one by one."""


class Call:
    """A function's tensors and result, and the methods that add layers for it.

    `result` is PyTorch's result for meta tensors. The layers' shapes are checked against it.
    """

    def __init__(self, recorder: Recorder, word: str, result: Any, inputs: Sequence[Tensor]) -> None:
        self.recorder = recorder
        self.batch: Batch = recorder.batch
        self.word = word
        self.result = result
        self.inputs = list(inputs)
        self._name: str | None = None

    @property
    def shape(self) -> Shape:
        """Return the shape of the (first) result, with the batch."""
        first = self.result if not isinstance(self.result, list | tuple) else self.result[0]
        return tuple(first.shape)

    @property
    def image_shape(self) -> Shape:
        """Return the shape of the (first) result, without the batch."""
        return self.batch.image_shape(self.shape)

    @property
    def name(self) -> str:
        """Return the operator's name, which is assigned at first use."""
        if self._name is None:
            self._name = self.recorder.names.name_operator(self.word, self.inputs)
        return self._name

    def node(self, tensor: Tensor) -> str:
        """Return the layer whose output a tensor is; a layer is added for an array of the module."""
        return self.recorder.node(tensor)

    def operands(self, *tensors: Tensor) -> list[str]:
        """Return the layers of tensors that are combined elementwise, with their batch axes aligned.

        Raises:
            UnsupportedOperator: Where the batch of one meets another axis of another.
        """
        shape = self.shape
        batch = self.batch.axis(shape)
        nodes = []
        for tensor in tensors:
            offset = len(shape) - tensor.dim()
            axis = self.batch.axis(tensor.shape)
            if axis is not None and axis + offset != batch:
                raise UnsupportedOperator("the batch axis is combined with another axis")
            unfolded = batch is not None and self.batch.fold_factor(shape) == 1 and batch >= offset
            if axis is None and unfolded and batch is not None:
                one_image = [n for index, n in enumerate(tensor.shape) if index + offset != batch]
                nodes.append(self.recorder.array(tensor, tuple(one_image) or (1,)))
            else:
                nodes.append(self.node(tensor))
        return nodes

    def map_images(self, tensor: Tensor, apply: Callable[[str], str]) -> str:
        """Apply a layer to each image; images folded into the batch are processed one by one.

        Raises:
            UnsupportedOperator: Where the batch is not the first axis, or more than MAX_FOLDED are folded into it.
        """
        node, folded = self._images(tensor)
        if not folded:
            return apply(node)
        if folded > MAX_FOLDED:
            raise UnsupportedOperator("too many items folded into the batch")
        parts = []
        for index in range(folded):
            row = self.add(Slice(0, index, index + 1), node) if folded > 1 else node
            output = apply(self.add(Reshape(self.shape_of(node)[1:]), row))
            parts.append(self.add(Reshape((1, *self.shape_of(output))), output))
        return parts[0] if folded == 1 else self._add(f"{self.name}.concat", Concat(), parts, {}, {})

    def map_channels(self, tensor: Tensor, apply: Callable[[str], str]) -> str:
        """Apply a layer that treats channels independently; images folded into the batch become channels.

        Raises:
            UnsupportedOperator: Where the batch is not the first axis.
        """
        node, folded = self._images(tensor)
        if not folded:
            return apply(node)
        _, channels, *sizes = self.shape_of(node)
        output = apply(self.add(Reshape((folded * channels, *sizes)), node))
        return self.add(Reshape((folded, channels, *self.shape_of(output)[1:])), output)

    def map_with_extra_axis(self, tensor: Tensor, apply: Callable[[str, int], str]) -> str:
        """Apply a layer to images; those folded into the batch become an axis along which its window is 1.

        `apply` is passed the number of such axes, 0 or 1. Images of three axes, for which there is no layer with
        a fourth, are processed one by one.

        Raises:
            UnsupportedOperator: Where the batch is not the first axis.
        """
        node, folded = self._images(tensor)
        rank = tensor.dim() - 2
        if not folded or folded == 1 or rank == 3:
            return self.map_images(tensor, lambda one: apply(one, 0))
        order = (1, 0, *range(2, rank + 2))
        return self.add(Permute(order), apply(self.add(Permute(order), node), 1))

    def _images(self, tensor: Tensor) -> tuple[str, int]:
        """Return the layer of a batch of images, and the size of the axis folded into the batch; 0 for none."""
        axis = self.batch.axis(tensor.shape)
        if axis not in (0, None) or tensor.dim() < 2:
            raise UnsupportedOperator("not a batch of images")
        unfolded = axis == 0 and self.batch.fold_factor(tensor.shape) == 1
        return self.node(tensor), 0 if unfolded else self.batch.image_size(tensor.shape[0])

    def number(self, value: Any) -> float | None:
        """Return a constant number; None for anything else."""
        if isinstance(value, bool | int | float):
            return float(value)
        if isinstance(value, complex) or self.recorder.depends_on_input(value):
            return None
        if self.recorder.module_arrays.is_learned(value):
            return None
        return float(value) if value.numel() == 1 and not value.is_meta else None

    def shape_of(self, node: str) -> Shape:
        """Return a layer's output shape."""
        return self.recorder.builder.shapes[node]

    def add(
        self,
        layer: Layer,
        *inputs: str,
        buffers: Mapping[str, Tensor] | None = None,
        frozen: Sequence[str] = (),
    ) -> str:
        """Add a layer for an intermediate result; `frozen` are buffers that training does not change."""
        return self._add(f"{self.name}.{layer.keyword}", layer, inputs, {}, buffers or {}, frozen)

    def add_result(
        self,
        layer: Layer,
        *inputs: str,
        parameters: Mapping[str, Tensor] | None = None,
        buffers: Mapping[str, Tensor] | None = None,
    ) -> str:
        """Add the layer that computes the result, and has the operator's name."""
        return self._add(self.name, layer, inputs, parameters or {}, buffers or {})

    def _add(
        self,
        name: str,
        layer: Layer,
        inputs: Sequence[str],
        parameters: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
        frozen: Sequence[str] = (),
    ) -> str:
        is_frozen = self.recorder.module_arrays.is_frozen
        try:
            if "bias" in parameters and self._has_separate_bias(layer, parameters):
                return self._add_with_separate_bias(name, layer, inputs, parameters, buffers)
            frozen = [*frozen, *(kind for kind, one in parameters.items() if is_frozen(one))]
            origin = self.recorder.origin
            return self.recorder.builder.add(name, layer, inputs, parameters, buffers, origin, frozen)
        except ConvscopeError as error:
            raise UnsupportedOperator(str(error)) from error

    def _has_separate_bias(self, layer: Layer, parameters: Mapping[str, Tensor]) -> bool:
        """Return whether the weight is shared and the bias is not, or the bias is computed from parameters."""
        if self.recorder.builder.shares_part(parameters):
            return True
        return not self.recorder.module_arrays.is_parameter(parameters["bias"]) and hasattr(layer, "bias")

    def _add_with_separate_bias(
        self,
        name: str,
        layer: Layer,
        inputs: Sequence[str],
        parameters: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
    ) -> str:
        """Add a layer without its bias, and an Add layer for the bias."""
        settings = {setting: getattr(layer, setting) for setting, _ in layer.forms()}
        if "bias" not in settings:
            raise UnsupportedOperator("parameters that are partly shared")
        settings["bias"] = False
        weights = {kind: tensor for kind, tensor in parameters.items() if kind != "bias"}
        unbiased = self._add(f"{name}.weight", type(layer)(**settings), inputs, weights, buffers)
        spatial = len(self.shape_of(unbiased)) - 1 if len(weights["weight"].shape) > 2 else 0
        bias = self.recorder.array(parameters["bias"])
        if spatial:
            shape = (*self.shape_of(bias), *(1,) * spatial)
            bias = self._add(f"{name}.bias.reshape", Reshape(shape), (bias,), {}, {})
        return self._add(name, Add(), (unbiased, bias), {}, {})


# The network under construction


class TorchGraphBuilder(ShapedGraphBuilder["Tensor"]):
    """Graph builder whose layers share parameters if they have the same tensors."""

    def __init__(self) -> None:
        super().__init__()
        self._parameters: set[int] = set()

    def sharing_key(self, parameters: Mapping[str, Tensor]) -> Hashable | None:
        return tuple(map(id, parameters.values()))

    def share_parameters(self, name: str, parameters: Mapping[str, Tensor]) -> str | None:
        self._parameters.update(map(id, parameters.values()))
        return super().share_parameters(name, parameters)

    def shares_part(self, parameters: Mapping[str, Tensor]) -> bool:
        """Return whether some of these parameters, but not all, belong to another layer."""
        return self.sharing_key(parameters) not in self._owners and not self._parameters.isdisjoint(
            map(id, parameters.values())
        )

    def rollback(self, count: int) -> None:
        super().rollback(count)
        self._parameters = {id(one) for owned in self.parameters.values() for one in owned.values()}

    def build(self, outputs: Iterable[str], name: str) -> Network:
        """Return the network of the layers that outputs depend on; inputs that are not used are left out."""
        return Network(self.select_needed(outputs), name)


# Registry of converters

Converter = Callable[..., Any]
"""Called with the Call and the function's own arguments. Returns the layer of each result, None for unknown."""

_REGISTRY: OperatorRegistry[str, Converter] = OperatorRegistry(f"{__package__}.operators")

converts = _REGISTRY.register
"""Decorator that registers a converter for functions by name.

A plain name stands for the function wherever PyTorch has it: `torch.relu`, `torch.relu_`, `Tensor.relu`,
`Tensor.relu_`, `functional.relu`. A dotted name stands for that function alone.
"""


@cache
def converters() -> dict[Any, Converter]:
    """Return the converter of each function of the installed PyTorch.

    Raises:
        ValueError: Where two names lead to one function.
    """
    import torch

    found: dict[Any, Converter] = {}
    for name, converter in _REGISTRY.load().items():
        for function in _functions(torch, name):
            if found.setdefault(function, converter) is not converter:
                raise ValueError(f"{name} is a function that has another converter")
    return found


def _functions(torch: Any, name: str) -> list[Any]:
    homes = {
        "torch": [torch],
        "Tensor": [torch.Tensor],
        "functional": [torch.nn.functional],
        "special": [torch.special],
        "linalg": [torch.linalg],
    }
    home, _, word = name.rpartition(".")
    words = [word] if home or word.endswith("_") else [word, f"{word}_"]
    namespaces = homes[home] if home else [torch, torch.Tensor, torch.nn.functional, torch.special]
    return [
        getattr(namespace, one)
        for namespace in namespaces
        for one in words
        if callable(getattr(namespace, one, None))
    ]
