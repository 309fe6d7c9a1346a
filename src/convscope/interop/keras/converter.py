"""Go through a model's graph, and make layers of every call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

from ...errors import BadShape, ConvscopeError
from ...layers.structural import Opaque
from .call import Call, is_learned
from .graph import Graph, inner_graph, said
from .graph_builder import Builder
from .rearranged_weights import Laid, Own, rearranged
from .recording import trace
from .registry import converter_of
from .shapes import Sizes
from .symbolic import Flow, Unmapped, plain

Value = Flow | Own
"""What a symbolic tensor stands for: the output of a layer, or a weight as it is."""


class Walk:
    """One model on the way to a network.

    `data_format` is the model's; `sizes` says what Keras knew of the images' when it recorded the shapes;
    `batch` is the number of images that calls are recorded for.
    """

    def __init__(self, data_format: str, sizes: Sizes, batch: int) -> None:
        self.builder = Builder()
        self.data_format = data_format
        self.sizes = sizes
        self.batch = batch
        self.flows: dict[int, Value] = {}
        self._arrays: dict[int, tuple[Any, Laid]] = {}

    def run(self, graph: Graph, given: Sequence[Value], prefix: str = "") -> list[Value]:
        """Make layers of a graph whose inputs are these; return its outputs."""
        values: dict[int, Value] = {id(tensor): flow for tensor, flow in zip(graph.inputs, given, strict=True)}
        for node in graph.nodes:
            args, kwargs = node.arguments.fill_in(values)
            own = rearranged(node.operation, args, tuple(node.outputs[0].shape)) if graph.traced else None
            if own is not None:
                values[id(node.outputs[0])] = own
                continue
            name = prefix + (node.operation.name if _is_named(node.operation, graph) else _word(node.operation))
            declared = None if self.sizes is Sizes.OTHERS and not graph.traced else node.outputs
            outputs: Sequence[Value]
            if graph.traced and _always_trains(node.operation, kwargs):
                outputs = self._opaque(node.operation, name, args, kwargs, declared)
            else:
                outputs = self.called(node.operation, name, args, kwargs, declared)
            for tensor, flow in zip(node.outputs, outputs, strict=True):
                values[id(tensor)] = flow
        if not prefix:
            self.flows = values
        return [values[id(tensor)] for tensor in graph.outputs]

    def called(
        self,
        operation: Any,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        declared: Sequence[Any] | None = None,
    ) -> Sequence[Value]:
        """Make layers of one call; `declared` are the outputs that Keras recorded for it.

        Errors:   BadShape [keras-shape] where the images do not fit
        """
        inner = inner_graph(operation)
        given = None if inner is None else _inputs_of(inner, args, kwargs)
        if inner is not None and given is not None:
            return self.run(inner, given, f"{name}/")
        mark = self.builder.mark()
        try:
            outputs = _converted(Call(operation, name, args, kwargs, self))
            _check(outputs, declared)
            return outputs
        except (Unmapped, ConvscopeError) as error:
            images = any(isinstance(one, Flow) and one.batched for one in _values_in((args, kwargs)))
            if isinstance(error, BadShape) and images and self.sizes is not Sizes.THESE:
                raise type(error)(f"layer {name!r}: {error}") from None
            self.builder.back_to(mark)
        return self.traced(operation, name, args, kwargs) or self._opaque(operation, name, args, kwargs, declared)

    def traced(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> list[Value] | None:
        """Make layers of what the code of a user's layer or function calls; None where it cannot be followed."""
        function = _followed(operation)
        if function is None:
            return None
        mark = self.builder.mark()
        given = _values_in((args, kwargs))
        symbols = {id(one): self._symbol(one) for one in given}
        try:
            symbolic = _with_symbols((list(args), dict(kwargs)), symbols)
            graph = trace(function, *symbolic)
        except ConvscopeError:
            raise
        except Exception:  # a user's own code may raise anything: then nobody knows what it does
            self.builder.back_to(mark)
            return None
        by_symbol = {id(symbols[id(one)]): one for one in given}
        made = self.run(graph, [by_symbol[id(tensor)] for tensor in graph.inputs], f"{name}/")
        if self.misses(getattr(operation, "trainable_weights", ())):
            self.builder.back_to(mark)
            return None
        return made

    def finished(self, values: Sequence[Value]) -> list[Flow]:
        """Return the layers of a model's outputs; one that is a weight as it is becomes a layer now."""
        import keras

        call = Call(keras.layers.Identity(), "output", [], {}, self)
        return [one if isinstance(one, Flow) else call.own_flow(one) for one in values]

    def misses(self, variables: Iterable[Any]) -> bool:
        """Tell whether one of these variables is in no layer: something was computed from it out of sight."""
        missing = {id(variable) for variable in variables}
        if missing:
            missing -= {id(source) for weights in self.builder.weights.values() for source in weights.sources}
        return bool(missing)

    def array_of(self, variable: Any) -> Laid | None:
        """Return the layer that stands for an array already."""
        kept = self._arrays.get(id(variable))
        return kept[1] if kept is not None and kept[1].flow.layer in self.builder.entries else None

    def keep_array(self, variable: Any, laid: Laid) -> None:
        """Remember which layer stands for an array."""
        self._arrays[id(variable)] = (variable, laid)

    def _symbol(self, value: Value) -> Any:
        import keras

        batched = isinstance(value, Flow) and value.batched
        return keras.Input(batch_shape=(*([self.batch] if batched else []), *value.shape), name="input")

    def _opaque(
        self,
        operation: Any,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        declared: Sequence[Any] | None,
    ) -> list[Value]:
        """Add a layer for what nobody knows: the shape of its outputs is Keras', its weights are counted."""
        values = _values_in((args, kwargs))
        outputs = declared
        if outputs is None or any(None in tensor.shape[1:] for tensor in outputs):
            outputs = self._asked(operation, name, args, kwargs, values)
        call = Call(operation, name, args, kwargs, self)
        flows = [one for one in values if isinstance(one, Flow)]
        inputs = [flow.layer for flow in flows] or [next(iter(self.builder.entries))]
        inputs += [call.own_flow(one).layer for one in self._weights_of(operation, (args, kwargs))]
        images = any(flow.batched for flow in flows)
        made: list[Value] = []
        for tensor in outputs:
            batched = images or tuple(tensor.shape[:1]) == (self.batch,)
            shape = tuple(max(int(size), 1) for size in tensor.shape[batched:]) or (1,)
            layer = Opaque(type(operation).__name__, shape)
            added = self.builder.add(name, layer, list(dict.fromkeys(inputs)), origin=name)
            made.append(Flow(added, shape, plain(len(shape)), batched))
        return made

    def _weights_of(self, operation: Any, arguments: Any) -> list[Any]:
        """Return the weights that a call uses, once each, but for those that are in a layer already."""
        found = [one for one in _weights_in(arguments) if not isinstance(one, Own)]
        found += [one.variable for one in _weights_in(arguments) if isinstance(one, Own)]
        found += getattr(operation, "trainable_weights", ())
        return [one for one in {id(one): one for one in found}.values() if self.misses([one])]

    def _asked(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], values: Sequence[Value]
    ) -> list[Any]:
        """Ask Keras for the shapes that a call gives out.

        Errors:   BadShape [keras-shape] where it does not take these images, or does not say
        """
        from keras import tree

        symbols = {id(one): self._symbol(one) for one in values}
        given, named = _with_symbols((list(args), dict(kwargs)), symbols)
        try:
            outputs = tree.flatten(operation.compute_output_spec(*given, **named))
        except Exception as error:  # layers may raise anything
            raise _misfit(name, said(error)) from error
        if any(None in tensor.shape[1:] for tensor in outputs):
            raise _misfit(name, "an output whose size depends on the numbers in an image")
        return list(outputs)


