"""The arithmetic of one unit, layer by layer: which inputs it reads, with which weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch
from itertools import product
from math import prod, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np

from ..arrays import Array
from ..axis import Bins
from ..engines.reference.layers.rules import Context, backward, forward
from ..layers import (
    Activation,
    Add,
    BatchNorm,
    Concat,
    Dropout,
    Flatten,
    GroupNorm,
    Identity,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    MatMul,
    Multiply,
    PReLU,
    ReLU,
    Scale,
    Softmax,
    Subtract,
    Upsample,
)
from ..layers.base import Layer
from ..layers.convolution import Conv, ConvTranspose
from ..layers.dense import Embedding
from ..layers.elementwise import Affine, Pointwise
from ..layers.indexing import Expand, IndexSelect, Roll
from ..layers.merge import Divide, Extreme, MultiheadAttention
from ..layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    LPPool,
    MaxPool,
    SpatialPyramidPool,
    StochasticPool,
)
from ..layers.rearrange import ChannelShuffle, Crop, Pad, Permute, PixelShuffle, Reshape, Slice
from ..layers.recurrent import LSTM
from ..layers.reduction import Reduce

Index = tuple[int, ...]

Form = Literal["sum", "winner", "function", "inputs"]
"""How a unit's value follows from its terms.

"sum": the sum of input × weight, plus the bias. "winner": the input with weight 1, compared with the others.
"function": a function of the inputs; their weights are its derivatives. "inputs": nothing is listed.
"""


class Operand(NamedTuple):
    """What one unit is computed from: arrays of one image in float64, and the layer's own parameters."""

    layer: Layer
    inputs: tuple[Array, ...]
    parameters: Mapping[str, Array]
    buffers: Mapping[str, Array]

    def saved(self) -> Mapping[str, Any]:
        """Return what the layer's forward pass keeps for its backward pass."""
        return self._run()[1].saved

    def output(self) -> Array:
        """Return the layer's output for this image."""
        output: Array = self._run()[0][0]
        return output

    def derivatives(self, at: Index) -> tuple[Array | None, ...]:
        """Return the derivative of one unit with respect to each input."""
        output, context, inputs = self._run()
        seed = np.zeros_like(output)
        seed[(0, *at)] = 1
        found = backward(self.layer, seed, inputs, self.parameters, context)
        return tuple(None if one is None else one[0] for one in found.inputs)

    def _run(self) -> tuple[Array, Context, tuple[Array, ...]]:
        context = Context(buffers=self.buffers)
        inputs = tuple(x[None] for x in self.inputs)
        with np.errstate(all="ignore"):
            return forward(self.layer, inputs, self.parameters, context), context, inputs


@dataclass(frozen=True)
class Arithmetic:
    """The inputs of a unit with their weights.

    `sources` numbers the layer's input of each term, and `indices` has the unit there. `padding` counts positions
    in zero padding, which contribute nothing. `facts` has intermediate results by name, such as a mean.
    """

    form: Form
    sources: tuple[int, ...] = ()
    indices: tuple[Index, ...] = ()
    inputs: Array = field(default_factory=lambda: np.zeros(0))
    weights: Array = field(default_factory=lambda: np.zeros(0))
    bias: float = 0.0
    padding: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    result: float | None = None
    """The value where it is no sum."""

    @property
    def products(self) -> Array:
        """Return input × weight of each term; the inputs themselves where the weights are derivatives."""
        return self.inputs * self.weights

    @property
    def total(self) -> float:
        """Return the unit's value."""
        if self.result is not None:
            return self.result
        return float(np.sum(self.products) + self.bias)


