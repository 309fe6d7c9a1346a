"""Initial values of parameters and running statistics.

| parameter | value |
|---|---|
| weight before a ReLU-like activation | normal, variance 2 / (1 + slope²) / fan_in (He et al. 2015) |
| weight before sigmoid, tanh, softmax, nothing | normal, variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010) |
| bias | 0 |
| scale of a normalization, layer scale | 1 |
| embedding | normal, variance 1, as in PyTorch |
| array of the network (token, position) | normal, deviation 0.02 (Dosovitskiy et al. 2021) |
| LSTM | uniform within ±1/√hidden_size, as in PyTorch |
| PReLU's slope | its `init` |
| running mean, running variance | 0, 1 |

Each parameter is drawn from (seed, name) alone: adding or removing a layer leaves the others unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from ..arrays import Array, ComputedArrays
from ..layers import (
    LSTM,
    Activation,
    BatchNorm,
    Conv,
    ConvTranspose,
    Embedding,
    GroupNorm,
    InstanceNorm,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    MultiheadAttention,
    Parameter,
    PReLU,
    Scale,
    Softmax,
)
from ..layers.connection import Shape
from ..network import Network
from ..parameters import parameter_shapes
from .randomness import generator


class Fans(NamedTuple):
    """Fan-in and fan-out: inputs per output, and outputs per input."""

    incoming: float
    outgoing: float


def initial_parameters(network: Network, seed: int, leave_out: Collection[str] = ()) -> dict[str, Array]:
    """Return every parameter in float64 by "layer.name", except those in `leave_out`."""
    consumers: dict[int, list[int]] = {}
    for node in network.nodes:
        for source in node.sources:
            consumers.setdefault(source, []).append(node.index)
    arrays = {}
    for node in network.nodes:
        if not node.owns_parameters:
            continue
        gain = _gain(network, consumers, node.index) if node.facts.param_shapes else None
        for name, shape in node.facts.param_shapes.items():
            full = f"{node.name}.{name}"
            if full not in leave_out:
                arrays[full] = initial(node.layer, name, shape, gain, generator(seed, f"parameter {full}"))
    return arrays


def undrawn_parameters(network: Network) -> Mapping[str, Array]:
    """Return zeros for every parameter by "layer.name", without allocating memory.

    For a Model whose parameters are unused or about to be loaded from a checkpoint.
    """
    shapes = parameter_shapes(network)
    return ComputedArrays(shapes, lambda name: np.broadcast_to(np.float64(0), shapes[name]))


def initial_buffers(network: Network) -> dict[str, Array]:
    """Return every running statistic by "layer.name": means are 0, variances 1."""
    return {
        f"{node.name}.{name}": np.full(shape, float(name == "running_var"))
        for node in network.nodes
        if node.owns_parameters
        for name, shape in node.facts.buffer_shapes.items()
    }


@singledispatch
def initial(_layer: Layer, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    """Return one parameter of a layer.

    Without a rule of its own, a layer gets biases of 0, vectors of 1, and weights (out, in, kernel…) drawn
    by their fans. `gain` is that of the ReLU-like activation after the layer, None for others.
    """
    if "bias" in name:
        return np.zeros(shape)
    if sum(n > 1 for n in shape) < 2:
        return np.ones(shape)
    kernel = math.prod(shape[2:])
    return _normal(shape, Fans(shape[1] * kernel, shape[0] * kernel), gain, draws)


@initial.register
def _(layer: Conv, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    fans = Fans(math.prod(shape[1:]), shape[0] / layer.groups * layer.taps)
    return _weights_or_zero(name, shape, fans, gain, draws)


@initial.register
def _(layer: ConvTranspose, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    # About taps / stride taps of the window contribute to each output position.
    reached = layer.taps / math.prod(layer.stride)
    fans = Fans(max(1.0, shape[0] / layer.groups * reached), math.prod(shape[1:]))
    return _weights_or_zero(name, shape, fans, gain, draws)


@initial.register
def _(layer: Linear, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    return _weights_or_zero(name, shape, Fans(math.prod(shape[1:]), shape[0]), gain, draws)


@initial.register
def _(layer: MultiheadAttention, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    if "bias" in name:
        return np.zeros(shape)
    return _normal(shape, Fans(shape[1], shape[0]), None, draws)


@initial.register
def _(layer: LSTM, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    bound = 1 / math.sqrt(layer.hidden_size)
    return draws.uniform(-bound, bound, shape)


@initial.register
def _(layer: Embedding, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    return draws.normal(size=shape)


@initial.register
def _(layer: Parameter, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    return draws.normal(scale=0.02, size=shape)


@initial.register
def _(layer: PReLU, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    return np.full(shape, layer.init)


@initial.register(BatchNorm)
@initial.register(GroupNorm)
@initial.register(InstanceNorm)
@initial.register(LayerNorm)
@initial.register(Scale)
def _(layer: Layer, name: str, shape: Shape, gain: float | None, draws: np.random.Generator) -> Array:
    return np.full(shape, float(name == "weight"))


def _weights_or_zero(name: str, shape: Shape, fans: Fans, gain: float | None, draws: np.random.Generator) -> Array:
    return np.zeros(shape) if name == "bias" else _normal(shape, fans, gain, draws)


def _normal(shape: Shape, fans: Fans, gain: float | None, draws: np.random.Generator) -> Array:
    variance = 2 / (fans.incoming + fans.outgoing) if gain is None else gain**2 / fans.incoming
    return draws.normal(scale=math.sqrt(variance), size=shape)


def _gain(network: Network, consumers: dict[int, list[int]], index: int) -> float | None:
    """Return the gain of the first activation downstream, beyond normalization, pooling and merges."""
    seen: set[int] = set()
    waiting = list(consumers.get(index, ()))
    while waiting:
        node = network.nodes[waiting.pop(0)]
        if node.index in seen:
            continue
        seen.add(node.index)
        if isinstance(node.layer, Activation):
            return _gain_of(node.layer)
        if not isinstance(node.layer, Conv | ConvTranspose | Linear | LSTM | MultiheadAttention | Softmax):
            waiting += consumers.get(node.index, ())
    return None


def _gain_of(layer: Activation) -> float | None:
    """Return √(2 / (1 + slope²)) for unbounded activations, None for those that are at most 1."""
    if layer.properties.high <= 1:
        return None
    slope = 0.0
    if isinstance(layer, LeakyReLU):
        slope = layer.negative_slope
    elif isinstance(layer, PReLU):
        slope = layer.init
    return math.sqrt(2 / (1 + slope**2))
