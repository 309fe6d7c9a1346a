"""Fallback: layers without a kernel run on the reference implementation, between kernels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....network import Node
from ...reference.layers.graph import keeps_statistics
from ...reference.layers.rules import Context, backward, forward
from ..layout import Floats, Plain
from ..plan import FallbackStep, Value
from ..runtime.fallback import FallbackContext
from .gradients import Gradient
from .lowering import Lowering


def lower_to_reference(node: Node, lowering: Lowering, reason: str) -> None:
    """Add a layer's forward and backward pass as steps in Python, on plain arrays."""
    sources = tuple(lowering.layouts.plain(lowering.values[name]) for name in node.inputs)
    result = lowering.new(node, Plain(node.output_shape), sources)
    parameters = {name: f"{node.parameters_of}.{name}" for name in node.facts.param_shapes}
    statistics = {name: f"{node.parameters_of}.{name}" for name in node.facts.buffer_shapes}
    training = lowering.mode.training and not keeps_statistics(node)

    def run_forward(context: FallbackContext) -> None:
        generator, buffers = context.generator(node.name), _arrays(context, statistics)
        layer_context = Context(training, generator=generator, buffers=buffers)
        context.layer_contexts[node.name] = layer_context
        output = forward(node.layer, _read(context, sources), _arrays(context, parameters), layer_context)
        _write(context, result, output)
        for name, array in layer_context.new_buffers.items() if training else ():
            context.set_array(statistics[name], array)

    buffers = (*(source.buffer for source in sources), result.buffer)
    lowering.builder.add(FallbackStep(run_forward, buffers, node.name, "forward", reason))

    @lowering.tape.backward(result)
    def write(gradient: Gradient) -> None:
        dy = Value(result.key, gradient.buffer, result.layout, result.shape)
        results = [_gradient_value(lowering, source) if source.differentiable else None for source in sources]
        first = {name: lowering.tape.is_first_gradient(parameters[name]) for name in node.trained}
        run = _backward(node, sources, dy, results, parameters, first)
        inputs = tuple(source.buffer for source in sources)
        written = tuple(value.buffer for value in results if value is not None)
        touched = (*inputs, gradient.buffer, *written)
        lowering.builder.add(FallbackStep(run, touched, node.name, "backward", reason))
        for source, value in zip(sources, results, strict=True):
            if value is not None:
                lowering.tape.contribute(source, Gradient(value.buffer))


def _backward(
    node: Node,
    sources: tuple[Value, ...],
    dy: Value,
    results: list[Value | None],
    parameters: dict[str, str],
    first: dict[str, bool],
) -> Callable[[FallbackContext], None]:
    def run(context: FallbackContext) -> None:
        arrays = _read(context, sources)
        (gradient,) = _read(context, (dy,))
        layer_context = context.layer_contexts[node.name]
        gradients = backward(node.layer, gradient, arrays, _arrays(context, parameters), layer_context)
        for value, array in zip(results, gradients.inputs, strict=True):
            if value is not None:
                _write(context, value, np.zeros(1, np.float32) if array is None else array)
        for name, new in first.items():
            context.add_gradient(parameters[name], gradients.parameters[name], new)

    return run


def _gradient_value(lowering: Lowering, source: Value) -> Value:
    return Value(source.key, lowering.tape.gradient_buffer(source), source.layout, source.shape)


def _read(context: FallbackContext, values: tuple[Value, ...]) -> tuple[Floats, ...]:
    return tuple(context.memory(value.buffer).reshape(context.batch, *value.shape) for value in values)


def _write(context: FallbackContext, value: Value, array: Floats) -> None:
    memory = context.memory(value.buffer)
    memory[...] = array.reshape(context.batch, -1) if array.size > 1 else array.reshape(-1)


def _arrays(context: FallbackContext, names: dict[str, str]) -> dict[str, Floats]:
    """Return arrays by their names within the layer."""
    return {name: context.array(full) for name, full in names.items()}
