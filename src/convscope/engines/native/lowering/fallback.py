"""Layers that have no kernel run on the reference, in the middle of the plan."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....network import Node
from ...reference.layers.graph import keeps_statistics
from ...reference.layers.rules import Context, backward, forward
from ..layout import Floats, Plain
from ..plan import FallbackStep, Value
from ..runtime.fallback import FallbackContext
from .lowering import Gradient, Lowering


def on_reference(node: Node, lowering: Lowering, reason: str) -> None:
    """Write a layer as steps in Python, with arrays as they are outside."""
    sources = tuple(lowering.plain(lowering.values[name]) for name in node.inputs)
    result = lowering.new(node, Plain(node.output_shape), sources)
    parameters = {name: f"{node.parameters_of}.{name}" for name in node.facts.param_shapes}
    statistics = {name: f"{node.parameters_of}.{name}" for name in node.facts.buffer_shapes}
    training = lowering.mode.training and not keeps_statistics(node)

    def run_forward(hand: FallbackContext) -> None:
        context = Context(training, generator=hand.generator(node.name), buffers=_own(hand, statistics))
        hand.contexts[node.name] = context
        _write(hand, result, forward(node.layer, _read(hand, sources), _own(hand, parameters), context))
        for name, array in context.new_buffers.items() if training else ():
            hand.set_array(statistics[name], array)

    buffers = (*(source.buffer for source in sources), result.buffer)
    lowering.add(FallbackStep(run_forward, buffers, node.name, "forward", reason))

    def back() -> None:
        gradient = lowering.gradient(result)
        if gradient is None:
            return
        given = Value(result.key, gradient.buffer, result.layout, result.shape)
        into = [_gradient_place(lowering, source) if source.differentiable else None for source in sources]
        first = {name: lowering.first_gradient(parameters[name]) for name in node.trained}
        run = _backward(node, sources, given, into, parameters, first)
        made = [value for value in into if value is not None]
        touched = (*(v.buffer for v in sources), gradient.buffer, *(value.buffer for value in made))
        lowering.add(FallbackStep(run, touched, node.name, "backward", reason))
        for source, value in zip(sources, into, strict=True):
            if value is not None:
                lowering.contribute(source, Gradient(value.buffer))

    lowering.on_backward(back)


def _backward(
    node: Node,
    sources: tuple[Value, ...],
    given: Value,
    into: list[Value | None],
    parameters: dict[str, str],
    first: dict[str, bool],
) -> Callable[[FallbackContext], None]:
    def run(hand: FallbackContext) -> None:
        arrays = _read(hand, sources)
        (gradient,) = _read(hand, (given,))
        found = backward(node.layer, gradient, arrays, _own(hand, parameters), hand.contexts[node.name])
        for value, array in zip(into, found.inputs, strict=True):
            if value is not None:
                _write(hand, value, np.zeros(1, np.float32) if array is None else array)
        for name, new in first.items():
            hand.add_gradient(parameters[name], found.parameters[name], new)

    return run


def _gradient_place(lowering: Lowering, source: Value) -> Value:
    made = lowering.buffer(f"gradient of {source.key}", per_image=source.layout.floats)
    return Value(source.key, made, source.layout, source.shape)


def _read(hand: FallbackContext, values: tuple[Value, ...]) -> tuple[Floats, ...]:
    return tuple(hand.memory(value.buffer).reshape(hand.batch, *value.shape) for value in values)


def _write(hand: FallbackContext, value: Value, array: Floats) -> None:
    memory = hand.memory(value.buffer)
    memory[...] = array.reshape(hand.batch, -1) if array.size > 1 else array.reshape(-1)


def _own(hand: FallbackContext, names: dict[str, str]) -> dict[str, Floats]:
    """Return arrays by the names that the layer has for them."""
    return {name: hand.array(full) for name, full in names.items()}
