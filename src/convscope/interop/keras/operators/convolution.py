"""Convolution: plain, transposed, depthwise and separable."""

from __future__ import annotations

from typing import Any, Literal

from ....layers.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from ....settings import Pads
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor
from ..weights import WeightSource, transposed_source, unchanged_source
from .activation import add_activation

_CONV = (Conv1d, Conv2d, Conv3d)
_TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


def padding_of(op: Any) -> Pads | Literal["same"]:
    """Return a layer's padding.

    Raises:
        UnsupportedOperator: For an unknown padding mode.
    """
    if op.padding == "valid":
        return tuple((0, 0) for _ in op.strides)
    if op.padding == "same":
        return "same"
    if op.padding == "causal":
        return tuple((d * (k - 1), 0) for k, d in zip(op.kernel_size, op.dilation_rate, strict=True))
    raise UnsupportedOperator(f"padding {op.padding}")


def output_channels_first(variable: Any) -> WeightSource:
    """Return a kernel (kh, kw, in, out) as (out, in, kh, kw)."""
    rank = len(variable.shape) - 2
    return transposed_source(variable, (rank + 1, rank, *range(rank)))


@converts("layers.Conv1D", "layers.Conv2D", "layers.Conv3D")
def conv(call: Call) -> SymbolicTensor:
    """Convert a convolution."""
    op = call.op
    layer = _CONV[op.rank - 1](
        op.filters, op.kernel_size, op.strides, padding_of(op), op.dilation_rate, op.groups, op.use_bias
    )
    parameters = {"weight": output_channels_first(op.kernel)}
    if op.use_bias:
        parameters["bias"] = unchanged_source(op.bias)
    return add_activation(call, call.emit(layer, call.image(), parameters=parameters), op.activation)


@converts("layers.Conv1DTranspose", "layers.Conv2DTranspose", "layers.Conv3DTranspose")
def conv_transpose(call: Call) -> SymbolicTensor:
    """Convert a transposed convolution."""
    op = call.op
    padding, extra = _transposed_padding(op)
    layer = _TRANSPOSED[op.rank - 1](
        op.filters,
        op.kernel_size,
        op.strides,
        padding,
        op.dilation_rate,
        getattr(op, "groups", 1) or 1,
        op.use_bias,
        output_padding=extra,
    )
    parameters = {"weight": output_channels_first(op.kernel)}
    if op.use_bias:
        parameters["bias"] = unchanged_source(op.bias)
    return add_activation(call, call.emit(layer, call.image(), parameters=parameters), op.activation)


def _transposed_padding(op: Any) -> tuple[Pads | Literal["same"], tuple[int, ...]]:
    """Return the padding and output padding of a transposed convolution.

    For SAME padding, kernel extent r and stride s, the full output has (n − 1)·s + r elements. Of these,
    (n − 1)·s + r mod 2 + output_padding remain, or n·s without output_padding. Half of the rest, rounded down, is
    removed at the start.
    """
    rank = op.rank
    if op.padding == "same" and op.output_padding is None:
        return "same", (0,) * rank
    output_padding = op.output_padding
    extras = output_padding if isinstance(output_padding, list | tuple) else (output_padding,) * rank
    pads, ends = [], []
    for k, s, d, extra in zip(op.kernel_size, op.strides, op.dilation_rate, extras, strict=True):
        reach = d * (k - 1) + 1
        if op.padding == "valid":
            before, after = 0, -(max(s - reach, 0) if extra is None else extra)
        else:
            surplus = reach - reach % 2 - (extra or 0)
            before = max(surplus // 2, 0)
            after = surplus - before
        pads.append((before, max(after, 0)))
        ends.append(max(-after, 0))
    return tuple(pads), tuple(ends)


def _depthwise_kernel(variable: Any) -> WeightSource:
    """Return a depthwise kernel (kh, kw, in, multiplier) as (in · multiplier, 1, kh, kw)."""
    rank = len(variable.shape) - 2
    *kernel, channels, multiplier = variable.shape
    order = (rank, rank + 1, *range(rank))
    return WeightSource(
        (variable,), lambda array: array.transpose(order).reshape(channels * multiplier, 1, *kernel)
    )


def _emit_depthwise(call: Call, kernel: Any, bias: Any, part: str = "") -> SymbolicTensor:
    op, x = call.op, call.image()
    channels, multiplier = kernel.shape[-2:]
    layer = _CONV[op.rank - 1](
        channels * multiplier,
        op.kernel_size,
        op.strides,
        padding_of(op),
        op.dilation_rate,
        groups=channels,
        bias=bias is not None,
    )
    parameters = {"weight": _depthwise_kernel(kernel)}
    if bias is not None:
        parameters["bias"] = unchanged_source(bias)
    return call.emit(layer, x, part=part, parameters=parameters)


@converts("layers.DepthwiseConv1D", "layers.DepthwiseConv2D")
def depthwise_conv(call: Call) -> SymbolicTensor:
    """Convert depthwise convolutions."""
    op = call.op
    return add_activation(call, _emit_depthwise(call, op.kernel, op.bias if op.use_bias else None), op.activation)


@converts("layers.SeparableConv1D", "layers.SeparableConv2D")
def separable_conv(call: Call) -> SymbolicTensor:
    """Convert separable convolutions: depthwise, then pointwise."""
    op = call.op
    depthwise = _emit_depthwise(call, op.depthwise_kernel, None, "depthwise")
    layer = _CONV[op.rank - 1](op.filters, (1,) * op.rank, bias=op.use_bias)
    parameters = {"weight": output_channels_first(op.pointwise_kernel)}
    if op.use_bias:
        parameters["bias"] = unchanged_source(op.bias)
    return add_activation(call, call.emit(layer, depthwise, parameters=parameters), op.activation)
