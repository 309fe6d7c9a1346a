"""LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ....layers import LSTM, Concat, Permute, Reshape, Slice
from ..call import Call, with_batch_at
from ..registry import UnsupportedOperator, converts
from ..values import Array, Constant, Flow

_USUAL = ["Sigmoid", "Tanh", "Tanh"]
_MAX_STATE_ELEMENTS = 1 << 20

MAX_SEQUENCES = 256
"""Sequences of one image that are written out, each as a layer."""


@converts("LSTM", since=(7, 14, 22))
def lstm(call: Call) -> Sequence[Flow | None]:
    """LSTM of one or two directions, from a state of zeros; all outputs, or those of the last step."""
    layout = call.attribute("layout", 0)
    across = 0 if layout else 1
    x = call.flow()
    if len(x.shape) != 3:
        raise UnsupportedOperator("a sequence of vectors")
    several = x.batch is None and x.shape[across] > 1
    if not several:
        x = with_batch_at(x, across)
    directions = _checked(call)
    hidden = call.constant(2).shape[-1]
    held: dict[str, Constant] = {}
    for index, way in enumerate(("", "_reverse")[:directions]):
        held |= _gates(call, index, f"_l0{way}", hidden)
    layer = LSTM(hidden, bidirectional=directions == 2, biases="two" if call.has_input(3) else "none")
    if several:
        return [_one_after_another(call, x, layer, held, across, directions)]
    output = call.emit(layer, x, parameters=held)
    length, batch = x.shape[1 - across], x.shape[across]
    shape = (batch, length, directions, hidden) if layout else (length, directions, batch, hidden)
    steps = Flow(output.layer, shape, 0 if layout else 2, output.held, x.dtype)
    last = _last(call, output, length, hidden, directions, batch, layout) if call.is_output_used(1) else None
    return [steps, last]


def _one_after_another(
    call: Call, x: Flow, layer: LSTM, held: dict[str, Constant], across: int, directions: int
) -> Flow:
    """Emit the layer for each of the sequences that one image was cut into, with the same parameters."""
    if x.shape[across] > MAX_SEQUENCES or call.is_output_used(1):
        raise UnsupportedOperator("many sequences of one image, or their last states")
    length, features, hidden = x.shape[1 - across], x.shape[2], layer.hidden_size
    outputs = []
    for index in range(x.shape[across]):
        cut = call.emit(Slice(across, index, index + 1), x, part=f"{index}.cut")
        sequence = call.emit(Reshape((length, features)), cut, part=f"{index}.sequence")
        output = call.emit(layer, sequence, part=str(index), parameters=held)
        sizes = (1, length, directions, hidden) if across == 0 else (length, 1, directions, hidden)
        outputs.append(call.emit(Reshape(sizes), output, part=f"{index}.steps"))
    joined = call.emit(Concat(across), *outputs, part="joined" if across else "")
    return call.emit(Permute((0, 2, 1, 3)), joined) if across else joined


def _checked(call: Call) -> int:
    """Return the number of directions, after a look at what no layer here says."""
    ways = {"forward": 1, "bidirectional": 2}.get(call.attribute("direction", "forward"))
    activations = call.attribute("activations", _USUAL * (ways or 1))
    if (
        ways is None
        or list(activations) != _USUAL * ways
        or call.attribute("input_forget", 0)
        or call.has_input(7)
    ):
        raise UnsupportedOperator("a cell of another kind")
    for name in ("activation_alpha", "activation_beta"):
        if call.optional_attribute(name):
            raise UnsupportedOperator("activations with settings", name)
    if call.attribute("hidden_size", call.constant(2).shape[-1]) != call.constant(2).shape[-1]:
        raise call.invalid(f"LSTM.hidden_size must be that of R; got {call.attribute('hidden_size', 0)}")
    if call.has_input(4) or call.attribute("clip", 0.0) or call.is_output_used(2):
        raise UnsupportedOperator("lengths, clipping or cell states")
    for index in (5, 6):
        state = call.optional_constant(index)
        if state is not None and (state.size > _MAX_STATE_ELEMENTS or state.array.any()):
            raise UnsupportedOperator("a state to begin with")
    return ways


def _gates(call: Call, index: int, end: str, hidden: int) -> dict[str, Constant]:
    """Return one direction's matrices; ONNX's gates are i, o, f, c, PyTorch's i, f, g, o."""

    def ordered(array: Array) -> Array:
        i, o, f, c = np.split(array, 4)
        return np.concatenate([i, f, c, o])

    held = {}
    for place, name in ((1, "weight_ih"), (2, "weight_hh")):
        gates = call.constant(place)
        held[f"{name}{end}"] = gates.derived(gates.shape[1:], lambda a: ordered(a[index]), f"gates{index}")
    if call.has_input(3):
        bias = call.constant(3)
        rows = 4 * hidden
        for name, first in (("bias_ih", 0), ("bias_hh", rows)):
            stretch = slice(first, first + rows)
            change = partial(lambda array, part: ordered(array[index, part]), part=stretch)
            held[f"{name}{end}"] = bias.derived((rows,), change, f"bias{index}at{first}")
    return held


def _last(call: Call, output: Flow, length: int, hidden: int, directions: int, batch: int, layout: int) -> Flow:
    """Return each direction's state after its last step: the end of the sequence, or its beginning."""
    final = call.emit(Slice(0, length - 1, length), output, part="last")
    if directions == 2:
        first = call.emit(Slice(0, 0, 1), output, part="first")
        ahead = call.emit(Slice(1, 0, hidden), final, part="last.forward")
        back = call.emit(Slice(1, hidden, 2 * hidden), first, part="first.reverse")
        final = call.emit(Concat(0), ahead, back, part="states")
    shape = (batch, directions, hidden) if layout else (directions, batch, hidden)
    return Flow(final.layer, shape, 0 if layout else 1, final.held, output.dtype)
