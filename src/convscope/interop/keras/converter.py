"""Conversion of a model's graph: every call becomes layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

from ...errors import BadShape, ConvscopeError
from ...text.language import Message
from ..errors import UnsupportedOperator, first_line
from .call import Call, KerasGraphBuilder, converter_of, is_learned
from .graph import Graph, inner_graph, trace
from .shapes import InputSizes
from .symbolic import SymbolicTensor, keras_order
from .weights import ParameterLayer, RearrangedWeight, rearrange

Value = SymbolicTensor | RearrangedWeight
"""What stands for one of Keras' symbolic tensors: the output of a layer, or a weight."""


class ModelConverter:
    """The conversion of one model.

    `data_format` is the model's. `sizes` compares the input sizes with those that Keras recorded shapes for.
    `batch` is the batch size that calls are traced with. `values` maps the identities of Keras' symbolic tensors
    in the outermost graph to what stands for them.
    """

    def __init__(self, data_format: str, sizes: InputSizes, batch: int) -> None:
        self.builder = KerasGraphBuilder()
        self.data_format = data_format
        self.sizes = sizes
        self.batch = batch
        self.values: dict[int, Value] = {}
        self._parameter_layers: dict[int, tuple[Any, ParameterLayer]] = {}

    def run(self, graph: Graph, inputs: Sequence[Value], prefix: str = "") -> list[Value]:
        """Convert a graph called with these inputs, and return its outputs."""
        values: dict[int, Value] = {id(tensor): value for tensor, value in zip(graph.inputs, inputs, strict=True)}
        for node in graph.nodes:
            args, kwargs = node.arguments.fill_in(values)
            weight = rearrange(node.operation, args, tuple(node.outputs[0].shape)) if graph.traced else None
            if weight is not None:
                values[id(node.outputs[0])] = weight
                continue
            name = prefix + (node.operation.name if _is_named(node.operation, graph) else _word(node.operation))
            declared = None if self.sizes is InputSizes.OTHER and not graph.traced else node.outputs
            outputs: Sequence[Value]
            if graph.traced and _always_trains(node.operation, kwargs):
                outputs = self._opaque(node.operation, name, args, kwargs, declared)
            else:
                outputs = self.convert_call(node.operation, name, args, kwargs, declared)
            for tensor, value in zip(node.outputs, outputs, strict=True):
                values[id(tensor)] = value
        if not prefix:
            self.values = values
        return [values[id(tensor)] for tensor in graph.outputs]

    def convert_call(
        self,
        operation: Any,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        declared: Sequence[Any] | None = None,
    ) -> Sequence[Value]:
        """Convert one call. `declared` are the outputs that Keras recorded for it.

        Raises:
            BadShape: [keras-shape] where the input's shape does not fit.
        """
        inner = inner_graph(operation)
        inputs = None if inner is None else _inputs_of(inner, args, kwargs)
        if inner is not None and inputs is not None:
            return self.run(inner, inputs, f"{name}/")
        before = len(self.builder.entries)
        try:
            outputs = _convert(Call(operation, name, args, kwargs, self))
            _check_shapes(outputs, declared)
            return outputs
        except (UnsupportedOperator, ConvscopeError) as error:
            images = any(isinstance(one, SymbolicTensor) and one.batched for one in _values_in((args, kwargs)))
            if isinstance(error, BadShape) and images and self.sizes is not InputSizes.SAME:
                raise type(error)("Layer {name!r}: {error}", name=name, error=error) from None
            self.builder.rollback(before)
        traced = self.trace_call(operation, name, args, kwargs)
        return traced or self._opaque(operation, name, args, kwargs, declared)

    def trace_call(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> list[Value] | None:
        """Convert what the code of a user's layer or function calls; return None where it cannot be traced."""
        function = _user_code(operation)
        if function is None:
            return None
        before = len(self.builder.entries)
        values = _values_in((args, kwargs))
        symbols = {id(one): self._symbol(one) for one in values}
        try:
            symbolic = _with_symbols((list(args), dict(kwargs)), symbols)
            graph = trace(function, *symbolic)
        except ConvscopeError:
            raise
        except Exception:  # the user's code may raise anything, and is unsupported then
            self.builder.rollback(before)
            return None
        by_symbol = {id(symbols[id(one)]): one for one in values}
        outputs = self.run(graph, [by_symbol[id(tensor)] for tensor in graph.inputs], f"{name}/")
        if self.lacks_any(getattr(operation, "trainable_weights", ())):
            self.builder.rollback(before)
            return None
        return outputs

    def as_layers(self, values: Sequence[Value]) -> list[SymbolicTensor]:
        """Return the outputs of a model as tensors; a weight that is an output becomes a layer."""
        import keras

        call = Call(keras.layers.Identity(), "output", [], {}, self)
        return [one if isinstance(one, SymbolicTensor) else call.array_tensor(one) for one in values]

    def lacks_any(self, variables: Iterable[Any]) -> bool:
        """Return whether one of these variables belongs to no layer, since tracing did not see its use."""
        missing = {id(variable) for variable in variables}
        if missing:
            owned = self.builder.parameters.values()
            missing -= {id(source) for group in owned for one in group.values() for source in one.sources}
        return bool(missing)

    def parameter_layer(self, variable: Any) -> ParameterLayer | None:
        """Return the Parameter layer that an array has already."""
        known = self._parameter_layers.get(id(variable))
        return known[1] if known is not None and known[1].tensor.layer in self.builder else None

    def remember_parameter_layer(self, variable: Any, layer: ParameterLayer) -> None:
        """Remember the Parameter layer of an array."""
        self._parameter_layers[id(variable)] = (variable, layer)

    def _symbol(self, value: Value) -> Any:
        import keras

        batched = isinstance(value, SymbolicTensor) and value.batched
        return keras.Input(batch_shape=(*([self.batch] if batched else []), *value.shape), name="input")

    def _opaque(
        self,
        operation: Any,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        declared: Sequence[Any] | None,
    ) -> list[Value]:
        """Add an Opaque layer with the output shapes that Keras infers; its weights are counted."""
        values = _values_in((args, kwargs))
        outputs = declared
        if outputs is None or any(None in tensor.shape[1:] for tensor in outputs):
            outputs = self._infer_outputs(operation, name, args, kwargs, values)
        call = Call(operation, name, args, kwargs, self)
        tensors = [one for one in values if isinstance(one, SymbolicTensor)]
        inputs = [one.layer for one in tensors] or [self.builder.entries[0].name]
        inputs += [call.array_tensor(one).layer for one in self._weights_of(operation, (args, kwargs))]
        images = any(one.batched for one in tensors)
        results: list[Value] = []
        for tensor in outputs:
            batched = images or tuple(tensor.shape[:1]) == (self.batch,)
            shape = tuple(max(int(size), 1) for size in tensor.shape[batched:]) or (1,)
            added = self.builder.add_opaque(name, type(operation).__name__, shape, inputs, name)
            results.append(SymbolicTensor(added, shape, keras_order(len(shape)), batched))
        return results

    def _weights_of(self, operation: Any, arguments: Any) -> list[Any]:
        """Return the weights that a call uses and that belong to no layer yet, once each."""
        found = [one for one in _weights_in(arguments) if not isinstance(one, RearrangedWeight)]
        found += [one.variable for one in _weights_in(arguments) if isinstance(one, RearrangedWeight)]
        found += getattr(operation, "trainable_weights", ())
        return [one for one in {id(one): one for one in found}.values() if self.lacks_any([one])]

    def _infer_outputs(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], values: Sequence[Value]
    ) -> list[Any]:
        """Return a call's outputs as Keras infers them.

        Raises:
            BadShape: [keras-shape] where it refuses these inputs, or leaves a size open.
        """
        from keras import tree

        symbols = {id(one): self._symbol(one) for one in values}
        symbolic_args, symbolic_kwargs = _with_symbols((list(args), dict(kwargs)), symbols)
        try:
            outputs = tree.flatten(operation.compute_output_spec(*symbolic_args, **symbolic_kwargs))
        except Exception as error:  # layers may raise anything
            raise _misfit(name, first_line(error)) from error
        if any(None in tensor.shape[1:] for tensor in outputs):
            raise _misfit(name, Message("an output size that depends on the input's values"))
        return list(outputs)


