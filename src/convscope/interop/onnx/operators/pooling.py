"""MaxPool, AveragePool, LpPool and global pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .... import layers
from ....layers.pooling import GlobalPool, Pool
from ....layers.rearrange import Pad, Reshape
from ..call import Call, without_split_batch
from ..registry import UnsupportedOperator, converts
from ..values import ORDERED, Flow
from .convolution import auto_pad_mode, explicit_pads, same_lower, values_per_axis
from .shape import LARGEST_NUMBER

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
    """MaxPool; the winners' indices are no value here."""
    return [_pool(call, {})]


@converts("AveragePool", since=(7, 10, 11, 19, 22))
def average_pool(call: Call) -> Sequence[Flow]:
    """AveragePool; padding does not count unless it says so."""
    return [_pool(call, {"count_include_pad": bool(call.attribute("count_include_pad", 0))})]


@converts("LpPool", since=(2, 11, 18, 22))
def lp_pool(call: Call) -> Sequence[Flow]:
    """LpPool: the p-norm of each window."""
    return [_pool(call, {"norm_type": float(call.attribute("p", 2))})]


def _pool(call: Call, own: dict[str, Any]) -> Flow:
    folded = without_split_batch(call)
    if folded is None:
        return _pooled(call, call.images(), own)
    count, channels, *sizes = folded.shape
    side_by_side = call.emit(Reshape((count * channels, *sizes)), folded, part="channels")
    batched = Flow(side_by_side.layer, (1, *side_by_side.held), 0, side_by_side.held, folded.dtype)
    pooled = _pooled(call, batched, own)
    return call.reshape(pooled, (count, channels, *pooled.held[1:]), None, "images")


def _pooled(call: Call, x: Flow, own: dict[str, Any]) -> Flow:
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise UnsupportedOperator("1 to 3 spatial axes")
    kernel, stride = values_per_axis(call, "kernel_shape", rank, 0), values_per_axis(call, "strides", rank)
    dilation = values_per_axis(call, "dilations", rank)
    ceil = bool(call.attribute("ceil_mode", 0))
    kind = _POOLS[call.operator][rank - 1]
    word = auto_pad_mode(call)
    if word == "SAME_UPPER":
        return call.emit(kind(kernel, stride, "same", dilation, False, **own), x)
    pads = explicit_pads(call, rank) if word == "NOTSET" else ((0, 0),) * rank
    if word == "SAME_LOWER":
        pads, ceil = same_lower(x.shape[2:], kernel, stride, dilation), False
    reaches = (d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if any(max(pair) > reach // 2 for pair, reach in zip(pads, reaches, strict=True)):
        if ceil or own.get("count_include_pad") is False:
            raise UnsupportedOperator("padding of more than half the kernel")
        value = -LARGEST_NUMBER if call.operator == "MaxPool" else 0.0
        x = call.emit(Pad(pads, value=value), x, part="pad")
        pads = ((0, 0),) * rank
    return call.emit(kind(kernel, stride, pads, dilation, ceil, **own), x)


@converts("GlobalAveragePool", "GlobalMaxPool", since=(1, 22))
def global_pool(call: Call) -> Sequence[Flow]:
    """Global pooling of each channel."""
    x = call.images()
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        raise UnsupportedOperator("1 to 3 spatial axes")
    kinds = GLOBAL["mean" if call.operator == "GlobalAveragePool" else "max"]
    return [call.emit(kinds[rank - 1](), x)]
