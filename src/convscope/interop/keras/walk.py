"""Go through a model's graph, and make layers of every call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

from ...errors import BadShape, ConvscopeError
from ...layers.special import Opaque
from .builder import Builder
from .call import Call
from .flow import Flow, Unmapped, plain
from .graph import Graph, inner_graph, said, trace
from .registry import converter_of
from .shapes import Sizes


class Walk:
    """One model on the way to a network.

    `data_format` is the model's; `sizes` says what Keras knew of the pictures' when it recorded the shapes.
    """

    def __init__(self, data_format: str, sizes: Sizes) -> None:
        self.builder = Builder()
        self.data_format = data_format
        self.sizes = sizes
        self.flows: dict[int, Flow] = {}
        self._arrays: dict[int, tuple[Any, Flow]] = {}
        self._unknown: set[int] = set()

    def run(self, graph: Graph, given: Sequence[Flow], prefix: str = "") -> list[Flow]:
        """Make layers of a graph whose inputs are these flows; return its outputs."""
        values = {id(tensor): flow for tensor, flow in zip(graph.inputs, given, strict=True)}
        for node in graph.nodes:
            args, kwargs = node.arguments.fill_in(values)
            name = prefix + (node.operation.name if _is_named(node.operation, graph) else _word(node.operation))
            declared = None if self.sizes is Sizes.OTHERS else node.outputs
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
    ) -> list[Flow]:
        """Make layers of one call; `declared` are the outputs that Keras recorded for it.

        Errors:   BadShape [keras-shape] where the pictures do not fit
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
            if isinstance(error, BadShape) and self.sizes is not Sizes.THESE:
                raise type(error)(f"layer {name!r}: {error}") from None
            self.builder.back_to(mark)
        return self.traced(operation, name, args, kwargs) or self._opaque(operation, name, args, kwargs, declared)

    def traced(
        self, operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> list[Flow] | None:
        """Make layers of what the code of a user's layer or function calls; None where it cannot be followed."""
        function = _followed(operation)
        if function is None:
            return None
        mark = self.builder.mark()
        flows = list(_flows_in((args, kwargs)))
        symbols = {id(flow): _symbol(flow) for flow in flows}
        try:
            symbolic = _with_symbols((list(args), dict(kwargs)), symbols)
            graph = trace(function, *symbolic)
        except ConvscopeError:
            raise
        except Exception:  # a user's own code may raise anything: then nobody knows what it does
            self.builder.back_to(mark)
            return None
        by_symbol = {id(symbols[id(flow)]): flow for flow in flows}
        made = self.run(graph, [by_symbol[id(tensor)] for tensor in graph.inputs], f"{name}/")
        if self.misses(getattr(operation, "trainable_weights", ())):
            self.builder.back_to(mark)
            return None
        return made

    def misses(self, variables: Iterable[Any]) -> bool:
        """Tell whether one of these variables is in no layer: something was computed from it out of sight."""
        missing = {id(variable) for variable in variables} - self._unknown
        if missing:
            missing -= {id(source) for weights in self.builder.weights.values() for source in weights.sources}
        return bool(missing)

    def array_of(self, value: Any) -> Flow | None:
        """Return the layer that stands for an array already."""
        kept = self._arrays.get(id(value))
        return kept[1] if kept is not None and kept[1].layer in self.builder.entries else None

    def keep_array(self, value: Any, flow: Flow) -> None:
        """Remember which layer stands for an array."""
        self._arrays[id(value)] = (value, flow)

    def _opaque(
        self,
        operation: Any,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        declared: Sequence[Any] | None,
    ) -> list[Flow]:
        """Add a layer for what nobody knows; only the shape of its outputs is asked from Keras."""
        flows = list(_flows_in((args, kwargs)))
        self._unknown.update(map(id, getattr(operation, "weights", ())))
        outputs = declared
        if outputs is None or any(None in tensor.shape[1:] for tensor in outputs):
            outputs = _asked(operation, name, args, kwargs, flows)
        made = []
        for tensor in outputs:
            shape = tuple(max(int(size), 1) for size in tensor.shape[1:]) or (1,)
            inputs = list(dict.fromkeys(flow.layer for flow in flows))
            layer = self.builder.add(name, Opaque(type(operation).__name__, shape), inputs, origin=name)
            made.append(Flow(layer, shape, plain(len(shape))))
        return made


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


def _check(outputs: Sequence[Flow], declared: Sequence[Any] | None) -> None:
    """Hold what was made against the shapes that Keras recorded.

    Errors:   Unmapped where they differ: better unknown than wrong
    """
    if declared is None:
        return
    for flow, tensor in zip(outputs, declared, strict=True):
        recorded = tensor.shape[1:]
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
    if len(flows) != len(graph.inputs) or not all(isinstance(one, Flow) for one in flows):
        return None
    return flows


def _flows_in(value: Any) -> list[Flow]:
    if isinstance(value, Flow):
        return [value]
    if isinstance(value, Mapping):
        return [flow for one in value.values() for flow in _flows_in(one)]
    if isinstance(value, list | tuple):
        return [flow for one in value for flow in _flows_in(one)]
    return []


def _symbol(flow: Flow) -> Any:
    import keras

    return keras.Input(flow.shape, name="input")


def _with_symbols(value: Any, symbols: Mapping[int, Any]) -> Any:
    if isinstance(value, Flow):
        return symbols[id(value)]
    if isinstance(value, Mapping):
        return {key: _with_symbols(one, symbols) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_symbols(one, symbols) for one in value)
    return value


def _asked(
    operation: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], flows: Sequence[Flow]
) -> list[Any]:
    """Ask Keras for the shapes that a call gives out.

    Errors:   BadShape [keras-shape] where it does not take these pictures, or does not say
    """
    from keras import tree

    symbols = {id(flow): _symbol(flow) for flow in flows}
    given, named = _with_symbols((list(args), dict(kwargs)), symbols)
    try:
        outputs = tree.flatten(operation.compute_output_spec(*given, **named))
    except Exception as error:  # layers may raise anything
        raise _misfit(name, said(error)) from error
    if any(None in tensor.shape[1:] for tensor in outputs):
        raise _misfit(name, "an output whose size depends on the numbers in a picture")
    return list(outputs)


def _misfit(name: str, got: str) -> BadShape:
    return BadShape(
        f"layer {name!r} must take what the layers before it give out for these pictures; got {got}; "
        "give the shape that the model was made for, channels first. [keras-shape]"
    )