def _is_named(operation: Any, graph: Graph) -> bool:
    """Return whether a call's name is stable; Keras numbers functions in a traced call each time it is traced."""
    import keras

    return not graph.traced or isinstance(operation, keras.layers.Layer)


def _always_trains(operation: Any, kwargs: Mapping[str, Any]) -> bool:
    """Return whether the user's code calls a layer with training=True."""
    training = signature(operation.call).parameters.get("training")
    return bool(kwargs.get("training")) and training is not None and training.default is not True


def _word(operation: Any) -> str:
    from keras.src.utils.naming import to_snake_case

    return str(to_snake_case(type(operation).__name__))


def _convert(call: Call) -> list[SymbolicTensor]:
    converter = converter_of(call.op)
    if converter is None:
        raise UnsupportedOperator("no converter")
    if getattr(call.op, "quantization_mode", None) or getattr(call.op, "lora_enabled", False):
        raise UnsupportedOperator("weights in another form")
    outputs = converter(call)
    return [outputs] if isinstance(outputs, SymbolicTensor) else list(outputs)


def _check_shapes(outputs: Sequence[Value], declared: Sequence[Any] | None) -> None:
    """Compare the outputs' shapes with those that Keras recorded.

    Raises:
        UnsupportedOperator: Where they differ. An Opaque layer is better than a wrong one.
    """
    if declared is None:
        return
    for output, tensor in zip(outputs, declared, strict=True):
        batched = isinstance(output, SymbolicTensor) and output.batched
        recorded = tuple(tensor.shape[1:] if batched else tensor.shape) or (1,) * (not batched)
        sizes = zip(output.shape, recorded, strict=False)
        if len(recorded) != len(output.shape) or any(wanted not in (None, size) for size, wanted in sizes):
            raise UnsupportedOperator("another output shape")


