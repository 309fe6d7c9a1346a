"""Activation functions as layers, as arguments of layers and as functions; dropout."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ....layers.activation import (
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from ....layers.base import Layer
from ....layers.elementwise import Affine, Clamp, Function
from ....layers.merge import Divide, Multiply, Subtract
from ....layers.structural import Dropout, Opaque
from ..call import Call
from ..flow import Flow, Unmapped
from ..registry import converts
from ..weights import Weights

_LAYERS: dict[str, Layer] = {
    "celu": ELU(1.0),
    "elu": ELU(1.0),
    "exponential": Function("exp"),
    "gelu": GELU("none"),
    "hard_sigmoid": Hardsigmoid(),
    "hard_silu": Hardswish(),
    "hard_tanh": Clamp(-1.0, 1.0),
    "leaky_relu": LeakyReLU(0.2),
    "mish": Mish(),
    "relu": ReLU(),
    "relu6": ReLU6(),
    "selu": SELU(),
    "sigmoid": Sigmoid(),
    "silu": SiLU(),
    "softplus": Softplus(),
    "tanh": Tanh(),
}
"""Keras' activation functions with the settings that their names stand for."""


def activated(call: Call, flow: Flow, function: Any) -> Flow:
    """Add the layers of an activation that another layer has as its argument."""
    import keras

    if function is None or function is keras.activations.linear:
        return flow
    if isinstance(function, keras.Operation):
        return call.result(function, f"{call.name}.{function.name}", flow)
    return apply(call, flow, function, getattr(function, "__name__", "activation"))


def apply(call: Call, flow: Flow, function: Callable[..., Any], part: str) -> Flow:
    """Add the layers of an activation function; a user's own is followed, or unknown."""
    import keras

    word = getattr(function, "__name__", "")
    if getattr(keras.activations, word, None) is function:
        if word == "linear":
            return call.emit(Affine(), flow, part=part)
        if word in _LAYERS:
            return call.emit(_LAYERS[word], flow, part=part)
        if word in _PIECES:
            return _PIECES[word](call, flow, part)
    else:
        name = f"{call.name}.{part}" if part else call.name
        followed = call.walk.traced(function, name, [flow], {})
        if (
            followed is not None
            and len(followed) == 1
            and isinstance(followed[0], Flow)
            and followed[0].shape == flow.shape
        ):
            return followed[0]
    return call.emit(Opaque(word or type(function).__name__, flow.held), flow, part=part)


def _inner(part: str, word: str) -> str:
    return f"{part}.{word}" if part else word


def _soft(kind: type[Softmax], call: Call, flow: Flow, part: str, axis: int = -1) -> Flow:
    return call.emit(kind(flow.axis(axis)), flow, part=part)


def _softsign(call: Call, flow: Flow, part: str) -> Flow:
    size = call.emit(Function("abs"), flow, part=_inner(part, "abs"))
    return call.emit(Divide(), flow, call.emit(Affine(1.0, 1.0), size, part=_inner(part, "shift")), part=part)


def _log_sigmoid(call: Call, flow: Flow, part: str) -> Flow:
    turned = call.emit(Affine(-1.0), flow, part=_inner(part, "neg"))
    return call.emit(Affine(-1.0), call.emit(Softplus(), turned, part=_inner(part, "softplus")), part=part)


def _tanh_shrink(call: Call, flow: Flow, part: str) -> Flow:
    return call.emit(Subtract(), flow, call.emit(Tanh(), flow, part=_inner(part, "tanh")), part=part)


_PIECES: dict[str, Callable[[Call, Flow, str], Flow]] = {
    "log_sigmoid": _log_sigmoid,
    "log_softmax": partial(_soft, LogSoftmax),
    "softmax": partial(_soft, Softmax),
    "softsign": _softsign,
    "tanh_shrink": _tanh_shrink,
}
"""Activation functions that need to know their axis, or several layers."""


def _register(word: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call) -> Flow:
        flow = call.flow()
        return call.emit(_LAYERS[word], flow) if word in _LAYERS else _PIECES[word](call, flow, "")


