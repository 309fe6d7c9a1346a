"""Activation functions, softmax and dropout."""

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
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor
from ..weights import WeightSource

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
"""Layers of Keras' activation functions, with Keras' default settings."""


def add_activation(call: Call, tensor: SymbolicTensor, function: Any) -> SymbolicTensor:
    """Add the layers of an activation that is another layer's argument."""
    import keras

    if function is None or function is keras.activations.linear:
        return tensor
    if isinstance(function, keras.Operation):
        return call.convert_call(function, f"{call.name}.{function.name}", tensor)
    return apply_function(call, tensor, function, getattr(function, "__name__", "activation"))


def apply_function(call: Call, tensor: SymbolicTensor, function: Callable[..., Any], part: str) -> SymbolicTensor:
    """Add the layers of an activation function. A user's own is traced; if it cannot be, it becomes Opaque."""
    import keras

    word = getattr(function, "__name__", "")
    if getattr(keras.activations, word, None) is function:
        if word == "linear":
            return call.emit(Affine(), tensor, part=part)
        if word in _LAYERS:
            return call.emit(_LAYERS[word], tensor, part=part)
        if word in _PIECES:
            return _PIECES[word](call, tensor, part)
    else:
        name = f"{call.name}.{part}" if part else call.name
        traced = call.converter.trace_call(function, name, [tensor], {})
        if (
            traced is not None
            and len(traced) == 1
            and isinstance(traced[0], SymbolicTensor)
            and traced[0].shape == tensor.shape
        ):
            return traced[0]
    return call.emit(Opaque(word or type(function).__name__, tensor.layer_shape), tensor, part=part)


def _inner(part: str, word: str) -> str:
    return f"{part}.{word}" if part else word


def _soft(kind: type[Softmax], call: Call, tensor: SymbolicTensor, part: str, axis: int = -1) -> SymbolicTensor:
    return call.emit(kind(tensor.layer_axis(axis)), tensor, part=part)


def _softsign(call: Call, tensor: SymbolicTensor, part: str) -> SymbolicTensor:
    size = call.emit(Function("abs"), tensor, part=_inner(part, "abs"))
    return call.emit(Divide(), tensor, call.emit(Affine(1.0, 1.0), size, part=_inner(part, "shift")), part=part)


def _log_sigmoid(call: Call, tensor: SymbolicTensor, part: str) -> SymbolicTensor:
    negated = call.emit(Affine(-1.0), tensor, part=_inner(part, "neg"))
    return call.emit(Affine(-1.0), call.emit(Softplus(), negated, part=_inner(part, "softplus")), part=part)


def _tanh_shrink(call: Call, tensor: SymbolicTensor, part: str) -> SymbolicTensor:
    return call.emit(Subtract(), tensor, call.emit(Tanh(), tensor, part=_inner(part, "tanh")), part=part)


_PIECES: dict[str, Callable[[Call, SymbolicTensor, str], SymbolicTensor]] = {
    "log_sigmoid": _log_sigmoid,
    "log_softmax": partial(_soft, LogSoftmax),
    "softmax": partial(_soft, Softmax),
    "softsign": _softsign,
    "tanh_shrink": _tanh_shrink,
}
"""Activation functions that need an axis, or several layers."""


def _register(word: str, *names: str) -> None:
    @converts(*names)
    def convert(call: Call) -> SymbolicTensor:
        tensor = call.tensor()
        return call.emit(_LAYERS[word], tensor) if word in _LAYERS else _PIECES[word](call, tensor, "")


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
def activation(call: Call) -> SymbolicTensor:
    """Convert `Activation` by its function."""
    import keras

    function = call.op.activation
    if isinstance(function, keras.Operation):
        return call.convert_call(function, call.name, call.tensor())
    return apply_function(call, call.tensor(), function, "")


@converts("layers.ReLU", "activations.activations.ReLU")
def relu(call: Call) -> SymbolicTensor:
    """Convert ReLU with a negative slope and a maximum. No layer has a threshold."""
    slope, most = float(call.op.negative_slope or 0), call.op.max_value
    if call.op.threshold:
        raise UnsupportedOperator("a threshold")
    tensor = call.tensor()
    if slope:
        leaky = call.emit(LeakyReLU(slope), tensor, part="" if most is None else "leaky")
        return leaky if most is None else call.emit(Clamp(None, float(most)), leaky)
    if most is None:
        return call.emit(ReLU(), tensor)
    return call.emit(ReLU6() if most == 6 else Clamp(0.0, float(most)), tensor)


@converts("layers.LeakyReLU", "ops.nn.LeakyRelu")
def leaky_relu(call: Call) -> SymbolicTensor:
    """Convert leaky ReLU."""
    return call.emit(LeakyReLU(float(call.op.negative_slope)), call.tensor())


@converts("layers.ELU", "ops.nn.Elu")
def elu(call: Call) -> SymbolicTensor:
    """Convert ELU."""
    return call.emit(ELU(float(call.op.alpha)), call.tensor())


@converts("ops.nn.Celu")
def celu(call: Call) -> SymbolicTensor:
    """Convert CELU with alpha = 1, which is ELU."""
    if call.op.alpha != 1:
        raise UnsupportedOperator("alpha other than 1")
    return call.emit(ELU(1.0), call.tensor())


@converts("ops.nn.Gelu")
def gelu(call: Call) -> SymbolicTensor:
    """Convert GELU, exact or approximate."""
    return call.emit(GELU("tanh" if call.op.approximate else "none"), call.tensor())


@converts("layers.Softmax", "ops.nn.Softmax", "ops.nn.LogSoftmax")
def softmax(call: Call) -> SymbolicTensor:
    """Convert softmax and log-softmax along one axis."""
    from keras.src.ops.nn import LogSoftmax as KerasLogSoftmax

    call.refuse_other_arguments()
    kind = LogSoftmax if isinstance(call.op, KerasLogSoftmax) else Softmax
    axis = call.op.axis
    if isinstance(axis, list | tuple) and len(axis) == 1:
        axis = axis[0]
    if not isinstance(axis, int) or len(call.args) > 1:
        raise UnsupportedOperator("several axes, or a mask")
    tensor = call.tensor()
    return _soft(kind, call, tensor, "", tensor.normalize_axis(axis))


@converts("layers.PReLU")
def prelu(call: Call) -> SymbolicTensor:
    """Convert PReLU with one slope, one per channel, or one per element as max(0, x) − a·max(0, −x)."""
    tensor, alpha = call.tensor(), call.op.alpha
    shape = tuple(alpha.shape)
    wide = [axis for axis, size in enumerate(shape) if size > 1]
    if len(wide) <= 1:
        front = wide[0] if wide else tensor.order[0]
        tensor = call.transpose(tensor, (front, *(axis for axis in tensor.order if axis != front)))
        count = shape[front] if wide else 1
        slopes = WeightSource((alpha,), lambda array: array.reshape(count))
        return call.emit(PReLU(count), tensor, parameters={"weight": slopes})
    positive = call.emit(ReLU(), tensor, part="relu")
    negative = call.emit(ReLU(), call.emit(Affine(-1.0), tensor, part="neg"), part="negative")
    weighed = call.emit(Multiply(), negative, call.add_array(alpha, tensor, "alpha"), part="mul")
    return call.emit(Subtract(), positive, weighed)


@converts("layers.Dropout", "layers.SpatialDropout1D", "layers.SpatialDropout2D", "layers.SpatialDropout3D")
def dropout(call: Call) -> SymbolicTensor:
    """Convert dropout layers."""
    return call.emit(Dropout(float(call.op.rate)), call.tensor())
