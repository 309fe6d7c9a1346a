"""LSTM, step by step through the sequence, and back through time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ....layers.activation import Sigmoid
from ....layers.recurrent import LSTM
from .activation import value
from .rules import Array, Context, Gradients, Inputs, Parameters, backward, forward


class _Step(NamedTuple):
    """What one time step leaves for its way back: gates, cell states, the cell's output, h before the step."""

    i: Array
    f: Array
    g: Array
    o: Array
    cell_before: Array
    bend: Array
    unprojected: Array
    hidden_before: Array


def _ends(layer: LSTM, level: int) -> tuple[str, ...]:
    """Return how the level's parameter names end, one per direction."""
    return tuple(f"_l{level}{way}" for way in ("", "_reverse")[: layer.directions])


def _order(length: int, end: str) -> range:
    """Return the time steps in the order the direction reads them."""
    return range(length - 1, -1, -1) if end.endswith("_reverse") else range(length)


@forward.register
def _(layer: LSTM, inputs: Inputs, parameters: Parameters, context: Context) -> Array:
    """Run every level and direction from a state of zeros.

    Shapes:   x (n, length, in) → (n, length, directions·width)
    Formula:  i, f, o = σ(W·x + U·h + b), g = tanh(W·x + U·h + b); c = f·c + i·g; h = o·tanh(c), projected if asked
    """
    (x,) = inputs
    for level in range(layer.num_layers):
        context.saved[f"x{level}"] = x
        x = np.concatenate([_read(layer, x, parameters, end, context) for end in _ends(layer, level)], axis=2)
    return x


def _read(layer: LSTM, x: Array, parameters: Parameters, end: str, context: Context) -> Array:
    """Read the sequence in one direction."""
    from_x = x @ parameters[f"weight_ih{end}"].T
    for name in (f"bias_ih{end}", f"bias_hh{end}"):
        if name in parameters:
            from_x = from_x + parameters[name]
    cell = np.zeros((len(x), layer.hidden_size), x.dtype)
    hidden = np.zeros((len(x), layer.width), x.dtype)
    output = np.zeros((*x.shape[:2], layer.width), x.dtype)
    steps: dict[int, _Step] = {}
    for t in _order(x.shape[1], end):
        i, f, g, o = np.split(from_x[:, t] + hidden @ parameters[f"weight_hh{end}"].T, 4, axis=1)
        i, f, o = (value(Sigmoid(), gate) for gate in (i, f, o))
        g = np.tanh(g)
        before, cell = cell, f * cell + i * g
        bend = np.tanh(cell)
        unprojected = o * bend
        steps[t] = _Step(i, f, g, o, before, bend, unprojected, hidden)
        hidden = unprojected @ parameters[f"weight_hr{end}"].T if layer.proj_size else unprojected
        output[:, t] = hidden
    context.saved[end] = steps
    return output


@backward.register
def _(layer: LSTM, grad_output: Array, inputs: Inputs, parameters: Parameters, context: Context) -> Gradients:
    grads: dict[str, Array] = {}
    grad = grad_output
    for level in range(layer.num_layers - 1, -1, -1):
        x = context.saved[f"x{level}"]
        ways = np.split(grad, layer.directions, axis=2)
        grad = np.zeros_like(x)
        for end, way in zip(_ends(layer, level), ways, strict=True):
            grad += _unread(layer, way, x, parameters, end, context.saved[end], grads)
    return Gradients((grad,), grads)


def _unread(
    layer: LSTM,
    grad_output: Array,
    x: Array,
    parameters: Parameters,
    end: str,
    steps: dict[int, _Step],
    grads: dict[str, Array],
) -> Array:
    """Go back through time in one direction; put the parameters' gradients into `grads`."""
    recurrent = parameters[f"weight_hh{end}"]
    grad_gates = np.zeros((*x.shape[:2], len(recurrent)), x.dtype)
    grad_hidden = np.zeros((len(x), layer.width), x.dtype)
    grad_cell = np.zeros((len(x), layer.hidden_size), x.dtype)
    grad_recurrent = np.zeros_like(recurrent)
    projection = parameters.get(f"weight_hr{end}")
    grad_projection = None if projection is None else np.zeros_like(projection)
    for t in reversed(_order(x.shape[1], end)):
        step = steps[t]
        grad_hidden = grad_hidden + grad_output[:, t]
        if projection is not None and grad_projection is not None:
            grad_projection += grad_hidden.T @ step.unprojected
            grad_hidden = grad_hidden @ projection
        gates, grad_cell = _back_one(step, grad_hidden, grad_cell)
        grad_gates[:, t] = gates
        grad_recurrent += gates.T @ step.hidden_before
        grad_hidden = gates @ recurrent
    rows = grad_gates.reshape(-1, len(recurrent))
    grads[f"weight_ih{end}"] = rows.T @ x.reshape(-1, x.shape[2])
    grads[f"weight_hh{end}"] = grad_recurrent
    for name in (f"bias_ih{end}", f"bias_hh{end}"):
        if name in parameters:
            grads[name] = rows.sum(axis=0)
    if grad_projection is not None:
        grads[f"weight_hr{end}"] = grad_projection
    return grad_gates @ parameters[f"weight_ih{end}"]


def _back_one(step: _Step, grad_unprojected: Array, grad_cell: Array) -> tuple[Array, Array]:
    """Return one step's gradient of the gates before their functions, and of the cell before the step."""
    grad_cell = grad_cell + grad_unprojected * step.o * (1 - step.bend**2)
    gates = np.concatenate(
        [
            grad_cell * step.g * step.i * (1 - step.i),
            grad_cell * step.cell_before * step.f * (1 - step.f),
            grad_cell * step.i * (1 - step.g**2),
            grad_unprojected * step.bend * step.o * (1 - step.o),
        ],
        axis=1,
    )
    return gates, grad_cell * step.f
