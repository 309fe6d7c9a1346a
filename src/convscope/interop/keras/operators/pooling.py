"""Pooling."""

from __future__ import annotations

from dataclasses import replace

from ....layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AdaptivePool,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalAvgPool3d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    GlobalMaxPool3d,
    GlobalPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from ....layers.rearrange import Flatten, Pad
from ...errors import UnsupportedOperator
from ..call import Call, converts
from ..symbolic import SymbolicTensor
from .convolution import padding_of

_MAX = (MaxPool1d, MaxPool2d, MaxPool3d)
_AVG = (AvgPool1d, AvgPool2d, AvgPool3d)
_GLOBAL_MAX = (GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d)
_GLOBAL_AVG = (GlobalAvgPool1d, GlobalAvgPool2d, GlobalAvgPool3d)
_ADAPTIVE_MAX = (AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d)
_ADAPTIVE_AVG = (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)


@converts("layers.MaxPooling1D", "layers.MaxPooling2D", "layers.MaxPooling3D")
def max_pool(call: Call) -> SymbolicTensor:
    """Convert max pooling."""
    op, x = call.op, call.image()
    return call.emit(_MAX[x.spatial_rank() - 1](op.pool_size, op.strides, padding_of(op)), x)


@converts("layers.AveragePooling1D", "layers.AveragePooling2D", "layers.AveragePooling3D")
def average_pool(call: Call) -> SymbolicTensor:
    """Convert average pooling, which does not count padding.

    On the PyTorch backend, Keras replicates the edge if SAME padding is asymmetric.
    """
    import keras

    op, x = call.op, call.image()
    pool = _AVG[x.spatial_rank() - 1](op.pool_size, op.strides, padding_of(op), count_include_pad=False)
    pads = [(window.before, window.after) for window in pool.windows(x.layer_shape)]
    if keras.backend.backend() == "torch" and any(before != after for before, after in pads):
        x = call.emit(Pad(tuple(pads), "replicate"), x, part="pad")
        pool = replace(pool, padding=((0, 0),) * len(pads))
    return call.emit(pool, x)


def _global_pool(call: Call, kinds: tuple[type[GlobalPool], ...]) -> SymbolicTensor:
    call.refuse_other_arguments()
    if len(call.args) > 1:
        raise UnsupportedOperator("a mask")
    x = call.image()
    pooled = call.emit(kinds[x.spatial_rank() - 1](), x)
    return pooled if call.op.keepdims else call.emit(Flatten(), pooled, part="flatten", order=(0,))


@converts("layers.GlobalMaxPooling1D", "layers.GlobalMaxPooling2D", "layers.GlobalMaxPooling3D")
def global_max_pool(call: Call) -> SymbolicTensor:
    """Convert global max pooling."""
    return _global_pool(call, _GLOBAL_MAX)


@converts("layers.GlobalAveragePooling1D", "layers.GlobalAveragePooling2D", "layers.GlobalAveragePooling3D")
def global_average_pool(call: Call) -> SymbolicTensor:
    """Convert global average pooling."""
    return _global_pool(call, _GLOBAL_AVG)


def _adaptive(call: Call, kinds: tuple[type[AdaptivePool], ...]) -> SymbolicTensor:
    x = call.image()
    return call.emit(kinds[x.spatial_rank() - 1](call.op.output_size), x)


@converts("layers.AdaptiveMaxPooling1D", "layers.AdaptiveMaxPooling2D", "layers.AdaptiveMaxPooling3D")
def adaptive_max_pool(call: Call) -> SymbolicTensor:
    """Convert adaptive max pooling."""
    return _adaptive(call, _ADAPTIVE_MAX)


@converts(
    *("layers.AdaptiveAveragePooling1D", "layers.AdaptiveAveragePooling2D"), "layers.AdaptiveAveragePooling3D"
)
def adaptive_average_pool(call: Call) -> SymbolicTensor:
    """Convert adaptive average pooling."""
    return _adaptive(call, _ADAPTIVE_AVG)
