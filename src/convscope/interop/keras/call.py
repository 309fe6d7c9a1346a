"""Keras' calls as converters see them, and the registry of converters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from ...errors import BadNetwork, BadShape
from ...layers.base import Layer, show_shape, size_of
from ...layers.connection import Shape
from ...layers.facts import Facts, facts
from ...layers.structural import Parameter
from ..errors import UnsupportedOperator
from ..graph_builder import ShapedGraphBuilder, reshape_layer
from ..registry import OperatorRegistry
from .symbolic import (
    Order,
    SymbolicTensor,
    channels_first_order,
    keras_order,
    order_after_reshape,
    to_layer_order,
    transpose_to,
)
from .weights import Array, ParameterLayer, RearrangedWeight, WeightSource, frozen_parameters, read_array

if TYPE_CHECKING:
    from .converter import ModelConverter

Change = Callable[[Array], Array]


def _same(array: Array) -> Array:
    return array


class Call:
    """A layer or function with its arguments, and the methods that add layers for it.

    In `args` and `kwargs`, SymbolicTensors stand for Keras' symbolic tensors.
    """

    def __init__(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], converter: ModelConverter
    ) -> None:
        self.op = operation
        self.name = name
        self.kwargs = {key: value for key, value in kwargs.items() if value is not None}
        first = next(iter(signature(operation.call).parameters), "")
        self.args = args or ((self.kwargs.pop(first),) if first in self.kwargs else ())
        self.converter = converter

    @property
    def data_format(self) -> str:
        """Return the data format of the operation, or else of the model."""
        return str(getattr(self.op, "data_format", None) or self.converter.data_format)

    # Arguments

    def tensor(self, index: int = 0) -> SymbolicTensor:
        """Return a positional argument that depends on the network's input or on weights.

        Raises:
            UnsupportedOperator: Where it depends on neither.
        """
        tensor = self.as_tensor(self.args[index] if index < len(self.args) else None)
        if tensor is None:
            raise UnsupportedOperator("no tensor computed from the input")
        return tensor

    def as_tensor(self, value: Any) -> SymbolicTensor | None:
        """Return a value that depends on the input or on weights as a tensor; None for anything else."""
        if isinstance(value, SymbolicTensor):
            return value
        return self.array_tensor(value) if is_learned(value) else None

    def tensors(self) -> list[SymbolicTensor]:
        """Return the arguments of a layer that takes a list of tensors.

        Raises:
            UnsupportedOperator: Where none of them depends on the input.
        """
        values = self.args[0] if len(self.args) == 1 and isinstance(self.args[0], list | tuple) else self.args
        return self.as_tensors(values)

    def as_tensors(self, values: Sequence[Any]) -> list[SymbolicTensor]:
        """Return the operands of one operation as tensors of which arrays have the axes of an image.

        Raises:
            UnsupportedOperator: Where none of them is computed from the input or from weights.
        """
        if not all(isinstance(one, SymbolicTensor) or hasattr(one, "shape") for one in values):
            raise UnsupportedOperator("an operand that is no tensor")
        images = [one for one in values if isinstance(one, SymbolicTensor) and one.batched]
        if not images and not any(isinstance(one, SymbolicTensor) or is_learned(one) for one in values):
            raise UnsupportedOperator("no tensor computed from the input")
        rank = max(len(one.shape) for one in images or values) or 1
        tensors: list[SymbolicTensor] = []
        for one in [] if images else values:
            per_image = not isinstance(one, SymbolicTensor) and tuple(one.shape[:1]) == (self.converter.batch,)
            if per_image and len(one.shape) == rank:
                images = [self._array_per_image(one)]
                rank -= 1
                break
        for one in values:
            if isinstance(one, SymbolicTensor):
                tensors.append(one if one.batched else self.expand_rank(one, rank, bool(images)))
            elif images:
                tensors.append(self.add_array(one, images[0], "value"))
            else:
                tensors.append(self.expand_rank(self.array_tensor(one), rank, False))
        return tensors

    def array_tensor(self, value: Any) -> SymbolicTensor:
        """Return a weight or constant array as a tensor without a batch axis."""
        shape = tuple(int(size) for size in value.shape) or (1,)
        like = SymbolicTensor(self.converter.builder.entries[0].name, shape, keras_order(len(shape)), False)
        return self.add_array(value, like, "value")

    def _array_per_image(self, rows: Any) -> SymbolicTensor:
        """Return an array computed for a whole batch as a tensor with a batch axis."""
        shape = tuple(int(size) for size in rows.shape[1:]) or (1,)
        like = SymbolicTensor(self.converter.builder.entries[0].name, shape, keras_order(len(shape)))
        return self.add_array(rows, like, "value")

    def expand_rank(self, tensor: SymbolicTensor, rank: int, batched: bool) -> SymbolicTensor:
        """Return a tensor without a batch with leading axes of size 1, as broadcasting adds them.

        Raises:
            UnsupportedOperator: Where it has one row per image.
        """
        shape = tensor.shape
        if batched and len(shape) == rank + 1:
            if shape[0] != 1:
                raise UnsupportedOperator("the batch axis is combined with another axis")
            shape = shape[1:]
        if len(shape) > rank:
            raise UnsupportedOperator("an array with more axes than an image has")
        shape = (1,) * (rank - len(shape)) + shape
        expanded = tensor if shape == tensor.shape else self.reshape(tensor, shape, "value.reshape")
        return replace(expanded, batched=batched)

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """Return an argument passed by position or by name."""
        return self.args[index] if index < len(self.args) else self.kwargs.get(name, default)

    def refuse_other_arguments(self, *names: str) -> None:
        """Refuse keyword arguments other than these: masks, states, …

        Raises:
            UnsupportedOperator: Where there is one.
        """
        others = [name for name, value in self.kwargs.items() if name not in (*names, "training") and value]
        if others:
            raise UnsupportedOperator(f"called with {others[0]}")

    # Layers

    def emit(
        self,
        layer: Layer,
        *inputs: SymbolicTensor,
        part: str = "",
        order: Order | None = None,
        parameters: Mapping[str, WeightSource] | None = None,
        buffers: Mapping[str, WeightSource] | None = None,
        frozen: Sequence[str] = (),
    ) -> SymbolicTensor:
        """Add a layer, and return its output, with the first input's order unless `order` is given.

        The layer that does the main work has Keras' name. Others append the name of their part: `conv1.relu`.
        """
        name = f"{self.name}.{part}" if part else self.name
        builder = self.converter.builder
        layers = [one.layer for one in inputs]
        added = builder.add(name, layer, layers, parameters, buffers, self.name, frozen)
        batched = any(one.batched for one in inputs)
        return SymbolicTensor(added, builder.shapes[added], inputs[0].order if order is None else order, batched)

    def convert_call(self, operation: Any, name: str, tensor: SymbolicTensor) -> SymbolicTensor:
        """Add the layers of another operation, called with one tensor."""
        return self.converter.as_layers(self.converter.convert_call(operation, name, [tensor], {}))[0]

    def transpose(self, tensor: SymbolicTensor, order: Order) -> SymbolicTensor:
        """Return a tensor with its axes in this order."""
        return transpose_to(self.converter.builder, tensor, order, self.name, self.name)

    def in_keras_order(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Return a tensor with its axes in Keras' order."""
        return self.transpose(tensor, keras_order(len(tensor.order)))

    def image(self, index: int = 0) -> SymbolicTensor:
        """Return an argument with its channels first."""
        tensor = self.tensor(index)
        return self.transpose(tensor, channels_first_order(len(tensor.order), self.data_format))

    def reshape(self, tensor: SymbolicTensor, shape: Shape, part: str = "") -> SymbolicTensor:
        """Return a tensor reshaped as Keras does: both shapes are in Keras' order."""
        order = order_after_reshape(shape, self.data_format)
        ready = tensor if tensor.is_in_keras_order() else self.in_keras_order(tensor)
        return self.emit(reshape_layer(to_layer_order(shape, order)), ready, part=part, order=order)

    def add_array(
        self, value: Any, like: SymbolicTensor, part: str, shape: Shape | None = None, change: Change = _same
    ) -> SymbolicTensor:
        """Add a Parameter layer for a variable or constant array, unless it has one already.

        The result broadcasts against `like` and has its order. `shape` is the array's shape against `like` in
        Keras' order, by default its own. A trainable array becomes a parameter. `change` computes the layer's
        values from the array's.
        """
        size = tuple(int(size) for size in value.shape) if shape is None else shape
        per_image = like.batched and len(size) == len(like.order) + 1 and size[0] == self.converter.batch
        full = _expanded_shape(size[1:] if per_image else size, len(like.order), like.batched)
        variable, axes = (value.variable, value.axes) if isinstance(value, RearrangedWeight) else (value, None)
        known = self.converter.parameter_layer(variable)
        _refuse_computed(value)
        if known is not None:
            tensor = replace(self._with_axes(variable, known, axes), batched=like.batched)
            if tensor.shape != full:
                tensor = self.reshape(tensor, full, f"{part}.reshape")
            return self.transpose(tensor, like.order)
        learned = is_learned(value)
        layer_shape = to_layer_order(full, like.order)

        def read(array: Array) -> Array:
            array = value.read(array) if isinstance(value, RearrangedWeight) else array
            array = _common_row(array) if per_image else array
            return change(array).reshape(full).transpose(like.order)

        plain = tuple(range(len(layer_shape)))
        is_plain = like.order == plain and layer_shape == tuple(variable.shape)
        form = plain if is_plain and axes is None and change is _same else (layer_shape, like.order, axes)
        source = {"weight" if learned else "value": WeightSource((variable,), read, form)}
        added = self.emit(
            Parameter(layer_shape, learned),
            like,
            part=part,
            parameters=source if learned else None,
            buffers=None if learned else source,
        )
        self.converter.remember_parameter_layer(variable, ParameterLayer(added, axes))
        return added

    def _with_axes(self, variable: Any, known: ParameterLayer, axes: Order | None) -> SymbolicTensor:
        """Return the output of an array's layer with its axes in another order."""
        if known.axes == axes:
            return known.tensor
        shape = tuple(int(size) for size in variable.shape)
        layer_axes = known.axes or keras_order(len(shape))
        tensor = replace(known.tensor, batched=False)
        current = tuple(shape[axis] for axis in layer_axes)
        tensor = tensor if tensor.shape == current else self.reshape(tensor, current, "value.reshape")
        target = axes or keras_order(len(shape))
        return replace(tensor, order=tuple(target.index(layer_axes[axis]) for axis in tensor.order))

    def number(self, value: Any) -> float | None:
        """Return a constant number; None for anything else."""
        if isinstance(value, bool | int | float):
            return float(value)
        if isinstance(value, SymbolicTensor) or getattr(value, "trainable", False) or not hasattr(value, "shape"):
            return None
        _refuse_computed(value)
        try:
            return float(read_array(value).reshape(-1)[0]) if all(size == 1 for size in value.shape) else None
        except BadNetwork:  # an array without values, which the structure does not depend on
            return None


