"""LSTM, one way or both."""

from __future__ import annotations

from typing import Any

from ....layers.elementwise import Affine
from ....layers.merge import Add, Concat, Multiply
from ....layers.rearrange import Reshape, Slice
from ....layers.recurrent import LSTM
from ..call import Call
from ..registry import converts
from ..symbolic import Flow, Unmapped
from ..weights import Weights, as_it_is, turned


def _gates(layer: Any, end: str) -> dict[str, Weights]:
    """Return one direction's matrices; Keras' gates are i, f, c, o, as PyTorch's i, f, g, o."""
    import keras

    cell = layer.cell
    usual = cell.activation is keras.activations.tanh and cell.recurrent_activation is keras.activations.sigmoid
    if not usual or layer.stateful or getattr(cell, "projection", None):
        raise Unmapped("a cell of another kind")
    held = {
        f"weight_ih{end}": turned(cell.kernel, (1, 0)),
        f"weight_hh{end}": turned(cell.recurrent_kernel, (1, 0)),
    }
    if cell.use_bias:
        held[f"bias_ih{end}"] = as_it_is(cell.bias)
    return held


def _sequence(call: Call) -> Flow:
    call.only()
    if len(call.args) > 1:
        raise Unmapped("a state to begin with, or a mask")
    return call.plain(call.flow())


@converts("layers.LSTM")
def lstm(call: Call) -> Flow:
    """Convert an LSTM that starts from zeros; its last state alone is a slice of its output."""
    op, x = call.op, _sequence(call)
    if op.return_state or op.go_backwards:
        raise Unmapped("states, or a sequence turned round")
    layer = LSTM(op.units, biases="one" if op.use_bias else "none")
    steps = call.emit(layer, x, parameters=_gates(op, "_l0"))
    return steps if op.return_sequences else _row(call, steps, steps.held[0] - 1, "last")


def _row(call: Call, steps: Flow, index: int, part: str) -> Flow:
    row = call.emit(Slice(0, index, index + 1), steps, part=part)
    return call.emit(Reshape(row.held[1:]), row, part=f"{part}.reshape", order=(0,))


@converts("layers.Bidirectional")
def bidirectional(call: Call) -> Flow:
    """Convert two LSTMs, one of which reads from the end."""
    import keras

    op, x = call.op, _sequence(call)
    ways = (op.forward_layer, op.backward_layer)
    if not all(type(way) is keras.layers.LSTM for way in ways) or op.return_state or op.merge_mode is None:
        raise Unmapped("another layer than LSTM, or its states")
    one, two = ways
    if (one.units, one.use_bias) != (two.units, two.use_bias) or one.go_backwards or not two.go_backwards:
        raise Unmapped("two ways that differ")
    layer = LSTM(one.units, bidirectional=True, biases="one" if one.use_bias else "none")
    steps = call.emit(layer, x, parameters=_gates(one, "_l0") | _gates(two, "_l0_reverse"))
    if not op.return_sequences:
        return _last_states(call, steps, one.units, op.merge_mode)
    if op.merge_mode == "concat":
        return steps
    ahead = call.emit(Slice(1, 0, one.units), steps, part="forward")
    back = call.emit(Slice(1, one.units), steps, part="backward")
    return _merged(call, ahead, back, op.merge_mode)


def _last_states(call: Call, steps: Flow, units: int, mode: str) -> Flow:
    """Return each way's last state: that of the end, and that of the beginning."""
    end, start = _row(call, steps, steps.held[0] - 1, "last"), _row(call, steps, 0, "first")
    ahead = call.emit(Slice(0, 0, units), end, part="forward")
    back = call.emit(Slice(0, units), start, part="backward")
    return _merged(call, ahead, back, mode)


def _merged(call: Call, ahead: Flow, back: Flow, mode: str) -> Flow:
    if mode == "concat":
        return call.emit(Concat(len(ahead.held) - 1), ahead, back, part="concat")
    if mode == "mul":
        return call.emit(Multiply(), ahead, back, part="mul")
    added = call.emit(Add(), ahead, back, part="add")
    return call.emit(Affine(0.5), added, part="mean") if mode == "ave" else added
