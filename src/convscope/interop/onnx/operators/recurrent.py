"""LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ....errors import BadShape
from ....layers import LSTM, Concat, Permute, Reshape, Slice
from ...errors import UnsupportedOperator
from ..call import Call, converts, with_batch_at
from ..values import Array, Constant, Flow

_STANDARD_ACTIVATIONS = ["Sigmoid", "Tanh", "Tanh"]
_MAX_STATE_ELEMENTS = 1 << 20

MAX_SEQUENCES = 256
"""Sequences of one image that are converted, each to a layer of its own."""


@converts("LSTM", since=(7, 14, 22))
def lstm(call: Call) -> Sequence[Flow | None]:
    """LSTM of one or two directions with a zero initial state: all outputs, or the last states."""
    layout = call.attribute("layout", 0)
    sequence_axis = 0 if layout else 1
    x = call.flow()
    if len(x.shape) != 3:
        raise UnsupportedOperator("a sequence of vectors")
    has_many = x.batch is None and x.shape[sequence_axis] > 1
    if not has_many:
        x = with_batch_at(x, sequence_axis)
    directions = _direction_count(call)
    hidden = call.constant(2).shape[-1]
    parameters: dict[str, Constant] = {}
    for index, suffix in enumerate(("", "_reverse")[:directions]):
        parameters |= _gates(call, index, f"_l0{suffix}", hidden)
    layer = LSTM(hidden, bidirectional=directions == 2, biases="two" if call.has_input(3) else "none")
    if has_many:
        return [_emit_per_sequence(call, x, layer, parameters, sequence_axis, directions)]
    output = call.emit(layer, x, parameters=parameters)
    length, batch = x.shape[1 - sequence_axis], x.shape[sequence_axis]
    shape = (batch, length, directions, hidden) if layout else (length, directions, batch, hidden)
    steps = Flow(output.layer, shape, 0 if layout else 2, output.layer_shape, x.dtype)
    last = (
        _last_states(call, output, length, hidden, directions, batch, layout) if call.is_output_used(1) else None
    )
    return [steps, last]


def _emit_per_sequence(
    call: Call, x: Flow, layer: LSTM, parameters: dict[str, Constant], sequence_axis: int, directions: int
) -> Flow:
    """Emit the layer for each sequence of one image, with shared parameters."""
    if x.shape[sequence_axis] > MAX_SEQUENCES or call.is_output_used(1):
        raise UnsupportedOperator("too many sequences of one image, or their last states")
    length, features, hidden = x.shape[1 - sequence_axis], x.shape[2], layer.hidden_size
    outputs = []
    for index in range(x.shape[sequence_axis]):
        row = call.emit(Slice(sequence_axis, index, index + 1), x, part=f"{index}.cut")
        sequence = call.emit(Reshape((length, features)), row, part=f"{index}.sequence")
        output = call.emit(layer, sequence, part=str(index), parameters=parameters)
        sizes = (1, length, directions, hidden) if sequence_axis == 0 else (length, 1, directions, hidden)
        outputs.append(call.emit(Reshape(sizes), output, part=f"{index}.steps"))
    joined = call.emit(Concat(sequence_axis), *outputs, part="joined" if sequence_axis else "")
    return call.emit(Permute((0, 2, 1, 3)), joined) if sequence_axis else joined


def _direction_count(call: Call) -> int:
    """Return the number of directions, after a check for unsupported attributes and inputs."""
    direction_count = {"forward": 1, "bidirectional": 2}.get(call.attribute("direction", "forward"))
    activations = call.attribute("activations", _STANDARD_ACTIVATIONS * (direction_count or 1))
    if (
        direction_count is None
        or list(activations) != _STANDARD_ACTIVATIONS * direction_count
        or call.attribute("input_forget", 0)
        or call.has_input(7)
    ):
        raise UnsupportedOperator("a reverse or nonstandard cell")
    for name in ("activation_alpha", "activation_beta"):
        if call.optional_attribute(name):
            raise UnsupportedOperator("activations with settings", name)
    if call.attribute("hidden_size", call.constant(2).shape[-1]) != call.constant(2).shape[-1]:
        raise BadShape(
            "LSTM.hidden_size must be that of R (got {got}). Export the model again. [onnx-node]",
            got=call.attribute("hidden_size", 0),
        )
    if call.has_input(4) or call.attribute("clip", 0.0) or call.is_output_used(2):
        raise UnsupportedOperator("lengths, clipping or cell states")
    for index in (5, 6):
        state = call.optional_constant(index)
        if state is not None and (state.size > _MAX_STATE_ELEMENTS or state.array.any()):
            raise UnsupportedOperator("an initial state")
    return direction_count


def _gates(call: Call, index: int, end: str, hidden: int) -> dict[str, Constant]:
    """Return one direction's parameters; ONNX's gates are ordered i, o, f, c, PyTorch's i, f, g, o."""

    def reorder(array: Array) -> Array:
        i, o, f, c = np.split(array, 4)
        return np.concatenate([i, f, c, o])

    parameters = {}
    for input_index, name in ((1, "weight_ih"), (2, "weight_hh")):
        gates = call.constant(input_index)
        parameters[f"{name}{end}"] = gates.derive(gates.shape[1:], lambda a: reorder(a[index]), f"gates{index}")
    if call.has_input(3):
        bias = call.constant(3)
        rows = 4 * hidden
        for name, first in (("bias_ih", 0), ("bias_hh", rows)):
            rows_of_part = slice(first, first + rows)
            change = partial(lambda array, part: reorder(array[index, part]), part=rows_of_part)
            parameters[f"{name}{end}"] = bias.derive((rows,), change, f"bias{index}at{first}")
    return parameters


def _last_states(
    call: Call, output: Flow, length: int, hidden: int, directions: int, batch: int, layout: int
) -> Flow:
    """Return each direction's last state: at the end of the sequence, or at its beginning."""
    final = call.emit(Slice(0, length - 1, length), output, part="last")
    if directions == 2:
        first = call.emit(Slice(0, 0, 1), output, part="first")
        forward = call.emit(Slice(1, 0, hidden), final, part="last.forward")
        reverse = call.emit(Slice(1, hidden, 2 * hidden), first, part="first.reverse")
        final = call.emit(Concat(0), forward, reverse, part="states")
    shape = (batch, directions, hidden) if layout else (directions, batch, hidden)
    return Flow(final.layer, shape, 0 if layout else 1, final.layer_shape, output.dtype)