def is_learned(value: Any) -> bool:
    """Return whether a value is a trainable weight."""
    return hasattr(value, "shape") and bool(getattr(value, "trainable", False))


def _expanded_shape(shape: Shape, rank: int, batched: bool) -> Shape:
    """Return an array's shape with leading axes of size 1.

    Raises:
        UnsupportedOperator: Where it has more axes than `rank`.
    """
    if batched and len(shape) == rank + 1 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) > rank:
        raise UnsupportedOperator("an array with more axes than an image has")
    return (1,) * (rank - len(shape)) + shape


def _common_row(array: Array) -> Array:
    """Return the values that all images of a batch have in common.

    Raises:
        BadNetwork: [keras-rows] where they differ.
    """
    if (array != array[:1]).any():
        raise BadNetwork(
            "An array created in a layer's call must have the same values for every image (got rows that differ). "
            "Leave out parameters=True. [keras-rows]"
        )
    row: Array = array[0]
    return row


def _refuse_computed(value: Any) -> None:
    """Refuse a tensor computed from weights before tracing began: they would not be counted.

    Raises:
        UnsupportedOperator: For such a tensor.
    """
    if getattr(value, "requires_grad", False) and not hasattr(value, "trainable"):
        raise UnsupportedOperator("computed from weights")


# The network under construction


