"""Activation functions, softmax, dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from ....layers.rearrange import Slice
from ....layers.structural import Dropout
from ...errors import RandomAtInference, UnsupportedOperator
from ..registry import converts
from .convolution import own

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


def _plain(*names: str, layer: Layer) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor, inplace: bool = False) -> str:
        return call.last(layer, call.node(input))


_plain("relu", layer=ReLU())
_plain("relu6", layer=ReLU6())
_plain("sigmoid", "special.expit", layer=Sigmoid())
_plain("tanh", layer=Tanh())
_plain("selu", layer=SELU())
_plain("silu", layer=SiLU())
_plain("mish", layer=Mish())
_plain("hardsigmoid", layer=Hardsigmoid())
_plain("hardswish", layer=Hardswish())


@converts("gelu")
def gelu(call: Call, input: Tensor, approximate: str = "none") -> str:
    """Convert GELU."""
    return call.last(GELU(approximate), call.node(input))


@converts("leaky_relu")
def leaky_relu(call: Call, input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> str:
    """Convert leaky ReLU."""
    return call.last(LeakyReLU(negative_slope), call.node(input))


@converts("rrelu")
def rrelu(
    call: Call,
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> str:
    """Convert ReLU with random slopes, as it is at inference: with their mean."""
    if training and lower != upper:
        raise RandomAtInference("random slopes")
    return call.last(LeakyReLU((lower + upper) / 2), call.node(input))


@converts("prelu")
def prelu(call: Call, input: Tensor, weight: Tensor) -> str:
    """Convert ReLU with learned slopes."""
    own(call, weight)
    if weight.numel() > 1:
        call.batch.images(input.shape)
    return call.last(PReLU(weight.numel()), call.node(input), parameters={"weight": weight})


@converts("functional.elu_")
def elu_in_place(
    call: Call, input: Tensor, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0
) -> str:
    """Convert scale·ELU with the input scaled where it is negative; only plain ELU is a layer."""
    if scale != 1 or input_scale != 1:
        raise UnsupportedOperator("a scaled ELU")
    return elu(call, input, alpha)


@converts("functional.elu")
def elu(call: Call, input: Tensor, alpha: float = 1.0, inplace: bool = False) -> str:
    """Convert ELU."""
    return call.last(ELU(alpha), call.node(input))


@converts("celu")
def celu(call: Call, input: Tensor, alpha: float = 1.0, inplace: bool = False) -> str:
    """Convert CELU: alpha·ELU(x / alpha)."""
    if alpha == 1:
        return call.last(ELU(1.0), call.node(input))
    return call.last(Affine(alpha), call.step(ELU(1.0), call.step(Affine(1 / alpha), call.node(input))))


@converts("hardtanh")
def hardtanh(call: Call, input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> str:
    """Convert hard tanh."""
    return call.last(Clamp(min_val, max_val), call.node(input))


@converts("softplus")
def softplus(call: Call, input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> str:
    """Convert softplus; above its threshold PyTorch's differs from ln(1 + e^x) by less than 3e-9."""
    if threshold < 20:
        raise UnsupportedOperator("straight from a low threshold on")
    if beta == 1:
        return call.last(Softplus(), call.node(input))
    return call.last(Affine(1 / beta), call.step(Softplus(), call.step(Affine(beta), call.node(input))))


@converts("logsigmoid")
def log_sigmoid(call: Call, input: Tensor) -> str:
    """Convert ln σ(x) = −softplus(−x)."""
    return call.last(Function("neg"), call.step(Softplus(), call.step(Function("neg"), call.node(input))))


@converts("softsign")
def softsign(call: Call, input: Tensor) -> str:
    """Convert x / (1 + |x|)."""
    x = call.node(input)
    return call.last(Divide(), x, call.step(Affine(shift=1.0), call.step(Function("abs"), x)))


@converts("tanhshrink")
def tanhshrink(call: Call, input: Tensor) -> str:
    """Convert x − tanh x."""
    x = call.node(input)
    return call.last(Subtract(), x, call.step(Tanh(), x))


@converts("softshrink")
def softshrink(call: Call, input: Tensor, lambd: float = 0.5) -> str:
    """Convert x minus x clamped to ±lambd."""
    x = call.node(input)
    return call.last(Subtract(), x, call.step(Clamp(-lambd, lambd), x))


@converts("functional.glu")
def glu(call: Call, input: Tensor, dim: int = -1) -> str:
    """Convert the first half times the sigmoid of the second."""
    x = call.node(input)
    axis = call.batch.place(input.shape, dim)
    half = input.shape[dim] // 2
    gate = call.step(Sigmoid(), call.step(Slice(axis, half), x))
    return call.last(Multiply(), call.step(Slice(axis, 0, half), x), gate)


@converts("functional.softmax", "torch.softmax", "Tensor.softmax", "special.softmax")
def softmax(call: Call, input: Tensor, dim: int | None = None, *_types: Any, **_more: Any) -> str:
    """Convert softmax along one axis."""
    if dim is None:
        raise UnsupportedOperator("an axis is not named")
    return call.last(Softmax(call.batch.place(input.shape, dim)), call.node(input))


@converts("functional.log_softmax", "torch.log_softmax", "Tensor.log_softmax", "special.log_softmax")
def log_softmax(call: Call, input: Tensor, dim: int | None = None, *_types: Any, **_more: Any) -> str:
    """Convert the logarithm of softmax along one axis."""
    if dim is None:
        raise UnsupportedOperator("an axis is not named")
    return call.last(LogSoftmax(call.batch.place(input.shape, dim)), call.node(input))


@converts("functional.softmin")
def softmin(call: Call, input: Tensor, dim: int | None = None, *_types: Any, **_more: Any) -> str:
    """Convert softmax of −x."""
    if dim is None:
        raise UnsupportedOperator("an axis is not named")
    negative = call.step(Function("neg"), call.node(input))
    return call.last(Softmax(call.batch.place(input.shape, dim)), negative)


@converts(
    *("functional.dropout", "functional.dropout1d", "functional.dropout2d", "functional.dropout3d", "dropout_"),
)
def dropout(call: Call, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> str:
    """Convert dropout, which does nothing at inference unless it is told to; by default it is."""
    if training and p > 0:
        raise RandomAtInference("random zeros")
    return call.last(Dropout(p), call.node(input))


@converts("functional.alpha_dropout", "functional.feature_alpha_dropout")
def alpha_dropout(call: Call, input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> str:
    """Convert alpha dropout, which does nothing at inference unless it is told to."""
    return dropout(call, input, p, training)
