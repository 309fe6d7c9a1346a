"""One recorded call of an operator, as its converter sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import ConvscopeError
from ...layers.base import Layer
from ...layers.connection import Shape
from ...layers.merge import Add, Concat
from ...layers.rearrange import Permute, Reshape, Slice
from ..errors import UnsupportedOperator
from .batch import Batch

if TYPE_CHECKING:
    from torch import Tensor

    from .recorder import Recorder

MOST_FOLDED = 64
"""Images folded into the batch that are taken apart, at most."""


class Call:
    """An operator's arguments and result, and the graph it adds layers to.

    `result` is what PyTorch returned for the meta tensors; its shape is the truth that layers are held against.
    """

    def __init__(self, recorder: Recorder, word: str, result: Any, given: Sequence[Tensor]) -> None:
        self.recorder = recorder
        self.batch: Batch = recorder.batch
        self.word = word
        self.result = result
        self.given = list(given)
        self._name: str | None = None

    @property
    def shape(self) -> Shape:
        """Return the shape of the (first) result, batch included."""
        first = self.result if not isinstance(self.result, list | tuple) else self.result[0]
        return tuple(first.shape)

    @property
    def free(self) -> Shape:
        """Return the shape of the (first) result for one image."""
        return self.batch.free(self.shape)

    @property
    def name(self) -> str:
        """Return the operator's name, made when first asked for."""
        if self._name is None:
            self._name = self.recorder.names.of_operator(self.word, self.given)
        return self._name

    def node(self, tensor: Tensor) -> str:
        """Return the layer that a tensor is the output of; arrays of the network become layers."""
        return self.recorder.node(tensor)

    def operands(self, *tensors: Tensor) -> list[str]:
        """Return the layers of tensors that are combined element by element, their batch axes in one place.

        Errors:   UnsupportedOperator where the images of one meet other indices of another
        """
        shape = self.shape
        batch = self.batch.axis(shape)
        nodes = []
        for tensor in tensors:
            offset = len(shape) - tensor.dim()
            own = self.batch.axis(tensor.shape)
            if own is not None and own + offset != batch:
                raise UnsupportedOperator("images are mixed")
            unfolded = batch is not None and self.batch.folded(shape) == 1 and batch >= offset
            if own is None and unfolded and batch is not None:
                one_image = [n for axis, n in enumerate(tensor.shape) if axis + offset != batch]
                nodes.append(self.recorder.array(tensor, tuple(one_image) or (1,)))
            else:
                nodes.append(self.node(tensor))
        return nodes

    def each(self, tensor: Tensor, apply: Callable[[str], str]) -> str:
        """Apply a layer of images; images folded into the batch go through it one after another.

        Errors:   UnsupportedOperator where the batch is not the first axis, or more than MOST_FOLDED share it
        """
        node, folded = self._images(tensor)
        if not folded:
            return apply(node)
        if folded > MOST_FOLDED:
            raise UnsupportedOperator("too many images in one")
        parts = []
        for index in range(folded):
            cut = self.step(Slice(0, index, index + 1), node) if folded > 1 else node
            one = apply(self.step(Reshape(self.shape_of(node)[1:]), cut))
            parts.append(self.step(Reshape((1, *self.shape_of(one))), one))
        return parts[0] if folded == 1 else self._add(f"{self.name}.concat", Concat(), parts, {}, {})

    def channelwise(self, tensor: Tensor, apply: Callable[[str], str]) -> str:
        """Apply a layer that takes each channel alone: those of images folded into the batch stand side by side.

        Errors:   UnsupportedOperator where the batch is not the first axis
        """
        node, folded = self._images(tensor)
        if not folded:
            return apply(node)
        _, channels, *sizes = self.shape_of(node)
        one = apply(self.step(Reshape((folded * channels, *sizes)), node))
        return self.step(Reshape((folded, channels, *self.shape_of(one)[1:])), one)

    def lifted(self, tensor: Tensor, apply: Callable[[str, int], str]) -> str:
        """Apply a layer of images; those folded into the batch are one more axis, along which its window is 1.

        `apply` is told how many axes stand before those of an image, 0 or 1. Images of three axes, which have
        no room for another, go through it one after another.

        Errors:   UnsupportedOperator where the batch is not the first axis
        """
        node, folded = self._images(tensor)
        rank = tensor.dim() - 2
        if not folded or folded == 1 or rank == 3:
            return self.each(tensor, lambda one: apply(one, 0))
        order = (1, 0, *range(2, rank + 2))
        return self.step(Permute(order), apply(self.step(Permute(order), node), 1))

    def _images(self, tensor: Tensor) -> tuple[str, int]:
        """Return the layer of images, and how many its first axis holds; 0 where that is no axis of its own."""
        axis = self.batch.axis(tensor.shape)
        if axis not in (0, None) or tensor.dim() < 2:
            raise UnsupportedOperator("no batch of images")
        alone = axis == 0 and self.batch.folded(tensor.shape) == 1
        return self.node(tensor), 0 if alone else self.batch.one(tensor.shape[0])

    def number(self, value: Any) -> float | None:
        """Return a number that is the same for all images and not learned; None for anything else."""
        if isinstance(value, bool | int | float):
            return float(value)
        if isinstance(value, complex) or self.recorder.is_value(value) or self.recorder.own.is_learned(value):
            return None
        return float(value) if value.numel() == 1 and not value.is_meta else None

    def shape_of(self, node: str) -> Shape:
        """Return a layer's output shape."""
        return self.recorder.builder.shapes[node]

    def step(
        self,
        layer: Layer,
        *inputs: str,
        buffers: Mapping[str, Tensor] | None = None,
        frozen: Sequence[str] = (),
    ) -> str:
        """Add a layer on the way to the result; `frozen` are buffers that training leaves as they are."""
        return self._add(f"{self.name}.{layer.keyword}", layer, inputs, {}, buffers or {}, frozen)

    def last(
        self,
        layer: Layer,
        *inputs: str,
        parameters: Mapping[str, Tensor] | None = None,
        buffers: Mapping[str, Tensor] | None = None,
    ) -> str:
        """Add the layer that gives the result."""
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
        builder = self.recorder.builder
        try:
            if "bias" in parameters and self._has_bias_of_its_own(layer, parameters):
                return self._with_bias_apart(name, layer, inputs, parameters, buffers)
            frozen = [*frozen, *(kind for kind, one in parameters.items() if self.recorder.own.is_frozen(one))]
            return builder.add(name, layer, inputs, parameters, buffers, self.recorder.origin, frozen)
        except ConvscopeError as error:
            raise UnsupportedOperator(str(error)) from error

    def _has_bias_of_its_own(self, layer: Layer, parameters: Mapping[str, Tensor]) -> bool:
        """Tell whether the weight is shared and the bias is not, or the bias is made from several arrays."""
        if self.recorder.builder.shares_part(parameters):
            return True
        return not self.recorder.own.is_parameter(parameters["bias"]) and hasattr(layer, "bias")

    def _with_bias_apart(
        self,
        name: str,
        layer: Layer,
        inputs: Sequence[str],
        parameters: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
    ) -> str:
        """Add a layer and its bias as two."""
        settings = {setting: getattr(layer, setting) for setting, _ in layer.forms()}
        if "bias" not in settings:
            raise UnsupportedOperator("a part of the parameters is shared")
        settings["bias"] = False
        weights = {kind: tensor for kind, tensor in parameters.items() if kind != "bias"}
        plain = self._add(f"{name}.weight", type(layer)(**settings), inputs, weights, buffers)
        spatial = len(self.shape_of(plain)) - 1 if len(weights["weight"].shape) > 2 else 0
        bias = self.recorder.array(parameters["bias"])
        if spatial:
            shape = (*self.shape_of(bias), *(1,) * spatial)
            bias = self._add(f"{name}.bias.reshape", Reshape(shape), (bias,), {}, {})
        return self._add(name, Add(), (plain, bias), {}, {})
