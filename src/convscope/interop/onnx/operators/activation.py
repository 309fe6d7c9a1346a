"""Activations, softmax and dropout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isinf, prod

from ....layers import (
    ELU,
    GELU,
    SELU,
    Affine,
    Clamp,
    Dropout,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Reshape,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from ....layers.base import Layer
from ...errors import UnsupportedOperator
from ..call import Call, converts, with_layer_output
from ..values import ORDERED, SIGNED, Flow
from . import patterns

_SIMPLE: dict[str, Callable[[], Layer]] = {"Relu": ReLU, "Tanh": Tanh, "HardSwish": Hardswish}


@converts("Relu", since=(6, 13, 14), types=SIGNED)
@converts("Tanh", since=(6, 13))
@converts("HardSwish", since=(14, 22))
def simple_activation(call: Call) -> Sequence[Flow]:
    """Activations without settings."""
    return [call.emit(_SIMPLE[call.operator](), call.flow())]


@converts("Sigmoid", since=(6, 13))
def sigmoid(call: Call) -> Sequence[Flow]:
    """Sigmoid, or SiLU if it multiplies its input."""
    return [patterns.times_input(call, SiLU()) or call.emit(Sigmoid(), call.flow())]


@converts("Softplus", since=(1, 22))
def softplus(call: Call) -> Sequence[Flow]:
    """Softplus, or Mish if its tanh multiplies the input."""
    return [patterns.mish(call) or call.emit(Softplus(), call.flow())]


@converts("Mish", since=(18, 22))
def mish(call: Call) -> Sequence[Flow]:
    """Mish."""
    return [call.emit(Mish(), call.flow())]


@converts("Swish", since=(24,))
def swish(call: Call) -> Sequence[Flow]:
    """x·σ(alpha·x), supported for alpha 1."""
    if call.attribute("alpha", 1.0) != 1:
        raise UnsupportedOperator("alpha")
    return [call.emit(SiLU(), call.flow())]


@converts("HardSigmoid", since=(6, 22))
def hard_sigmoid(call: Call) -> Sequence[Flow]:
    """max(0, min(1, alpha·x + beta)): Hardsigmoid for 1/6 and 1/2, otherwise a clamped Affine."""
    alpha, beta = call.attribute("alpha", 0.2), call.attribute("beta", 0.5)
    if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
        line = call.emit(Affine(alpha, beta), call.flow(), part="line")
        return [call.emit(Clamp(0.0, 1.0), line)]
    return [patterns.times_input(call, Hardswish()) or call.emit(Hardsigmoid(), call.flow())]


@converts("Gelu", since=(20,))
def gelu(call: Call) -> Sequence[Flow]:
    """GELU, exact or approximated by tanh."""
    return [call.emit(GELU(call.attribute("approximate", "none")), call.flow())]


@converts("LeakyRelu", since=(6, 16))
def leaky_relu(call: Call) -> Sequence[Flow]:
    """LeakyRelu; alpha defaults to 0.01."""
    return [call.emit(LeakyReLU(call.attribute("alpha", 0.01)), call.flow())]


@converts("Elu", since=(6, 22))
def elu(call: Call) -> Sequence[Flow]:
    """Elu."""
    return [call.emit(ELU(call.attribute("alpha", 1.0)), call.flow())]


@converts("Selu", since=(6, 22))
def selu(call: Call) -> Sequence[Flow]:
    """Selu, supported with its two standard constants."""
    alpha, scale = call.attribute("alpha", SELU.ALPHA), call.attribute("gamma", SELU.SCALE)
    if abs(alpha - SELU.ALPHA) > 1e-5 or abs(scale - SELU.SCALE) > 1e-5:
        raise UnsupportedOperator("constants other than Klambauer's")
    return [call.emit(SELU(), call.flow())]


@converts("PRelu", since=(7, 9, 16))
def prelu(call: Call) -> Sequence[Flow]:
    """PRelu with one slope, or one per channel: (c, 1, 1) for inputs (n, c, h, w)."""
    x, slope = call.flow(), call.constant(1)
    count = slope.size
    channels = x.image[0]
    aligned = (1,) * (len(x.shape) - len(slope.shape)) + slope.shape
    if count != 1 and (x.batch != 0 or count != channels or aligned[1] != channels):
        raise UnsupportedOperator("slopes along an axis other than the channels")
    flat = slope.derive((count,), lambda array: array.reshape(-1), "flat")
    return [call.emit(PReLU(count), x, parameters={"weight": flat})]


@converts("Clip", since=(6, 11, 12, 13), types=ORDERED)
def clip(call: Call) -> Sequence[Flow]:
    """Clip: ReLU, ReLU6 or Clamp; bounds are attributes up to version 6, then inputs."""
    low = _bound(call, 1, "min")
    high = _bound(call, 2, "max")
    x = call.flow()
    if low is not None and high is not None and low > high:
        raise UnsupportedOperator("a lower bound above the upper bound", "min")
    if low is None and high is None:
        return [x]
    if (low, high) == (0.0, None):
        return [call.emit(ReLU(), x)]
    return [call.emit(ReLU6() if (low, high) == (0.0, 6.0) else Clamp(low, high), x)]


def _bound(call: Call, index: int, name: str) -> float | None:
    """Return a bound, or None if no float32 exceeds it."""
    value = call.constant(index).scalar if call.has_input(index) else call.attribute(name, inf)
    return None if value is None or isinf(value) or abs(value) >= 3.4e38 else value


@converts("Softmax", "LogSoftmax", since=(13,))
def softmax(call: Call) -> Sequence[Flow]:
    """Softmax along one axis, by default the last."""
    x = call.flow()
    axis = x.axis(call.attribute("axis", -1) % len(x.shape))
    return [call.emit(_softmax(call)(_not_batch(axis)), x)]


@converts("Softmax", "LogSoftmax", since=(1, 11))
def flattened_softmax(call: Call) -> Sequence[Flow]:
    """Softmax before version 13: over `axis` and all axes after it, flattened."""
    x = call.images()
    rank = len(x.shape)
    first = call.attribute("axis", 1) % rank
    if first == 0:
        raise UnsupportedOperator("softmax over the batch")
    if prod(x.shape[first + 1 :]) == 1:
        return [call.emit(_softmax(call)(first - 1), x)]
    rows = (*x.shape[1:first], prod(x.shape[first:]))
    flat = call.emit(Reshape(rows), x, part="rows")
    output = call.emit(_softmax(call)(len(rows) - 1), flat, part="softmax")
    return [with_layer_output(x, call.emit(Reshape(x.image), output), 0)]


def _softmax(call: Call) -> type[Softmax]:
    return LogSoftmax if call.operator == "LogSoftmax" else Softmax


def _not_batch(axis: int | None) -> int:
    if axis is None:
        raise UnsupportedOperator("softmax over the batch")
    return axis


@converts("Dropout", since=(7, 10, 12, 13, 22))
def dropout(call: Call) -> Sequence[Flow]:
    """Dropout at inference; its ratio is an attribute up to version 10, then an input."""
    if call.has_input(2) and call.constant(2).scalar != 0:
        raise UnsupportedOperator("dropout at inference", "training_mode")
    ratio = call.constant(1).scalar if call.has_input(1) else call.attribute("ratio", 0.5)
    return [call.emit(Dropout(0.5 if ratio is None else ratio), call.flow())]