def _listed(
    form: Form, operand: Operand, at: Index, chosen: tuple[Array, ...], weights: tuple[Array, ...], **more: Any
) -> Arithmetic:
    """Return the arithmetic of the inputs that are chosen by masks, with weights of the same shapes."""
    sources: list[int] = []
    indices: list[Index] = []
    values, factors = [], []
    for source, (x, mask, weight) in enumerate(zip(operand.inputs, chosen, weights, strict=True)):
        found = np.argwhere(mask)
        sources += [source] * len(found)
        indices += [tuple(map(int, one)) for one in found]
        values.append(x[mask])
        factors.append(weight[mask])
    return Arithmetic(
        form, tuple(sources), tuple(indices), np.concatenate(values), np.concatenate(factors), **more
    )


def _of_one(operand: Operand, index: Index, weight: float, form: Form = "sum", **more: Any) -> Arithmetic:
    """Return the arithmetic of a unit that reads one unit."""
    value = np.array([operand.inputs[0][index]])
    return Arithmetic(form, (0,), (index,), value, np.array([weight]), **more)


@singledispatch
def arithmetic(layer: Layer, operand: Operand, at: Index) -> Arithmetic:
    """Return how a unit of a layer is computed.

    `at` is the unit's index in the layer's output. A layer without a form lists no terms.
    """
    return Arithmetic("inputs", result=float(operand.output()[at]))


# Weighted sums