def _is_named(operation: Any, graph: Graph) -> bool:
    """Tell whether a call has a name that its user knows; Keras numbers functions in a traced call anew."""
    import keras

    return not graph.traced or isinstance(operation, keras.layers.Layer)


def _always_trains(operation: Any, kwargs: Mapping[str, Any]) -> bool:
    """Tell whether a layer is told to behave as in training, which a user's code can do for good."""
    training = signature(operation.call).parameters.get("training")
    return bool(kwargs.get("training")) and training is not None and training.default is not True


def _word(operation: Any) -> str:
    from keras.src.utils.naming import to_snake_case

    return str(to_snake_case(type(operation).__name__))


def _converted(call: Call) -> list[Flow]:
    converter = converter_of(call.op)
    if converter is None:
        raise Unmapped("nothing converts it")
    if getattr(call.op, "quantization_mode", None) or getattr(call.op, "lora_enabled", False):
        raise Unmapped("weights in another form")
    made = converter(call)
    return [made] if isinstance(made, Flow) else list(made)


def _check(outputs: Sequence[Value], declared: Sequence[Any] | None) -> None:
    """Hold what was made against the shapes that Keras recorded.

    Errors:   Unmapped where they differ: better unknown than wrong
    """
    if declared is None:
        return
    for flow, tensor in zip(outputs, declared, strict=True):
        batched = isinstance(flow, Flow) and flow.batched
        recorded = tuple(tensor.shape[1:] if batched else tensor.shape) or (1,) * (not batched)
        sizes = zip(flow.shape, recorded, strict=False)
        if len(recorded) != len(flow.shape) or any(wanted not in (None, size) for size, wanted in sizes):
            raise Unmapped("another shape")


def _followed(operation: Any) -> Any:
    """Return the code of a user's layer or function, or nothing for one of Keras' own."""
    import keras

    if not isinstance(operation, keras.Operation):
        return operation
    own = type(operation).__module__.startswith(("keras.src.layers.", "keras.src.ops."))
    if isinstance(operation, keras.layers.Lambda):
        return operation.call
    return None if own else operation.call


def _inputs_of(graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Flow] | None:
    """Return what a model inside is called with, in the order of its inputs; None for something else.

    A dict may name them.
    """
    from keras import tree

    given = args[0] if args else kwargs.get("inputs")
    if isinstance(given, Mapping) and all(tensor.name in given for tensor in graph.inputs):
        given = [given[tensor.name] for tensor in graph.inputs]
    flows: list[Flow] = tree.flatten(given)
    if len(flows) != len(graph.inputs) or not all(isinstance(one, Flow) and one.batched for one in flows):
        return None
    return flows


def _values_in(value: Any) -> list[Value]:
    if isinstance(value, Flow | Own):
        return [value]
    return [inner for one in _parts(value) for inner in _values_in(one)]


def _weights_in(value: Any) -> list[Any]:
    if isinstance(value, Own) or is_learned(value):
        return [value]
    return [inner for one in _parts(value) for inner in _weights_in(one)]


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _with_symbols(value: Any, symbols: Mapping[int, Any]) -> Any:
    if isinstance(value, Flow | Own):
        return symbols[id(value)]
    if isinstance(value, Mapping):
        return {key: _with_symbols(one, symbols) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_symbols(one, symbols) for one in value)
    return value


def _misfit(name: str, got: str) -> BadShape:
    return BadShape(
        f"layer {name!r} must take what the layers before it give out for these images; got {got}; "
        "give the shape that the model was made for, channels first. [keras-shape]"
    )