def _user_code(operation: Any) -> Any:
    """Return the code of a user's layer or function; None for one of Keras' own."""
    import keras

    if not isinstance(operation, keras.Operation):
        return operation
    own = type(operation).__module__.startswith(("keras.src.layers.", "keras.src.ops."))
    if isinstance(operation, keras.layers.Lambda):
        return operation.call
    return None if own else operation.call


def _inputs_of(graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[SymbolicTensor] | None:
    """Return the arguments of an inner model in the order of its inputs; None where they are not its inputs.

    They may be passed as a dict by name.
    """
    from keras import tree

    value = args[0] if args else kwargs.get("inputs")
    if isinstance(value, Mapping) and all(tensor.name in value for tensor in graph.inputs):
        value = [value[tensor.name] for tensor in graph.inputs]
    inputs: list[SymbolicTensor] = tree.flatten(value)
    if len(inputs) != len(graph.inputs):
        return None
    return inputs if all(isinstance(one, SymbolicTensor) and one.batched for one in inputs) else None


def _values_in(value: Any) -> list[Value]:
    if isinstance(value, SymbolicTensor | RearrangedWeight):
        return [value]
    return [inner for one in _items(value) for inner in _values_in(one)]


def _weights_in(value: Any) -> list[Any]:
    if isinstance(value, RearrangedWeight) or is_learned(value):
        return [value]
    return [inner for one in _items(value) for inner in _weights_in(one)]


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _with_symbols(value: Any, symbols: Mapping[int, Any]) -> Any:
    if isinstance(value, SymbolicTensor | RearrangedWeight):
        return symbols[id(value)]
    if isinstance(value, Mapping):
        return {key: _with_symbols(one, symbols) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_symbols(one, symbols) for one in value)
    return value


def _misfit(name: str, got: str) -> BadShape:
    return BadShape(
        "Layer {name!r} does not accept the output of the layers before it for this input shape (got {got}). Pass "
        "the shape that the model was built for, channels first. [keras-shape]",
        name=name,
        got=got,
    )
