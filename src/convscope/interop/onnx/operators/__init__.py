"""Converters of operators, by layer family; importing this package registers them."""

from . import (
    activation,
    convolution,
    dense,
    elementwise,
    indexing,
    merge,
    normalization,
    pooling,
    recurrent,
    reduction,
    resize,
    shape,
)

__all__ = [
    "activation",
    "convolution",
    "dense",
    "elementwise",
    "indexing",
    "merge",
    "normalization",
    "pooling",
    "recurrent",
    "reduction",
    "resize",
    "shape",
]
