"""Pooling."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from ....layers.elementwise import Affine
from ....layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    LPPool1d,
    LPPool2d,
    LPPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from ..call import converts
from .convolution import per_axis

if TYPE_CHECKING:
    from torch import Tensor

    from ..call import Call

_MAX = (MaxPool1d, MaxPool2d, MaxPool3d)
_AVG = (AvgPool1d, AvgPool2d, AvgPool3d)
_LP = (LPPool1d, LPPool2d, LPPool3d)
_ADAPTIVE_AVG = (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)
_ADAPTIVE_MAX = (AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d)


def _rank(input: Tensor) -> int:
    return input.dim() - 2


def _same_pads(padding: Any, rank: int) -> tuple[tuple[int, int], ...]:
    return tuple((one, one) for one in per_axis(padding, rank))


@converts(
    *("max_pool1d", "max_pool2d", "max_pool3d"),
    *("functional.max_pool1d_with_indices", "functional.max_pool2d_with_indices"),
    "functional.max_pool3d_with_indices",
)
def max_pool(
    call: Call,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> str:
    """Convert max pooling; the indices of the maxima are unsupported."""
    rank = _rank(input)
    kernel = per_axis(kernel_size, rank)
    layer = _MAX[rank - 1](
        kernel,
        stride=per_axis(stride, rank) if stride not in (None, [], ()) else kernel,
        padding=_same_pads(padding, rank),
        dilation=per_axis(dilation, rank),
        ceil_mode=ceil_mode,
    )
    return call.map_channels(input, lambda x: call.add_result(layer, x))


@converts("functional.avg_pool1d", "functional.avg_pool2d", "functional.avg_pool3d")
def avg_pool(
    call: Call,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> str:
    """Convert average pooling; `divisor_override` becomes a factor."""
    rank = _rank(input)
    kernel = per_axis(kernel_size, rank)
    layer = _AVG[rank - 1](
        kernel,
        stride=per_axis(stride, rank) if stride not in (None, [], ()) else kernel,
        padding=_same_pads(padding, rank),
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad or divisor_override is not None,
    )
    if divisor_override is None:
        return call.map_channels(input, lambda x: call.add_result(layer, x))
    factor = Affine(prod(kernel) / divisor_override)
    return call.map_channels(input, lambda x: call.add_result(factor, call.add(layer, x)))


@converts("functional.lp_pool1d", "functional.lp_pool2d", "functional.lp_pool3d")
def lp_pool(
    call: Call,
    input: Tensor,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> str:
    """Convert power-average pooling."""
    rank = _rank(input)
    kernel = per_axis(kernel_size, rank)
    strides = per_axis(stride, rank) if stride is not None else kernel
    layer = _LP[rank - 1](kernel, stride=strides, ceil_mode=ceil_mode, norm_type=float(norm_type))
    return call.map_channels(input, lambda x: call.add_result(layer, x))


@converts("functional.adaptive_avg_pool1d", "functional.adaptive_avg_pool2d", "functional.adaptive_avg_pool3d")
def adaptive_avg_pool(call: Call, input: Tensor, output_size: Any) -> str:
    """Convert adaptive average pooling."""
    layer = _ADAPTIVE_AVG[_rank(input) - 1](tuple(call.shape[2:]))
    return call.map_channels(input, lambda x: call.add_result(layer, x))


@converts("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(call: Call, input: Tensor, output_size: Any, return_indices: bool = False) -> str:
    """Convert adaptive max pooling."""
    layer = _ADAPTIVE_MAX[_rank(input) - 1](tuple(call.shape[2:]))
    return call.map_channels(input, lambda x: call.add_result(layer, x))