for _word, _names in {
    "hard_sigmoid": ("ops.nn.HardSigmoid",),
    "hard_silu": ("ops.nn.HardSilu",),
    "hard_tanh": ("ops.nn.HardTanh",),
    "log_sigmoid": ("ops.nn.LogSigmoid",),
    "relu": ("ops.nn.Relu",),
    "relu6": ("ops.nn.Relu6",),
    "selu": ("ops.nn.Selu",),
    "sigmoid": ("ops.nn.Sigmoid",),
    "silu": ("ops.nn.Silu",),
    "softplus": ("ops.nn.Softplus",),
    "softsign": ("ops.nn.Softsign",),
    "tanh": ("ops.numpy.Tanh",),
    "tanh_shrink": ("ops.nn.TanhShrink",),
}.items():
    _register(_word, *_names)


@converts("layers.Activation")
def activation(call: Call) -> Flow:
    """Convert an activation layer by its function."""
    import keras

    function = call.op.activation
    if isinstance(function, keras.Operation):
        return call.result(function, call.name, call.flow())
    return apply(call, call.flow(), function, "")


@converts("layers.ReLU", "activations.activations.ReLU")
def relu(call: Call) -> Flow:
    """Convert ReLU with a slope and a largest value; none of the layers here jumps at a threshold."""
    slope, most = float(call.op.negative_slope or 0), call.op.max_value
    if call.op.threshold:
        raise Unmapped("a threshold")
    flow = call.flow()
    if slope:
        leaky = call.emit(LeakyReLU(slope), flow, part="" if most is None else "leaky")
        return leaky if most is None else call.emit(Clamp(None, float(most)), leaky)
    if most is None:
        return call.emit(ReLU(), flow)
    return call.emit(ReLU6() if most == 6 else Clamp(0.0, float(most)), flow)


@converts("layers.LeakyReLU", "ops.nn.LeakyRelu")
def leaky_relu(call: Call) -> Flow:
    """Convert ReLU with a slope."""
    return call.emit(LeakyReLU(float(call.op.negative_slope)), call.flow())


@converts("layers.ELU", "ops.nn.Elu")
def elu(call: Call) -> Flow:
    """Convert the exponential linear unit."""
    return call.emit(ELU(float(call.op.alpha)), call.flow())


@converts("ops.nn.Celu")
def celu(call: Call) -> Flow:
    """Convert CELU, which is ELU where its alpha is 1."""
    if call.op.alpha != 1:
        raise Unmapped("another alpha")
    return call.emit(ELU(1.0), call.flow())


@converts("ops.nn.Gelu")
def gelu(call: Call) -> Flow:
    """Convert GELU, exact or approximated."""
    return call.emit(GELU("tanh" if call.op.approximate else "none"), call.flow())


@converts("layers.Softmax", "ops.nn.Softmax", "ops.nn.LogSoftmax")
def softmax(call: Call) -> Flow:
    """Convert softmax and its logarithm along one axis."""
    from keras.src.ops.nn import LogSoftmax as KerasLogSoftmax

    call.only()
    kind = LogSoftmax if isinstance(call.op, KerasLogSoftmax) else Softmax
    axis = call.op.axis
    if isinstance(axis, list | tuple) and len(axis) == 1:
        axis = axis[0]
    if not isinstance(axis, int) or len(call.args) > 1:
        raise Unmapped("several axes, or a mask")
    flow = call.flow()
    return _soft(kind, call, flow, "", flow.place(axis))


@converts("layers.PReLU")
def prelu(call: Call) -> Flow:
    """Convert learned slopes: one, one per channel, or one per element as max(0, x) − a·max(0, −x)."""
    flow, alpha = call.flow(), call.op.alpha
    shape = tuple(alpha.shape)
    wide = [axis for axis, size in enumerate(shape) if size > 1]
    if len(wide) <= 1:
        front = wide[0] if wide else flow.order[0]
        flow = call.arranged(flow, (front, *(axis for axis in flow.order if axis != front)))
        count = shape[front] if wide else 1
        slopes = Weights((alpha,), lambda array: array.reshape(count))
        return call.emit(PReLU(count), flow, parameters={"weight": slopes})
    positive = call.emit(ReLU(), flow, part="relu")
    negative = call.emit(ReLU(), call.emit(Affine(-1.0), flow, part="neg"), part="negative")
    weighed = call.emit(Multiply(), negative, call.array(alpha, flow, "alpha"), part="mul")
    return call.emit(Subtract(), positive, weighed)


@converts("layers.Dropout", "layers.SpatialDropout1D", "layers.SpatialDropout2D", "layers.SpatialDropout3D")
def dropout(call: Call) -> Flow:
    """Convert dropout of every kind, which does nothing at inference."""
    return call.emit(Dropout(float(call.op.rate)), call.flow())
