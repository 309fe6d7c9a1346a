"""LSTM, unidirectional and bidirectional."""

from __future__ import annotations

from typing import Any

from ....layers.elementwise import Affine
from ....layers.merge import Add, Concat, Multiply
from ....layers.rearrange import Reshape, Slice
from ....layers.recurrent import LSTM
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor
from ..weights import WeightSource, transposed_source, unchanged_source


def _gates(layer: Any, end: str) -> dict[str, WeightSource]:
    """Return one direction's parameters. Keras orders the gates i, f, c, o, as PyTorch does with i, f, g, o."""
    import keras

    cell = layer.cell
    usual = cell.activation is keras.activations.tanh and cell.recurrent_activation is keras.activations.sigmoid
    if not usual or layer.stateful or getattr(cell, "projection", None):
        raise UnsupportedOperator("an unsupported cell")
    parameters = {
        f"weight_ih{end}": transposed_source(cell.kernel, (1, 0)),
        f"weight_hh{end}": transposed_source(cell.recurrent_kernel, (1, 0)),
    }
    if cell.use_bias:
        parameters[f"bias_ih{end}"] = unchanged_source(cell.bias)
    return parameters


def _sequence(call: Call) -> SymbolicTensor:
    call.refuse_other_arguments()
    if len(call.args) > 1:
        raise UnsupportedOperator("an initial state, or a mask")
    return call.in_keras_order(call.tensor())


@converts("layers.LSTM")
def lstm(call: Call) -> SymbolicTensor:
    """Convert an LSTM with zero initial state. Its last state is a slice of its output."""
    op, x = call.op, _sequence(call)
    if op.return_state or op.go_backwards:
        raise UnsupportedOperator("states, or a reversed sequence")
    layer = LSTM(op.units, biases="one" if op.use_bias else "none")
    steps = call.emit(layer, x, parameters=_gates(op, "_l0"))
    return steps if op.return_sequences else _row(call, steps, steps.layer_shape[0] - 1, "last")


def _row(call: Call, steps: SymbolicTensor, index: int, part: str) -> SymbolicTensor:
    row = call.emit(Slice(0, index, index + 1), steps, part=part)
    return call.emit(Reshape(row.layer_shape[1:]), row, part=f"{part}.reshape", order=(0,))


@converts("layers.Bidirectional")
def bidirectional(call: Call) -> SymbolicTensor:
    """Convert a bidirectional LSTM."""
    import keras

    op, x = call.op, _sequence(call)
    directions = (op.forward_layer, op.backward_layer)
    if not all(type(way) is keras.layers.LSTM for way in directions) or op.return_state or op.merge_mode is None:
        raise UnsupportedOperator("not an LSTM, or its states")
    one, two = directions
    if (one.units, one.use_bias) != (two.units, two.use_bias) or one.go_backwards or not two.go_backwards:
        raise UnsupportedOperator("directions that differ")
    layer = LSTM(one.units, bidirectional=True, biases="one" if one.use_bias else "none")
    steps = call.emit(layer, x, parameters=_gates(one, "_l0") | _gates(two, "_l0_reverse"))
    if not op.return_sequences:
        return _last_states(call, steps, one.units, op.merge_mode)
    if op.merge_mode == "concat":
        return steps
    forward = call.emit(Slice(1, 0, one.units), steps, part="forward")
    backward = call.emit(Slice(1, one.units), steps, part="backward")
    return _merge_directions(call, forward, backward, op.merge_mode)


def _last_states(call: Call, steps: SymbolicTensor, units: int, mode: str) -> SymbolicTensor:
    """Return each direction's last state: at the last step, and at the first."""
    end, start = _row(call, steps, steps.layer_shape[0] - 1, "last"), _row(call, steps, 0, "first")
    forward = call.emit(Slice(0, 0, units), end, part="forward")
    backward = call.emit(Slice(0, units), start, part="backward")
    return _merge_directions(call, forward, backward, mode)


def _merge_directions(call: Call, forward: SymbolicTensor, backward: SymbolicTensor, mode: str) -> SymbolicTensor:
    if mode == "concat":
        return call.emit(Concat(len(forward.layer_shape) - 1), forward, backward, part="concat")
    if mode == "mul":
        return call.emit(Multiply(), forward, backward, part="mul")
    added = call.emit(Add(), forward, backward, part="add")
    return call.emit(Affine(0.5), added, part="mean") if mode == "ave" else added
