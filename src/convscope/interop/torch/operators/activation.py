"""Activation functions, softmax and dropout."""

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
from ..call import converts
from .convolution import refuse_computed_weights

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


def _plain(*names: str, layer: Layer) -> None:
    @converts(*names)
    def convert(call: Call, input: Tensor, inplace: bool = False) -> str:
        return call.add_result(layer, call.node(input))


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
    return call.add_result(GELU(approximate), call.node(input))


@converts("leaky_relu")
def leaky_relu(call: Call, input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> str:
    """Convert leaky ReLU."""
    return call.add_result(LeakyReLU(negative_slope), call.node(input))


@converts("rrelu")
def rrelu(
    call: Call,
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> str:
    """Convert RReLU, which is leaky ReLU with the mean slope at inference."""
    if training and lower != upper:
        raise RandomAtInference("random slopes")
    return call.add_result(LeakyReLU((lower + upper) / 2), call.node(input))


@converts("prelu")
def prelu(call: Call, input: Tensor, weight: Tensor) -> str:
    """Convert PReLU."""
    refuse_computed_weights(call, weight)
    if weight.numel() > 1:
        call.batch.require_images(input.shape)
    return call.add_result(PReLU(weight.numel()), call.node(input), parameters={"weight": weight})


@converts("functional.elu_")
def elu_in_place(
    call: Call, input: Tensor, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0
) -> str:
    """Convert `elu_`, if its scales are 1."""
    if scale != 1 or input_scale != 1:
        raise UnsupportedOperator("a scaled ELU")
    return elu(call, input, alpha)


@converts("functional.elu")
def elu(call: Call, input: Tensor, alpha: float = 1.0, inplace: bool = False) -> str:
    """Convert ELU."""
    return call.add_result(ELU(alpha), call.node(input))


@converts("celu")
def celu(call: Call, input: Tensor, alpha: float = 1.0, inplace: bool = False) -> str:
    """Convert CELU: alpha·ELU(x / alpha)."""
    if alpha == 1:
        return call.add_result(ELU(1.0), call.node(input))
    return call.add_result(Affine(alpha), call.add(ELU(1.0), call.add(Affine(1 / alpha), call.node(input))))


@converts("hardtanh")
def hardtanh(call: Call, input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> str:
    """Convert hard tanh."""
    return call.add_result(Clamp(min_val, max_val), call.node(input))


@converts("softplus")
def softplus(call: Call, input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> str:
    """Convert softplus. Above its threshold PyTorch's differs from ln(1 + e^x) by less than 3e-9."""
    if threshold < 20:
        raise UnsupportedOperator("a threshold below 20")
    if beta == 1:
        return call.add_result(Softplus(), call.node(input))
    return call.add_result(Affine(1 / beta), call.add(Softplus(), call.add(Affine(beta), call.node(input))))


@converts("logsigmoid")
def log_sigmoid(call: Call, input: Tensor) -> str:
    """Convert log-sigmoid, −softplus(−x)."""
    return call.add_result(Function("neg"), call.add(Softplus(), call.add(Function("neg"), call.node(input))))


@converts("softsign")
def softsign(call: Call, input: Tensor) -> str:
    """Convert softsign, x / (1 + |x|)."""
    x = call.node(input)
    return call.add_result(Divide(), x, call.add(Affine(shift=1.0), call.add(Function("abs"), x)))


@converts("tanhshrink")
def tanhshrink(call: Call, input: Tensor) -> str:
    """Convert tanhshrink, x − tanh x."""
    x = call.node(input)
    return call.add_result(Subtract(), x, call.add(Tanh(), x))


@converts("softshrink")
def softshrink(call: Call, input: Tensor, lambd: float = 0.5) -> str:
    """Convert softshrink: x minus x clamped to ±lambd."""
    x = call.node(input)
    return call.add_result(Subtract(), x, call.add(Clamp(-lambd, lambd), x))


@converts("functional.glu")
def glu(call: Call, input: Tensor, dim: int = -1) -> str:
    """Convert GLU: the first half times the sigmoid of the second."""
    x = call.node(input)
    axis = call.batch.image_axis(input.shape, dim)
    half = input.shape[dim] // 2
    gate = call.add(Sigmoid(), call.add(Slice(axis, half), x))
    return call.add_result(Multiply(), call.add(Slice(axis, 0, half), x), gate)


@converts("functional.softmax", "torch.softmax", "Tensor.softmax", "special.softmax")
def softmax(call: Call, input: Tensor, dim: int | None = None, *_types: Any, **_more: Any) -> str:
    """Convert softmax along one axis."""
    if dim is None:
        raise UnsupportedOperator("an implicit axis")
    return call.add_result(Softmax(call.batch.image_axis(input.shape, dim)), call.node(input))


@converts("functional.log_softmax", "torch.log_softmax", "Tensor.log_softmax", "special.log_softmax")
def log_softmax(call: Call, input: Tensor, dim: int | None = None, *_types: Any, **_more: Any) -> str:
    """Convert log-softmax along one axis."""
    if dim is None:
        raise UnsupportedOperator("an implicit axis")
    return call.add_result(LogSoftmax(call.batch.image_axis(input.shape, dim)), call.node(input))


@converts("functional.softmin")
def softmin(call: Call, input: Tensor, dim: int | None = None, *_types: Any, **_more: Any) -> str:
    """Convert softmin, softmax of −x."""
    if dim is None:
        raise UnsupportedOperator("an implicit axis")
    negative = call.add(Function("neg"), call.node(input))
    return call.add_result(Softmax(call.batch.image_axis(input.shape, dim)), negative)


@converts(
    *("functional.dropout", "functional.dropout1d", "functional.dropout2d", "functional.dropout3d", "dropout_"),
)
def dropout(call: Call, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> str:
    """Convert dropout. The function is random by default, `nn.Dropout` only in training."""
    if training and p > 0:
        raise RandomAtInference("random dropout")
    return call.add_result(Dropout(p), call.node(input))


@converts("functional.alpha_dropout", "functional.feature_alpha_dropout")
def alpha_dropout(call: Call, input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> str:
    """Convert alpha dropout."""
    return dropout(call, input, p, training)