@arithmetic.register
def _(layer: Conv, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    weight = operand.parameters["weight"]
    out, *position = at
    depth = weight.shape[1]
    first = out // (weight.shape[0] // layer.groups) * depth
    windows = zip(layer.windows(x.shape), x.shape[1:], position, strict=True)
    taps = [window.taps(n)[p] for window, n, p in windows]
    return _slid(x, weight[out], first, taps, _bias(operand, out))


@arithmetic.register
def _(layer: ConvTranspose, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    out, *position = at
    per_group = layer.out_channels // layer.groups
    depth = len(x) // layer.groups
    first = out // per_group * depth
    windows = zip(layer.windows(x.shape), x.shape[1:], position, strict=True)
    taps = [window.taps(n)[p] for window, n, p in windows]
    weight = operand.parameters["weight"][first : first + depth, out % per_group]
    found = _slid(x, weight, first, taps, _bias(operand, out))
    return replace(found, padding=0)  # taps between the stride's positions read nothing


def _slid(x: Array, weight: Array, first: int, taps: list[Array], bias: float) -> Arithmetic:
    """Return the arithmetic of one kernel (channels, taps…) at one position; a tap of -1 reads padding."""
    where = [np.flatnonzero(axis >= 0) for axis in taps]
    kept = weight[np.ix_(np.arange(len(weight)), *where)]
    channels = np.arange(first, first + len(weight))
    positions = [axis[inside] for axis, inside in zip(taps, where, strict=True)]
    values = x[np.ix_(channels, *positions)]
    indices = tuple(
        tuple(map(int, (channel, *position))) for channel in channels for position in product(*positions)
    )
    padding = weight.size - kept.size
    return Arithmetic("sum", (0,) * len(indices), indices, values.ravel(), kept.ravel(), bias, padding)


def _bias(operand: Operand, out: int) -> float:
    return float(operand.parameters["bias"][out]) if "bias" in operand.parameters else 0.0


@arithmetic.register
def _(layer: Linear, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    *row, out = at
    vector = x.reshape(layer.vector(x.shape))[tuple(row)]
    pooled = len(layer.vector(x.shape)) < x.ndim
    ends = (0,) * (x.ndim - 1) if pooled else ()
    indices = tuple((*row, i, *ends) for i in range(len(vector)))
    weight = operand.parameters["weight"][out]
    return Arithmetic("sum", (0,) * len(indices), indices, vector, weight, _bias(operand, out))


@arithmetic.register
def _(layer: MatMul, operand: Operand, at: Index) -> Arithmetic:
    one, two = operand.inputs
    *stack, row, column = at
    indices = tuple((*stack, row, k) for k in range(one.shape[-1]))
    stacked = tuple(stack)
    values, weights = one[stacked][row], two[stacked][:, column]
    return Arithmetic("sum", (0,) * len(indices), indices, values, weights)


@arithmetic.register(AvgPool)
@arithmetic.register(AdaptiveAvgPool)
@arithmetic.register(GlobalAvgPool)
@arithmetic.register(Upsample)
def _(layer: Layer, operand: Operand, at: Index) -> Arithmetic:
    """Linear in the input: the weights are the derivatives, and none of those that are read is 0."""
    (weights,) = _numbers(operand.derivatives(at))
    return _listed("sum", operand, at, (weights != 0,), (weights,))


@arithmetic.register(Add)
@arithmetic.register(Subtract)
def _(layer: Layer, operand: Operand, at: Index) -> Arithmetic:
    weights = _numbers(operand.derivatives(at))
    return _listed("sum", operand, at, tuple(one != 0 for one in weights), weights)


@arithmetic.register(Flatten)
@arithmetic.register(Reshape)
@arithmetic.register(Permute)
@arithmetic.register(Pad)
@arithmetic.register(Crop)
@arithmetic.register(Slice)
@arithmetic.register(PixelShuffle)
@arithmetic.register(ChannelShuffle)
@arithmetic.register(IndexSelect)
@arithmetic.register(Roll)
@arithmetic.register(Expand)
@arithmetic.register(Concat)
@arithmetic.register(Identity)
@arithmetic.register(Dropout)
def _(layer: Layer, operand: Operand, at: Index) -> Arithmetic:
    """Moves elements: one input has weight 1, or none for a constant that is filled in."""
    weights = _numbers(operand.derivatives(at))
    read = tuple(one != 0 for one in weights)
    constant = 0.0 if any(one.any() for one in read) else float(operand.output()[at])
    return _listed("sum", operand, at, read, weights, bias=constant)


@arithmetic.register
def _(layer: Reduce, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    along = layer.along(x.shape)
    kept = iter(at if not layer.keepdims else [i for axis, i in enumerate(at) if axis not in along])
    read = np.zeros(x.shape, bool)
    read[tuple(slice(None) if axis in along else next(kept) for axis in range(x.ndim))] = True
    if layer.mode in ("max", "min"):
        return _compared(operand, at, read)
    weight = 1 / np.count_nonzero(read) if layer.mode == "mean" else 1.0
    return _listed("sum", operand, at, (read,), (np.full(x.shape, weight),))


@arithmetic.register
def _(layer: Affine, operand: Operand, at: Index) -> Arithmetic:
    return _of_one(operand, at, layer.scale, bias=layer.shift)


@arithmetic.register
def _(layer: Scale, operand: Operand, at: Index) -> Arithmetic:
    return _of_one(operand, at, float(operand.parameters["weight"].ravel()[at[layer.axis]]))


@arithmetic.register
def _(layer: Embedding, operand: Operand, at: Index) -> Arithmetic:
    """Look up: the input is the row of the table, the value one of its elements."""
    *position, column = at
    row = int(operand.inputs[0][tuple(position)])
    value = float(operand.parameters["weight"][row, column])
    return Arithmetic(
        "function", (0,), (tuple(position),), np.array([float(row)]), np.zeros(1), facts={"row": row}, result=value
    )


def _numbers(arrays: tuple[Array | None, ...]) -> tuple[Array, ...]:
    return tuple(one for one in arrays if one is not None)


# Windows whose elements are compared, or summed in another way


@arithmetic.register
def _(layer: MaxPool, operand: Operand, at: Index) -> Arithmetic:
    return _compared(operand, at, *_window(layer, operand, at))


@arithmetic.register(AdaptiveMaxPool)
@arithmetic.register(GlobalMaxPool)
def _(layer: Layer, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    return _compared(operand, at, _bin(x, at[0], at[1:], operand.output().shape[1:]))


@arithmetic.register
def _(layer: SpatialPyramidPool, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    rest = at[0]
    for level in layer.levels:
        length = len(x) * level ** (x.ndim - 1)
        if rest < length:
            break
        rest -= length
    sizes = (level,) * (x.ndim - 1)
    channel, *position = (int(i) for i in np.unravel_index(rest, (len(x), *sizes)))
    found = _compared(operand, at, _bin(x, channel, tuple(position), sizes))
    facts = {**found.facts, "level": level}
    return replace(found, facts=facts)


def _bin(x: Array, channel: int, position: Index, sizes: tuple[int, ...]) -> Array:
    """Return the mask of a bin of adaptive pooling."""
    read = np.zeros(x.shape, bool)
    spans = [Bins(n, size).span(np.array(p)) for n, size, p in zip(x.shape[1:], sizes, position, strict=True)]
    inside: tuple[Any, ...] = (channel, *(slice(int(first), int(last) + 1) for first, last in spans))
    read[inside] = True
    return read


def _window(layer: Any, operand: Operand, at: Index) -> tuple[Array, int]:
    """Return the mask of a pooling window, and how many of its positions are padding."""
    (x,) = operand.inputs
    channel, *position = at
    windows = zip(layer.windows(x.shape), x.shape[1:], position, strict=True)
    taps = [window.taps(n)[p] for window, n, p in windows]
    inside = [axis[axis >= 0] for axis in taps]
    read = np.zeros(x.shape, bool)
    read[np.ix_([channel], *inside)] = True
    return read, prod(map(len, taps)) - prod(map(len, inside))


def _compared(operand: Operand, at: Index, read: Array, padding: int = 0) -> Arithmetic:
    """Return the winner of a comparison: the element that gets the gradient, with weight 1, or each its share."""
    (weights,) = _numbers(operand.derivatives(at))
    value = float(operand.output()[at])
    ties = int(np.count_nonzero(operand.inputs[0][read] == value))
    return _listed("winner", operand, at, (read,), (weights,), padding=padding, facts={"ties": ties})


@arithmetic.register
def _(layer: LPPool, operand: Operand, at: Index) -> Arithmetic:
    read, padding = _window(layer, operand, at)
    powers = np.abs(operand.inputs[0][read]) ** layer.norm_type
    (weights,) = _numbers(operand.derivatives(at))
    total = float(powers.sum())
    facts = {"sum_of_powers": total, "exponent": layer.norm_type}
    return _listed(
        "function",
        operand,
        at,
        (read,),
        (weights,),
        padding=padding,
        facts=facts,
        result=total ** (1 / layer.norm_type),
    )


@arithmetic.register
def _(layer: StochasticPool, operand: Operand, at: Index) -> Arithmetic:
    """At inference the mean of the window, weighted by its own positive values."""
    read, padding = _window(layer, operand, at)
    positive = np.maximum(operand.inputs[0], 0)
    total = float(positive[read].sum())
    shares = positive / total if total > 0 else np.zeros_like(positive)
    return _listed("sum", operand, at, (read,), (shares,), padding=padding, facts={"sum": total})


# Normalization


@arithmetic.register
def _(layer: BatchNorm, operand: Operand, at: Index) -> Arithmetic:
    channel = at[0]
    mean = float(operand.buffers["running_mean"][channel])
    variance = float(operand.buffers["running_var"][channel])
    return _standardized(operand, at, (channel,), mean, variance, layer.eps)


@arithmetic.register
def _(layer: GroupNorm, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    size = len(x) // layer.num_groups
    first = at[0] // size * size
    return _by_statistics(operand, at, (at[0],), x[first : first + size], layer.eps)


@arithmetic.register
def _(layer: InstanceNorm, operand: Operand, at: Index) -> Arithmetic:
    return _by_statistics(operand, at, (at[0],), operand.inputs[0][at[0]], layer.eps)


@arithmetic.register
def _(layer: LayerNorm, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    along = layer.normalized(x.shape)
    own: tuple[Any, ...] = tuple(slice(None) if axis in along else at[axis] for axis in range(x.ndim))
    members = x[own]
    return _by_statistics(operand, at, tuple(at[axis] for axis in along), members, layer.eps)


def _by_statistics(operand: Operand, at: Index, own: Index, members: Array, eps: float) -> Arithmetic:
    mean = float(members.mean())
    variance = float(np.square(members - mean).mean())
    return _standardized(operand, at, own, mean, variance, eps)


def _standardized(operand: Operand, at: Index, own: Index, mean: float, variance: float, eps: float) -> Arithmetic:
    """Return γ·(x − mean) / √(variance + eps) + β as one term and a bias."""
    gamma = float(operand.parameters["weight"][own]) if "weight" in operand.parameters else 1.0
    beta = float(operand.parameters["bias"][own]) if "bias" in operand.parameters else 0.0
    weight = gamma / sqrt(variance + eps)
    facts = {"mean": mean, "variance": variance, "eps": eps, "gamma": gamma, "beta": beta}
    return _of_one(operand, at, weight, bias=beta - mean * weight, facts=facts)


@arithmetic.register
def _(layer: LocalResponseNorm, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    value = float(operand.output()[at])
    own = float(x[at])
    (slopes,) = _numbers(operand.derivatives(at))
    weight = value / own if own else float(slopes[at])
    return _of_one(operand, at, weight, facts={"divisor": 1 / weight})


# Functions of single elements, and softmax


@arithmetic.register(ReLU)
@arithmetic.register(LeakyReLU)
@arithmetic.register(PReLU)
def _(layer: Layer, operand: Operand, at: Index) -> Arithmetic:
    """Piecewise linear through 0: the weight is the slope."""
    (slopes,) = _numbers(operand.derivatives(at))
    return _of_one(operand, at, float(slopes[at]))


@arithmetic.register(Activation)
@arithmetic.register(Pointwise)
def _(layer: Layer, operand: Operand, at: Index) -> Arithmetic:
    (slopes,) = _numbers(operand.derivatives(at))
    return _of_one(operand, at, float(slopes[at]), "function", result=float(operand.output()[at]))


@arithmetic.register
def _(layer: Softmax, operand: Operand, at: Index) -> Arithmetic:
    (x,) = operand.inputs
    axis = layer.along(x.shape)
    read = np.zeros(x.shape, bool)
    read[tuple(slice(None) if a == axis else i for a, i in enumerate(at))] = True
    largest = float(x[read].max())
    (weights,) = _numbers(operand.derivatives(at))
    facts = {"maximum": largest, "denominator": float(np.exp(x[read] - largest).sum())}
    value = float(operand.output()[at])
    return _listed("function", operand, at, (read,), (weights,), facts=facts, result=value)


# Merges


@arithmetic.register
def _(layer: Multiply, operand: Operand, at: Index) -> Arithmetic:
    """The first input times the product of the others."""
    indices = [_aligned_index(x, at) for x in operand.inputs]
    factors = [float(x[index]) for x, index in zip(operand.inputs, indices, strict=True)]
    return _of_one(operand, indices[0], prod(factors[1:]), facts={"factors": tuple(factors)})


@arithmetic.register
def _(layer: Divide, operand: Operand, at: Index) -> Arithmetic:
    one, two = (_aligned_index(x, at) for x in operand.inputs)
    divisor = operand.inputs[1][two]
    with np.errstate(all="ignore"):
        return _of_one(operand, one, float(1 / divisor), facts={"divisor": float(divisor)})


@arithmetic.register
def _(layer: Extreme, operand: Operand, at: Index) -> Arithmetic:
    value = float(operand.output()[at])
    indices = tuple(_aligned_index(x, at) for x in operand.inputs)
    values = np.array([x[index] for x, index in zip(operand.inputs, indices, strict=True)])
    wins = (values == value).astype(float)
    facts = {"ties": int(wins.sum())}
    return Arithmetic("winner", tuple(range(len(indices))), indices, values, wins / wins.sum(), facts=facts)


def _aligned_index(x: Array, at: Index) -> Index:
    """Return the element of an input that is repeated along axes of size 1."""
    return tuple(0 if n == 1 else i for n, i in zip(x.shape, at[len(at) - x.ndim :], strict=True))


@arithmetic.register
def _(layer: MultiheadAttention, operand: Operand, at: Index) -> Arithmetic:
    """Each key position of each head: its attention weight times its projected value.

    An index is (key position, head). `facts` has the scores and weights, by head and key position.
    """
    position, out = at
    parameters = operand.parameters
    sources = operand.inputs if len(operand.inputs) == 3 else operand.inputs * 3
    weights = np.split(parameters["in_proj_weight"], 3)
    biases = np.split(parameters["in_proj_bias"], 3) if layer.bias else [0.0, 0.0, 0.0]
    query, key, value = (x @ w.T + b for x, w, b in zip(sources, weights, biases, strict=True))
    heads = layer.num_heads
    width = query.shape[-1] // heads
    scores = np.einsum("hd,khd->hk", query[position].reshape(heads, width), key.reshape(-1, heads, width))
    scores /= sqrt(width)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    projection = parameters["out_proj.weight"][out].reshape(heads, width)
    values = np.einsum("khd,hd->kh", value.reshape(-1, heads, width), projection)
    indices = tuple(product(range(len(values)), range(heads)))
    bias = float(parameters["out_proj.bias"][out]) if layer.bias else 0.0
    facts = {"scores": scores, "weights": shares}
    source = (len(operand.inputs) - 1,) * len(indices)
    return Arithmetic("sum", source, indices, values.ravel(), shares.T.ravel(), bias, facts=facts)


@arithmetic.register
def _(layer: LSTM, operand: Operand, at: Index) -> Arithmetic:
    """Each time step up to the unit's own: what it wrote to the cell, times what is left of that in the output.

    With the cell state c, gates i, f, o, candidate g and y = o·tanh(c), c is the sum of i·g over the steps, each
    times the forget gates since then. So step s has the input i·g of s, and the weight (product of f after
    s)·o·tanh(c)/c. An index is (time step, cell). With a projection the inputs are o·tanh(c) of the cells, and the
    weights those of the projection.
    """
    step, feature = at
    direction, out = divmod(feature, layer.width)
    end = f"_l{layer.num_layers - 1}{('', '_reverse')[direction]}"
    steps = operand.saved()[end]
    if layer.proj_size:
        cells = steps[step].unprojected[0]
        weights = operand.parameters[f"weight_hr{end}"][out]
        indices = tuple((step, cell) for cell in range(len(cells)))
        return Arithmetic("sum", (0,) * len(indices), indices, cells, weights)
    order = list(range(step + 1) if direction == 0 else range(len(steps) - 1, step - 1, -1))
    written = np.array([float(steps[s].i[0, out] * steps[s].g[0, out]) for s in order])
    forgotten = np.array([float(steps[s].f[0, out]) for s in order])
    left = np.append(np.cumprod(forgotten[:0:-1])[::-1], 1.0)
    cell = float(written @ left)
    last = steps[step]
    output_gate = float(last.o[0, out])
    weights = left * output_gate * (float(np.tanh(cell)) / cell if cell else 1.0)
    facts = {
        "input_gate": float(last.i[0, out]),
        "forget_gate": float(last.f[0, out]),
        "candidate": float(last.g[0, out]),
        "output_gate": output_gate,
        "cell_before": float(last.cell_before[0, out]),
        "cell": cell,
    }
    indices = tuple((s, out) for s in order)
    return Arithmetic("sum", (0,) * len(indices), indices, written, weights, facts=facts)
