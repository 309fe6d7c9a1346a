"""Convolution and transposed convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....layers.base import Layer
from ....layers.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from ...errors import UnsupportedOperator
from ..call import converts

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call


_CONV = (Conv1d, Conv2d, Conv3d)
_TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


def present(**tensors: Tensor | None) -> dict[str, Tensor]:
    """Return the parameters that are not None."""
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


def per_axis(value: Any, rank: int) -> tuple[int, ...]:
    """Return one value per spatial axis."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return values * rank if len(values) == 1 else values


def refuse_computed_weights(call: Call, *tensors: Tensor | None) -> None:
    """Refuse weights that depend on the network's input."""
    if any(one is not None and call.recorder.depends_on_input(one) for one in tensors):
        raise UnsupportedOperator("weights that depend on the input")


@converts("torch.convolution")
def any_convolution(
    call: Call,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> str:
    """Convert `torch.convolution`, which is transposed or not by an argument."""
    if transposed:
        return transposed_convolution(call, input, weight, bias, stride, padding, output_padding, groups, dilation)
    return convolution(call, input, weight, bias, stride, padding, dilation, groups)


@converts("conv1d", "conv2d", "conv3d")
def convolution(
    call: Call,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> str:
    """Convert a convolution. Its "same" padding puts the odd pixel at the end, as TensorFlow does."""
    refuse_computed_weights(call, weight, bias)
    rank = weight.dim() - 2
    strides, dilations = per_axis(stride, rank), per_axis(dilation, rank)
    kernel = tuple(weight.shape[2:])
    if isinstance(padding, str):
        totals = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilations, strict=True)]
        pads = tuple((total // 2, total - total // 2) for total in totals)
    else:
        pads = tuple((one, one) for one in per_axis(padding, rank))

    def apply(x: str, lead: int) -> str:
        layer = _CONV[rank + lead - 1](
            weight.shape[0],
            (1,) * lead + kernel,
            stride=(1,) * lead + strides,
            padding=((0, 0),) * lead + pads,
            dilation=(1,) * lead + dilations,
            groups=groups,
            bias=bias is not None,
            in_channels=weight.shape[1] * groups,
        )
        return call.add_result(layer, x, parameters=present(weight=weight, bias=bias))

    return call.map_with_extra_axis(input, apply)


@converts("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(
    call: Call,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> str:
    """Convert a transposed convolution."""
    refuse_computed_weights(call, weight, bias)
    rank = weight.dim() - 2
    kernel, strides, dilations = tuple(weight.shape[2:]), per_axis(stride, rank), per_axis(dilation, rank)
    pads = tuple((one, one) for one in per_axis(padding, rank))

    def apply(x: str, lead: int) -> str:
        layer: Layer = _TRANSPOSED[rank + lead - 1](
            weight.shape[1] * groups,
            (1,) * lead + kernel,
            stride=(1,) * lead + strides,
            padding=((0, 0),) * lead + pads,
            dilation=(1,) * lead + dilations,
            groups=groups,
            bias=bias is not None,
            in_channels=weight.shape[0],
            output_padding=(0,) * lead + per_axis(output_padding, rank),
        )
        return call.add_result(layer, x, parameters=present(weight=weight, bias=bias))

    return call.map_with_extra_axis(input, apply)
