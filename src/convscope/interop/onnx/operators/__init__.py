"""One converter per operator and version; importing this package registers them."""

from . import (
    activation,
    convolution,
    cutting,
    dense,
    einsum,
    elementwise,
    normalization,
    picking,
    pooling,
    rearrange,
    recurrent,
    reduction,
    resize,
    special,
)

__all__ = [
    "activation",
    "convolution",
    "cutting",
    "dense",
    "einsum",
    "elementwise",
    "normalization",
    "picking",
    "pooling",
    "rearrange",
    "recurrent",
    "reduction",
    "resize",
    "special",
]
