"""One converter per operator and version; importing this package registers them."""

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
    structural,
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
    "structural",
]