class KerasGraphBuilder(ShapedGraphBuilder[WeightSource]):
    """Graph builder whose layers share parameters if they have the same variables."""

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


# Registry of converters

Converter = Callable[["Call"], SymbolicTensor | Sequence[SymbolicTensor]]
"""Adds layers for a call, and returns its outputs."""

_REGISTRY: OperatorRegistry[str, Converter] = OperatorRegistry(f"{__package__}.operators")

converts = _REGISTRY.register
"""Decorator that registers a converter for classes by name: `layers.Conv2D`, or `ops.numpy.Add` for a function."""


def known_names() -> list[str]:
    """Return the names of all classes that have a converter."""
    return sorted(_REGISTRY.load())


@cache
def _converters() -> dict[type, Converter]:
    """Return the converter of each class of the installed Keras; classes that it does not have are left out."""
    found: dict[type, Converter] = {}
    for name, converter in _REGISTRY.load().items():
        home, _, word = name.rpartition(".")
        module = import_module("keras.layers" if home == "layers" else f"keras.src.{home}")
        kind = getattr(module, word, None)
        if kind is not None:
            found[kind] = converter
    return found


def _call_of(kind: type) -> Any:
    return getattr(kind, "call", None)


def converter_of(operation: Any) -> Converter | None:
    """Return the converter of a layer's or operation's class, or of a base class whose `call` it inherits."""
    known = _converters()
    for kind in type(operation).__mro__:
        if kind in known:
            return known[kind] if _call_of(type(operation)) is _call_of(kind) else None
    return None
