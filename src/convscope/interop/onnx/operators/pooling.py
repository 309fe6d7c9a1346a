"""MaxPool, AveragePool, LpPool and global pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .... import layers
from ....layers.pooling import GlobalPool, Pool
from ....layers.rearrange import Pad, Reshape
from ...errors import UnsupportedOperator
from ..call import Call, converts, split_image
from ..values import ORDERED, Flow
from .convolution import auto_pad_mode, explicit_pads, same_lower, values_per_axis
from .shape import LARGEST_FLOAT

_POOLS: dict[str, tuple[type[Pool], ...]] = {
    "MaxPool": (layers.MaxPool1d, layers.MaxPool2d, layers.MaxPool3d),
    "AveragePool": (layers.AvgPool1d, layers.AvgPool2d, layers.AvgPool3d),
    "LpPool": (layers.LPPool1d, layers.LPPool2d, layers.LPPool3d),
}
GLOBAL: dict[str, tuple[type[GlobalPool], ...]] = {
    "mean": (layers.GlobalAvgPool1d, layers.GlobalAvgPool2d, layers.GlobalAvgPool3d),
    "max": (layers.GlobalMaxPool1d, layers.GlobalMaxPool2d, layers.GlobalMaxPool3d),
}


@converts("MaxPool", since=(8, 10, 11, 12, 22), types=ORDERED)
def max_pool(call: Call) -> Sequence[Flow]:
    """MaxPool; its indices output is not supported."""
    return [_pool(call, {})]


@converts("AveragePool", since=(7, 10, 11, 19, 22))
def average_pool(call: Call) -> Sequence[Flow]:
    """AveragePool; padding is excluded unless `count_include_pad` is set."""
    return [_pool(call, {"count_include_pad": bool(call.attribute("count_include_pad", 0))})]


@converts("LpPool", since=(2, 11, 18, 22))
def lp_pool(call: Call) -> Sequence[Flow]:
    """LpPool: the p-norm of each window."""
    return [_pool(call, {"norm_type": float(call.attribute("p", 2))})]


def _pool(call: Call, settings: dict[str, Any]) -> Flow:
    parts = split_image(call)
    if parts is None:
        return _emit_pool(call, call.images(), settings)
    count, channels, *sizes = parts.shape
    as_channels = call.emit(Reshape((count * channels, *sizes)), parts, part="channels")
    batched = Flow(as_channels.layer, (1, *as_channels.layer_shape), 0, as_channels.layer_shape, parts.dtype)
    pooled = _emit_pool(call, batched, settings)
    return call.reshape(pooled, (count, channels, *pooled.layer_shape[1:]), None, "images")


def _emit_pool(call: Call, x: Flow, settings: dict[str, Any]) -> Flow:
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise UnsupportedOperator("1 to 3 spatial axes")
    kernel, stride = values_per_axis(call, "kernel_shape", rank, 0), values_per_axis(call, "strides", rank)
    dilation = values_per_axis(call, "dilations", rank)
    ceil = bool(call.attribute("ceil_mode", 0))
    kind = _POOLS[call.operator][rank - 1]
    mode = auto_pad_mode(call)
    if mode == "SAME_UPPER":
        return call.emit(kind(kernel, stride, "same", dilation, False, **settings), x)
    pads = explicit_pads(call, rank) if mode == "NOTSET" else ((0, 0),) * rank
    if mode == "SAME_LOWER":
        pads, ceil = same_lower(x.shape[2:], kernel, stride, dilation), False
    reaches = (d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if any(max(pair) > reach // 2 for pair, reach in zip(pads, reaches, strict=True)):
        if ceil or settings.get("count_include_pad") is False:
            raise UnsupportedOperator("padding of more than half the kernel")
        value = -LARGEST_FLOAT if call.operator == "MaxPool" else 0.0
        x = call.emit(Pad(pads, value=value), x, part="pad")
        pads = ((0, 0),) * rank
    return call.emit(kind(kernel, stride, pads, dilation, ceil, **settings), x)


@converts("GlobalAveragePool", "GlobalMaxPool", since=(1, 22))
def global_pool(call: Call) -> Sequence[Flow]:
    """Global pooling of each channel."""
    x = call.images()
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise UnsupportedOperator("1 to 3 spatial axes")
    kinds = GLOBAL["mean" if call.operator == "GlobalAveragePool" else "max"]
    return [call.emit(kinds[rank - 1](), x)]
